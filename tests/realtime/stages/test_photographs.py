"""How faces of photographs are looked for: what the finder asks its detectors for."""

import pytest

from emotion.realtime.stages import photographs


class Closing:
    """A detector that finds nobody."""

    def __init__(self, closed):
        self._closed = closed

    def close(self):
        self._closed.append(self)


@pytest.fixture
def asked(monkeypatch):
    """What the detectors are made for: thresholds, pose, numbers of faces; and which were closed."""
    found = {"closed": []}

    def make(min_confidence, pose):
        found.update(min_confidence=min_confidence, pose=pose, faces=[])

        def landmarker(count):
            found["faces"].append(count)
            return Closing(found["closed"])

        return Closing(found["closed"]), landmarker

    monkeypatch.setattr(photographs, "_mediapipe", make)
    return found


def test_by_default_no_pose_is_asked_for_and_four_faces_at_most(asked):
    photographs.PhotographFinder().close()
    assert (asked["min_confidence"], asked["pose"], asked["faces"]) == (0.5, False, [4, 1])
    assert len(asked["closed"]) == 3


def test_what_is_asked_for_arrives(asked):
    photographs.PhotographFinder(7, 0.3, pose=True).close()
    assert (asked["min_confidence"], asked["pose"], asked["faces"]) == (0.3, True, [7, 1])
