"""A part of a video, and a picture every so often."""

from fractions import Fraction

import av
import pytest

from emotion.models.errors import OptionError
from emotion.realtime.errors import SourceError
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.options import FileOptions, read_step, read_time
from emotion.realtime.sources.steps import Steps
from tests.helpers import clips
from tests.helpers.results import result


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Four seconds, 25 pictures a second."""
    path = tmp_path_factory.mktemp("excerpts") / "clip.mp4"
    clips.clip(path, 100)
    return path


def seconds(video):
    with video:
        return [frame.seconds for frame in video]


def test_a_part_keeps_the_videos_own_times(clip):
    whole = seconds(VideoFile(clip))
    part = VideoFile.of(clip, FileOptions(start=1.0, end=2.0))
    frames = list(part)
    assert [frame.seconds for frame in frames] == [time for time in whole if 1.0 <= time < 2.0]
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert part.info.frame_count == len(frames)
    assert part.info.origin_seconds == frames[0].seconds


def test_an_end_alone_begins_at_the_beginning(clip):
    part = VideoFile.of(clip, FileOptions(end=0.5))
    assert part.info.origin == VideoFile(clip).info.origin
    assert seconds(part) == [time for time in seconds(VideoFile(clip)) if time < 0.5]


def test_a_picture_every_so_often_is_the_first_of_each_step(clip):
    whole = seconds(VideoFile(clip))
    sparse = VideoFile.of(clip, FileOptions(every=1.0))
    assert sparse.info.frame_count == 4
    assert seconds(sparse) == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=1e-3)
    assert len(seconds(VideoFile.of(clip, FileOptions(every=0.001)))) == len(whole)
    late = seconds(VideoFile.of(clip, FileOptions(start=0.5, every=2.0)))
    assert late == pytest.approx([0.5, 2.5], abs=0.05)


@pytest.mark.parametrize(("end", "said"), [(90.0, True), (4.0, False), (1.0, False)])
def test_an_end_behind_the_videos_own_is_said(clip, end, said):
    part = VideoFile.of(clip, FileOptions(end=end))
    seconds(part)
    notes = [note for note in part.info.notes if "before the requested end (1:30.0)" in note]
    assert notes == (["clip.mp4: it ends at 0:04.0, before the requested end (1:30.0)."] if said else [])


def test_what_lies_behind_the_end_is_nothing(clip):
    with pytest.raises(SourceError, match="shows nothing from 9 s on"):
        VideoFile.of(clip, FileOptions(start=9.0))


@pytest.mark.parametrize("start", [None, 1.0])
def test_what_lies_before_the_first_time_stamp_is_nothing_and_is_said(tmp_path, start):
    # As in recordings of a broadcast, whose clock does not begin with them.
    late = tmp_path / "late.mkv"
    stamps = [5_000_000 + 40 * number for number in range(5)]
    clips.clip(late, 5, stamps=stamps, time_base=Fraction(1, 1000))
    with pytest.raises(SourceError, match=r"before 0:02\.0: its time stamps begin at 83:20\.0, and start"):
        VideoFile.of(late, FileOptions(start=start, end=2.0))
    assert seconds(VideoFile.of(late, FileOptions(start=start, end=5000.1))) == [5000.0, 5000.04, 5000.08]


def test_an_annotated_part_begins_at_zero_with_its_own_sound(tmp_path):
    with VideoFile.of(DEMO, FileOptions(start=5.0, end=5.5)) as part:
        sink = Mp4Sink(tmp_path / "part.mp4", part.info)
        frames = list(part)
        for frame in frames:
            sink.write(result(0).__class__(frame, ()), frame.image)
        sink.close()
    with av.open(str(tmp_path / "part.mp4")) as made:
        video, sound = made.streams.video[0], made.streams.audio[0]
        assert (video.frames, video.start_time) == (len(frames), 0)
        assert float(sound.start_time * sound.time_base) == pytest.approx(0, abs=0.03)
        assert float(sound.duration * sound.time_base) == pytest.approx(0.5, abs=0.05)


def test_steps_are_counted_from_the_first_picture():
    steps = Steps(0.5)
    assert [time for time in (10.0, 10.2, 10.4, 10.49, 10.5, 11.7, 11.9, 12.0) if steps.take(time)] == [
        *(10.0, 10.5, 11.7, 12.0)
    ]


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("1:30", 90), ("1:02:03.5", 3723.5), ("90s", 90), ("1500ms", 1.5)]
)
def test_times_as_people_write_them(text, value):
    assert read_time(text) == value


@pytest.mark.parametrize("text", ["", "x", "1:2:3:4", "-5", "1:-5", "1:x"])
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match=r"write 90, 1:30 or 1:02:03"):
        read_time(text)


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("5s", 5), ("2fps", 0.5), ("0.5 FPS", 2), ("500ms", 0.5)]
)
def test_steps_as_people_write_them(text, value):
    assert read_step(text) == value


@pytest.mark.parametrize("text", ["0", "0fps", "x", "-1", "nanfps", "..fps"])
def test_what_is_no_step(text):
    with pytest.raises(ValueError, match="write 5s"):
        read_step(text)


def test_an_end_before_the_start_is_refused():
    with pytest.raises(OptionError, match="end is later than start"):
        FileOptions(start=5.0, end=5.0)
