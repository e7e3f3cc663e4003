import pytest

from realtime.errors import SourceError
from realtime.live_source import LiveSourceOptions, open_live
from tests.clips import clip, number


def test_a_file_plays_in_real_time_and_loses_nothing(tmp_path):
    clip(tmp_path / "clip.mp4", 30)
    with open_live(str(tmp_path / "clip.mp4")) as source:
        frames = list(source)
    assert [number(frame.image) for frame in frames] == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(29 / 25)
    assert [frame.seconds for frame in frames] == pytest.approx([n / 25 for n in range(30)])


def test_a_missing_file_is_refused():
    with pytest.raises(SourceError, match="does not exist"):
        open_live("missing.mp4", LiveSourceOptions())
