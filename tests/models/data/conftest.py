"""A small data set, without MediaPipe."""

import pytest

from emotion.models.classes import EMOTIONS
from emotion.models.data import dataset
from tests.helpers.clips import clip
from tests.helpers.photographs_to_learn import FakeFace, photo


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Two photographs of each emotion that a fake landmarker finds, in one process."""
    for index, label in enumerate(EMOTIONS):
        for i in range(2):
            photo(tmp_path / "faces" / label / f"{i}.png", seed=2 * index + i)
    monkeypatch.setattr(dataset, "in_processes", lambda look, items, workers, start: map(look, items))
    monkeypatch.setattr(dataset, "_start_worker", lambda: None)
    monkeypatch.setattr(dataset, "_landmarker", None, raising=False)
    monkeypatch.setattr(dataset, "find_portrait", lambda landmarker, image: FakeFace())
    return tmp_path


@pytest.fixture
def clips(small):
    """A clip of a second beside the photographs, whose frames all differ."""
    clip(small / "faces" / "fear" / "a clip.mp4", 25, size=(96, 96))
    return small
