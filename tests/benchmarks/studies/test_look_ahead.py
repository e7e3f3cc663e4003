"""How far ahead labels are decided: clips are compared with themselves."""

from fractions import Fraction

import numpy as np
import pytest

from emotion.benchmarks.studies import look_ahead
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.messages import PredictionFrame, VideoFrame
from emotion.realtime.stages.people import People
from tests.helpers.results import result, sure
from tests.helpers.stage_inputs import face


def clip(*emotions):
    """Thirty frames a second of one person, as they come from `causal`."""
    rows = {emotion: np.float32(sure(emotion, 0.7)) for emotion in emotions}
    frames = [
        PredictionFrame(dot(n), (face(1.0, 1.0),), np.stack([rows[emotion]] * 2)[:, None])
        for n, emotion in enumerate(emotions)
    ]
    return list(People(VoteWeights.equal()).process(frames))


def dot(n):
    return VideoFrame(n, n, Fraction(1, 30), 0.0, np.zeros((1, 1, 3), np.uint8))


def test_one_emotion_needs_nothing_that_follows(monkeypatch):
    monkeypatch.setattr(look_ahead, "causal", lambda path: clip(*["sadness"] * 60))
    assert look_ahead.agreement(["a.mp4", "b.mp4"], [0.5, 0.0]) == (120, {0.5: 1.0, 0.0: 1.0})


def test_a_flicker_has_a_label_where_nothing_of_what_follows_is_known(monkeypatch):
    flicker = clip(*["sadness"] * 60, *["happiness"] * 6, *["sadness"] * 54)
    monkeypatch.setattr(look_ahead, "causal", lambda path: flicker)
    count, shares = look_ahead.agreement(["a.mp4"], [1.0, 0.5, 0.0])
    assert (count, shares[1.0], shares[0.5]) == (120, 1.0, 1.0)
    assert shares[0.0] == 1 - 6 / 120


def test_clips_without_faces_are_reported(monkeypatch):
    monkeypatch.setattr(look_ahead, "causal", lambda path: [result(n) for n in range(5)])
    with pytest.raises(ValueError, match="no clip shows a face"):
        look_ahead.agreement(["a.mp4"])
