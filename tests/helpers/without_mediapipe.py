"""An installation in which MediaPipe cannot be loaded."""

import sys

from emotion.models import faces

_LOADED = "emotion.models.faces.mediapipe_landmarker"


def without_mediapipe(monkeypatch):
    """Until the test ends, MediaPipe is as if it had never been installed."""
    monkeypatch.delitem(sys.modules, _LOADED, raising=False)
    monkeypatch.delattr(faces, "mediapipe_landmarker", raising=False)
    monkeypatch.setitem(sys.modules, "mediapipe.tasks.python", None)
