"""Single frames of videos, by their seconds."""

import pytest

from emotion.models.data.video_frames import frame_at, sample_frames
from tests.helpers.clips import clip, number


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    clip(path, 50, rate=30)
    return path


def test_a_frame_is_found_again_by_the_seconds_in_its_name(path):
    for seconds, image in sample_frames(path, 0.5):
        assert number(frame_at(path, float(f"{seconds:.2f}"))) == number(image)


def test_where_there_is_none_nothing_is_shown(path, tmp_path):
    assert frame_at(path, 60.0) is None
    assert frame_at(tmp_path / "none.mp4", 0.0) is None
