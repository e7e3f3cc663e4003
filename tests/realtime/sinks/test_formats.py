from dataclasses import replace

import pytest

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.formats import open_file, wants_frames, wants_pictures
from emotion.realtime.sinks.options import FORMATS, read_formats
from tests.helpers.clips import picture
from tests.helpers.mp4_roundtrip import INFO, SIZE, TIME_BASE
from tests.helpers.results import face, result


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_opened_by_its_suffix(name, tmp_path):
    sink = open_file(tmp_path / f"a.{name.upper()}", INFO)
    assert sink.abort() is None
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_suffix_is_reported_with_those_that_are_known(tmp_path):
    with pytest.raises(SinkError, match=r"a\.gif has an unknown extension.*\.mp4, \.csv"):
        open_file(tmp_path / "a.gif", INFO)


def test_formats_are_taken_once_and_in_order():
    assert read_formats("html, MP4,csv,mp4,") == ("html", "mp4", "csv")


@pytest.mark.parametrize("wrong", ["mp4,gif", "", ","])
def test_what_is_no_format_is_reported_with_those_that_are(wrong):
    with pytest.raises(ValueError, match="none of mp4"):
        read_formats(wrong)


@pytest.mark.parametrize("second", ["close", "abort"])
@pytest.mark.parametrize("first", ["close", "abort"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_has_ended_stays_as_it_is(tmp_path, suffix, first, second):
    path = tmp_path / f"a.{suffix}"
    sink = open_file(path, INFO)
    for index in range(30):
        one = result(index, face("fear"), pts=512 * index)
        sink.write(EmotionFrame(replace(one.frame, time_base=TIME_BASE), one.faces), picture(index, SIZE))
    place = getattr(sink, first)()
    assert place == (path if first == "close" else partial_path(path))
    before = place.read_bytes()
    assert before
    assert getattr(sink, second)() == place
    assert place.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == [place.name]


@pytest.mark.parametrize(
    ("name", "begin"), [("vtt", "00:01:00.000"), ("srt", "00:01:00,000"), ("eaf", '"60000"')]
)
def test_of_an_excerpt_what_goes_with_the_original_video_has_its_times(tmp_path, name, begin):
    # Only what goes with the annotated video counts from the excerpt's beginning.
    excerpt = replace(INFO, begin_pts=60 * 12_800)
    sink = open_file(tmp_path / f"a.{name}", excerpt)
    for index in range(30):
        one = result(index, face("fear"), pts=60 * 12_800 + 512 * index)
        sink.write(EmotionFrame(replace(one.frame, time_base=TIME_BASE), one.faces), picture(index, SIZE))
    assert begin in sink.close().read_text()


def test_pictures_are_wanted_by_videos_and_perhaps_by_strangers():
    tables = [name for name in FORMATS if name != "mp4"]
    assert not wants_pictures(tables)
    assert wants_pictures([*tables, "mp4"])
    assert wants_pictures(["csv", "a_strangers"])


@pytest.mark.parametrize("name", ["study", "portraits", "mp4", "a_strangers"])
def test_frames_are_wanted_by_whatever_looks_at_their_pictures(name):
    tables = [name for name in FORMATS if name != "mp4"]
    assert not wants_frames(tables)
    assert wants_frames([*tables, name])
