import pytest

from emotion.models.schema import SHIPPED
from emotion.realtime.sinks.columns import Columns, description
from emotion.realtime.sinks.csv_jsonl import _rounded


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("blendshape_jaw_open", "strength of the blendshape jaw_open"),
        ("lips_seen", "how visible the region lips is; 0: hidden, it does not vote"),
        ("brows_fear", "fear: prediction from the region brows, smoothed"),
    ],
)
def test_columns_of_any_region_and_shape_are_described(name, meaning):
    assert description(name).meaning == meaning


def test_other_columns_are_not_known():
    with pytest.raises(KeyError):
        description("fear")


def test_details_have_four_digits_and_words_stay():
    assert [_rounded(value) for value in (0.123456, 12, "eyes lips", None)] == [0.1235, 12, "eyes lips", None]


@pytest.mark.parametrize(
    ("name", "kind", "unit", "bounds"),
    [
        ("frame", "integer", "", "from 0"),
        ("seconds", "number", "s", ""),
        ("left", "number", "pixels", ""),
        ("confidence", "number", "", "0 to 1"),
        ("probabilities_frame_fear", "number", "", "0 to 1"),
        ("eyes_fear", "number", "", "0 to 1"),
        ("lips_seen", "number", "", "0 to 1"),
    ],
)
def test_a_column_says_its_type_unit_and_bounds(name, kind, unit, bounds):
    one = description(name)
    assert (one.kind, one.unit, one.bounds) == (kind, unit, bounds)


def test_the_vote_of_a_frame_alone_is_distinguished_from_the_smoothed_one():
    alone, smoothed = (
        description(f"{name}_fear").meaning for name in ("probabilities_frame", "probabilities")
    )
    assert alone.startswith("fear: vote of this frame alone")
    assert smoothed.startswith("fear: vote smoothed over time")


@pytest.mark.parametrize(
    ("about", "first", "without"),
    [
        ({}, ["frame", "pts", "seconds", "track_id"], "utc"),
        ({"live": True}, ["frame", "pts", "seconds", "utc", "track_id"], "file"),
        ({"photographs": True}, ["file", "picture_width", "picture_height", "track_id"], "since"),
    ],
)
def test_photographs_have_no_times_and_live_streams_have_two(about, first, without):
    columns = Columns(SHIPPED, **about)
    assert list(columns.all[: len(first)]) == first
    assert without not in columns.all
    assert ("since" in columns.all) is not about.get("photographs", False)
