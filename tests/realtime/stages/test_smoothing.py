import numpy as np
import pytest

from emotion.models.classes import Emotion
from emotion.realtime.stages.smoothing import Smoother
from tests.helpers.stage_inputs import sure


def test_a_step_is_63_per_cent_there_after_tau():
    smoother = Smoother(tau=0.5, classes=6)
    smoother.update(0.0, sure(0)[0])
    after = smoother.update(0.5, sure(1)[0])
    assert after[1] == pytest.approx(1 - np.exp(-1), abs=1e-6)
    assert after.sum() == pytest.approx(1)


def test_dropped_frames_change_nothing():
    often, seldom = Smoother(0.4, 6), Smoother(0.4, 6)
    for smoother in (often, seldom):
        smoother.update(0.0, sure(0)[0])
    for step in range(1, 31):
        a = often.update(step / 30, sure(1)[0])
    b = seldom.update(1.0, sure(1)[0])
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_no_smoothing_passes_votes_on():
    smoother = Smoother(0, 6)
    smoother.update(0.0, sure(0)[0])
    assert smoother.update(0.01, sure(2)[0]).argmax() == 2


def test_a_negative_time_constant_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Smoother(-1, 6)


def test_while_nothing_is_seen_the_last_answer_stays():
    smoother = Smoother(0.2, 6)
    smoother.update(0.0, sure(Emotion.FEAR)[0])
    assert smoother.update(1.0, None).argmax() == Emotion.FEAR
    assert Smoother(0.2, 6).update(0.0, None).sum() == pytest.approx(1)
