"""What finds the faces, as options say."""

import pytest

from emotion.models.engines.options import EngineOptions
from emotion.realtime.session import models
from emotion.realtime.session.models import landmark_nets
from tests.helpers.shipped_models import shipped_models


@pytest.mark.parametrize(
    ("landmarks", "provider", "runs"),
    [
        ("auto", "auto", "cpu"),
        ("auto", "cuda", "cpu"),
        ("onnx", "auto", "auto"),
        ("onnx", "cuda", "cuda"),
        ("mediapipe", "auto", None),
    ],
)
def test_landmarks_are_on_a_gpu_only_where_that_is_requested(monkeypatch, landmarks, provider, runs):
    monkeypatch.setattr(models.LandmarkNets, "load", lambda options: options)
    found = landmark_nets(EngineOptions(landmarks=landmarks, provider=provider, threads=3))
    assert (found and (found.provider, found.threads)) == (runs and (runs, 3))


def test_models_are_shown_by_their_networks_and_not_by_their_numbers():
    classes = "happiness, sadness, fear, anger, neutral, surprise"
    assert repr(shipped_models()) == f"Models(eyes: ResNet-29, lips: ResNet-29; {classes})"
