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


def flat(**given):
    """Float32 (classes,): what is given, and nothing else."""
    return np.array([given.get(name, 0.0) for name in EMOTIONS], np.float32)


@pytest.mark.parametrize(
    ("rest", "factor"),
    # A neutral face has 0.55 of neutral and 0.09 of each other emotion; no factor goes beyond 3.
    [
        ({"neutral": 0.55}, {}),
        ({"neutral": 0.5, "sadness": 0.14}, {"neutral": 1.1, "sadness": 0.09 / 0.14}),
        ({"neutral": 0.5, "sadness": 0.42}, {"neutral": 1.1, "sadness": 1 / 3, "fear": 3, "anger": 3}),
        ({"neutral": 0.36, "sadness": 0.6}, {"neutral": 0.55 / 0.36, "sadness": 1 / 3, "fear": 3}),
    ],
)
def test_votes_are_divided_by_the_resting_face_and_multiplied_by_that_of_a_neutral_one(rest, factor):
    baseline = Baseline(1.0)
    for n in range(20):
        baseline.update(n / 10, shares(**rest))
    after = baseline.update(3.0, shares())
    others = {"neutral", "sadness"} - set(factor)
    for one in factor:
        for other in others or {"neutral"}:
            wanted = factor[one] / factor.get(other, 1.0)
            at = EMOTIONS.index(one), EMOTIONS.index(other)
            assert after[at[0]] / after[at[1]] == pytest.approx(wanted, rel=0.02)
    if not factor:
        np.testing.assert_allclose(after, shares(), rtol=0.02)


@pytest.mark.parametrize(("neutral", "counts"), [(0.3, True), (0.29, False)])
def test_a_face_looks_neutral_where_neutral_has_half_of_the_largest_share(neutral, counts):
    baseline = Baseline(0.5)
    for n in range(20):
        baseline.update(n / 10, flat(neutral=neutral, anger=0.6))
    assert baseline.ready is counts


def test_of_a_pause_a_tenth_of_a_second_counts():
    baseline = Baseline(0.29)
    ready = []
    for n in range(4):
        baseline.update(10.0 * n, grumpy())
        ready.append(baseline.ready)
    assert ready == [False, False, False, True]


def test_whoever_is_asked_for_a_neutral_face_is_taken_as_they_look():
    baseline = Baseline(0.5, requested=True)
    for n in range(10):
        baseline.update(n / 10, shares(happiness=0.8))
    assert baseline.ready


def test_a_baseline_is_ready_as_soon_as_its_time_is_full():
    baseline = Baseline(0.25)
    ready = []
    for n in range(5):
        baseline.update(n / 16, grumpy())
        ready.append(baseline.ready)
    assert ready == [False, False, False, False, True]
