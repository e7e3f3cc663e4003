from fractions import Fraction

import numpy as np
import pytest

from models.emotions import Emotion
from models.regions import EYES, LIPS, Crop
from models.vote import VoteWeights
from realtime.classifier import EmotionClassifier
from realtime.ensemble import FORGET_SECONDS, Ensemble, EnsembleOptions, Smoother
from realtime.frames import Box, Face, FaceFrame, VideoFrame


def frame(index, seconds=None):
    picture = np.zeros((8, 8, 3), np.uint8)
    return VideoFrame(
        index, round(1000 * (index if seconds is None else seconds)), Fraction(1, 1000), 0.0, picture
    )


def face(track=1, eyes_visible=1.0, lips_visible=1.0, mark=0):
    eyes = Crop(np.full(EYES.size, mark, np.uint8), eyes_visible)
    lips = Crop(np.full(LIPS.size, mark, np.uint8), lips_visible)
    return Face(track, Box(0, 0, 4, 4), np.zeros((478, 2), np.float32), eyes, lips)


def sure(*emotions):
    return np.eye(6, dtype=np.float32)[list(emotions)]


def ensemble(**options):
    return Ensemble(VoteWeights.equal(), EnsembleOptions(**options))


class FakeModel:
    """Answers with the class that the crop's gray level names, and counts its runs."""

    def __init__(self):
        self.batches = []

    def __call__(self, crops):
        self.batches.append(len(crops))
        return np.array([sure(int(crop[0, 0]))[0] for crop in crops], np.float32).reshape(-1, 6)


def test_a_step_is_63_per_cent_there_after_tau():
    smoother = Smoother(tau=0.5)
    smoother.update(1, 0.0, sure(0)[0])
    after = smoother.update(1, 0.5, sure(1)[0])
    assert after[1] == pytest.approx(1 - np.exp(-1), abs=1e-6)
    assert after.sum() == pytest.approx(1)


def test_dropped_frames_change_nothing():
    often, seldom = Smoother(0.4), Smoother(0.4)
    for smoother in (often, seldom):
        smoother.update(1, 0.0, sure(0)[0])
    for step in range(1, 31):
        a = often.update(1, step / 30, sure(1)[0])
    b = seldom.update(1, 1.0, sure(1)[0])
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_no_smoothing_passes_votes_on():
    smoother = Smoother(0)
    smoother.update(1, 0.0, sure(0)[0])
    assert smoother.update(1, 0.01, sure(2)[0]).argmax() == 2


def test_state_belongs_to_the_track_and_ends_with_it():
    smoother = Smoother(10.0)
    smoother.update(1, 0.0, sure(0)[0])
    assert smoother.update(2, 0.1, sure(1)[0]).argmax() == 1
    assert smoother.update(1, 0.2, sure(1)[0]).argmax() == 0
    assert smoother.update(1, 0.3 + FORGET_SECONDS, sure(1)[0]).argmax() == 1


def test_a_jump_back_in_time_starts_anew():
    smoother = Smoother(10.0)
    smoother.update(1, 50.0, sure(0)[0])
    assert smoother.update(1, 1.0, sure(3)[0]).argmax() == 3


def test_a_negative_time_constant_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Smoother(-1)


def test_hidden_regions_vote_nothing_and_no_face_is_skipped():
    faces = (face(1), face(2, eyes_visible=0.2), face(3, lips_visible=0.2), face(4, 0.1, 0.1))
    result = ensemble(smooth=0).decide(FaceFrame(frame(0), faces), sure(0, 0, 0, 0), sure(1, 1, 1, 1))
    both, lips_only, eyes_only, neither = result.faces
    np.testing.assert_allclose(both.vote, [0.5, 0.5, 0, 0, 0, 0])
    assert lips_only.eyes is None
    assert lips_only.vote.argmax() == 1
    assert eyes_only.lips is None
    assert eyes_only.vote.argmax() == 0
    assert neither.vote is None
    assert neither.smoothed.sum() == pytest.approx(1)


def test_while_nothing_is_seen_the_last_answer_stays():
    votes = ensemble(smooth=0.2)
    votes.decide(FaceFrame(frame(0), (face(1),)), sure(Emotion.FEAR), sure(Emotion.FEAR))
    hidden = FaceFrame(frame(1), (face(1, 0, 0),))
    assert votes.decide(hidden, sure(0), sure(0)).faces[0].emotion == "fear"


def test_faces_of_several_frames_go_together_and_come_back_to_their_frames():
    eyes, lips = FakeModel(), FakeModel()
    stage = EmotionClassifier(eyes, lips, ensemble(smooth=0))
    frames = [
        FaceFrame(frame(0), (face(1, mark=0), face(2, mark=1))),
        FaceFrame(frame(1), ()),
        FaceFrame(frame(2), (face(1, mark=4),)),
    ]
    results = list(stage.process(frames))
    assert eyes.batches == lips.batches == [3]
    assert [result.frame.index for result in results] == [0, 1, 2]
    assert [[f.emotion for f in result.faces] for result in results] == [
        ["happiness", "sadness"],
        [],
        ["neutral"],
    ]


def test_frames_without_faces_ask_no_model_for_anything():
    stage = EmotionClassifier(FakeModel(), FakeModel(), ensemble())
    (result,) = stage.process([FaceFrame(frame(0), ())])
    assert result.faces == ()
