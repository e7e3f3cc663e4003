import pytest

from emotion.realtime.sinks.columns import description
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
