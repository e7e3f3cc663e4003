import numpy as np
import pytest

from emotion.models.classes import EMOTIONS, Emotion
from emotion.realtime.messages import UNCERTAIN
from emotion.realtime.stages.labels import Baseline, LabelDecider
from emotion.realtime.stages.options import VoteOptions

OPTIONS = VoteOptions(certain=0.4, doubtful=0.3, lead=0.1, label_dwell=0.5)


def shares(**given):
    """Probabilities of which the given ones are fixed; the rest is alike."""
    rest = (1 - sum(given.values())) / (len(EMOTIONS) - len(given))
    return np.array([given.get(name, rest) for name in EMOTIONS], np.float32)


def labels(*steps, options=OPTIONS):
    """The label after each step, (seconds, probabilities)."""
    decider = LabelDecider(options)
    return [decider.update(seconds, values)[0] for seconds, values in steps]


FEAR, ANGER = shares(fear=0.7), shares(anger=0.7)


def test_the_first_label_comes_at_once():
    assert labels((5.0, FEAR)) == ["fear"]
    assert labels((5.0, shares())) == [UNCERTAIN]


def test_a_change_needs_its_time():
    assert labels((0.6, FEAR), (1.0, ANGER), (1.4, ANGER), (1.5, ANGER)) == ["fear", "fear", "fear", "anger"]


def test_where_results_are_rare_one_is_enough():
    assert labels((0.0, FEAR), (1.0, ANGER), (2.0, FEAR), (2.4, ANGER)) == ["fear", "anger", "fear", "fear"]


def test_a_flicker_changes_nothing():
    steps = [(0.1 * n, FEAR if n % 4 else ANGER) for n in range(1, 60)]
    assert set(labels(*steps)) == {"fear"}


def test_the_time_of_different_rivals_is_not_added_up():
    steps = [(0.0, FEAR), (0.1, ANGER), (0.4, shares(sadness=0.7)), (0.7, ANGER), (1.1, ANGER), (1.2, ANGER)]
    assert labels(*steps) == ["fear"] * 5 + ["anger"]


def test_another_must_lead_clearly():
    close = shares(fear=0.41, anger=0.45)
    assert labels((0.0, FEAR), (1.0, close), (9.0, close)) == ["fear"] * 3
    clear = shares(fear=0.35, anger=0.46)
    assert labels((0.0, FEAR), (1.0, clear), (9.0, clear))[-1] == "anger"


def test_what_was_stays_between_the_two_bounds():
    between = shares(fear=0.35)
    assert labels((0.0, FEAR), (1.0, between), (2.0, between))[-1] == "fear"
    assert labels((0.0, shares()), (1.0, between), (2.0, between))[-1] == UNCERTAIN


def test_a_weak_emotion_becomes_uncertain_and_comes_back():
    weak = shares(fear=0.25)
    steps = [(0.6, FEAR), (1.0, weak), (1.5, weak), (1.9, FEAR), (2.4, FEAR)]
    assert labels(*steps) == ["fear", "fear", UNCERTAIN, UNCERTAIN, "fear"]


def test_since_is_when_the_label_came():
    decider = LabelDecider(OPTIONS)
    assert decider.update(3.0, FEAR) == ("fear", 3.0)
    decider.update(3.4, ANGER)
    assert decider.update(4.7, ANGER) == ("anger", 4.7)
    assert decider.update(9.0, ANGER) == ("anger", 4.7)


def test_the_rate_of_frames_does_not_matter():
    for rate in (5, 30, 100):
        steps = [(0.6, FEAR), *((1 + n / rate, ANGER) for n in range(2 * rate))]
        changed = steps[labels(*steps).index("anger")][0]
        assert 1.5 <= changed < 1.5 + 1 / rate + 1e-9


@pytest.mark.parametrize("wrong", [{"certain": 0.1}, {"label_dwell": -1.0}, {"lead": -0.1}, {"certain": 1.2}])
def test_options_that_contradict_are_refused(wrong):
    with pytest.raises(ValueError, match=r"(doubtful|label_dwell|lead|certain) is at (most|least)"):
        VoteOptions(**wrong)


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
    average = shares(neutral=0.46)
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
