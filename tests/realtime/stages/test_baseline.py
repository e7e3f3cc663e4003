import numpy as np
import pytest

from emotion.models.classes import EMOTIONS, Emotion
from emotion.realtime.stages.baseline import Baseline


def shares(**given):
    """Probabilities of which the given ones are fixed; the rest is alike."""
    rest = (1 - sum(given.values())) / (len(EMOTIONS) - len(given))
    return np.array([given.get(name, rest) for name in EMOTIONS], np.float32)


def grumpy(**more):
    """Someone whose face looks angry at rest."""
    return shares(**({"neutral": 0.33, "anger": 0.37} | more))


def test_a_resting_face_that_looks_angry_is_neutral_after_the_baseline():
    baseline = Baseline(1.0)
    for n in range(25):
        assert baseline.update(n / 20, grumpy()).argmax() == Emotion.ANGER or baseline.ready
    assert baseline.ready
    after = baseline.update(2.0, grumpy())
    assert after.argmax() == Emotion.NEUTRAL
    assert after.sum() == pytest.approx(1, abs=1e-6)


def test_true_anger_is_still_anger():
    baseline = Baseline(1.0)
    for n in range(25):
        baseline.update(n / 20, grumpy())
    assert baseline.update(2.0, shares(anger=0.8)).argmax() == Emotion.ANGER


def test_frames_that_do_not_look_neutral_are_no_baseline():
    baseline = Baseline(1.0)
    for n in range(200):
        vote = shares(happiness=0.8)
        np.testing.assert_array_equal(baseline.update(n / 20, vote), vote)
    assert not baseline.ready


def test_without_a_baseline_nothing_changes():
    baseline = Baseline(0)
    for n in range(100):
        assert baseline.update(n, grumpy()).argmax() == Emotion.ANGER


def test_an_average_face_is_hardly_changed():
    baseline = Baseline(1.0)
    average = shares(neutral=0.55)
    for n in range(30):
        after = baseline.update(n / 20, average)
    np.testing.assert_allclose(after, average, atol=0.01)


def test_no_correction_without_bounds():
    baseline = Baseline(1.0)
    extreme = shares(neutral=0.96)
    for n in range(30):
        baseline.update(n / 20, extreme)
    flat = baseline.update(3.0, shares())
    assert flat.max() / flat.min() <= 9.01


def test_a_gap_is_no_neutral_time():
    baseline = Baseline(1.0)
    baseline.update(0.0, grumpy())
    baseline.update(60.0, grumpy())
    assert not baseline.ready


def test_a_negative_baseline_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Baseline(-1)
