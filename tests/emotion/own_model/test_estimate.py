"""How long learning will take: what is measured, on which pictures, and for how many."""

import pytest

pytest.importorskip("onnx", reason="learning needs the extra 'learn'")

import numpy as np

from emotion.models.data.image_io import PictureError
from emotion.models.regions import EYES, LIPS, Regions
from emotion.own_model import estimate
from tests.helpers.clips import clip

REGIONS = Regions((EYES, LIPS))


@pytest.fixture
def looked(monkeypatch):
    """What the landmarker was asked about; each look takes two seconds of a clock that tells only these."""
    seen, now = [], [0.0]

    class Landmarker:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def find(landmarker, image):
        seen.append(image.shape)
        now[0] += 2.0

    monkeypatch.setattr(estimate, "FaceLandmarker", Landmarker)
    monkeypatch.setattr(estimate, "find_portrait", find)
    monkeypatch.setattr(estimate, "perf_counter", lambda: now[0])
    return seen


def test_photographs_that_cannot_be_read_are_passed_over(looked, monkeypatch, tmp_path):
    def read(path):
        if path.name == "0.jpg":
            raise PictureError("broken")
        return np.zeros((4, 5, 3), np.uint8)

    monkeypatch.setattr(estimate, "read_photograph", read)
    (tmp_path / "calm").mkdir()
    for name in range(7):
        (tmp_path / "calm" / f"{name}.jpg").touch()
    (tmp_path / "calm" / "notes.txt").touch()
    found = estimate.measure([tmp_path], None, REGIONS)
    assert (found.photographs, found.measured, found.analyse) == (7, 4, 2.0), "the first look warms up"
    assert len(looked) == 5


def test_frames_of_videos_are_counted_and_measured(looked, tmp_path):
    (tmp_path / "calm").mkdir()
    for name in ("a", "b"):
        clip(tmp_path / "calm" / f"{name}.mp4", 50)
    found = estimate.measure([tmp_path], None, REGIONS, every=0.5)
    assert (found.photographs, found.videos) == (0, 2)
    assert found.frames == pytest.approx(2 * 5, abs=2)
    assert found.analyse == 2.0
    assert found.measured == len(looked) - 1 > 0
    assert estimate.measure([tmp_path], None, REGIONS, every=0).frames == pytest.approx(100, abs=4)


def test_a_video_that_tells_nothing_counts_as_the_others(looked, tmp_path):
    (tmp_path / "calm").mkdir()
    clip(tmp_path / "calm" / "a.mp4", 50)
    (tmp_path / "calm" / "b.mp4").write_bytes(b"no video")
    one = estimate.measure([tmp_path], None, REGIONS, every=0.5).frames
    assert one == pytest.approx(2 * 5, abs=2)


def test_loading_a_network_is_not_taken_for_what_a_face_takes(looked, monkeypatch, tmp_path):
    now = [0.0]

    def features(folder, region, crops, precision="fp32", threads=1, progress=None):
        assert threads == 0
        now[0] += 100  # the session, and the first batch
        for done in range(16, len(crops) + 1, 16):
            progress(done, len(crops))
            now[0] += 16 * 0.25

    monkeypatch.setattr(estimate, "features_of", features)
    monkeypatch.setattr(estimate, "perf_counter", lambda: now[0])
    assert estimate.measure([tmp_path], tmp_path, REGIONS).predict == pytest.approx(2 * 2 * 0.25)
