import numpy as np
import pytest

from emotion.realtime.stages.label_rule import UNSURE, LabelRule, Moment
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.smoothing import UNKNOWN, Smoother, both_ways, steady

OPTIONS = VoteOptions(certain=0.4, doubtful=0.3, lead=0.05, margin=0.2, dwell=0.5)
CLASSES = 6


def shares(best, most, *others):
    """Probabilities of which some are given; the rest is alike."""
    given = {best: most} | dict(others)
    rest = (1 - sum(given.values())) / (CLASSES - len(given))
    return np.array([given.get(number, rest) for number in range(CLASSES)], np.float32)


A, B, WEAK = shares(0, 0.7), shares(1, 0.7), shares(0, 0.25)
CLOSE = shares(0, 0.4, (1, 0.46))


def words(*steps, options=OPTIONS):
    rule = LabelRule(options)
    return [rule.update(Moment(seconds, values))[0] for seconds, values in steps]


def foreseen(*steps, options=OPTIONS):
    rule = LabelRule(options)
    moments = [Moment(*step) for step in steps]
    return [rule.update(moment, moments[number + 1 :])[0] for number, moment in enumerate(moments)]


def test_the_first_word_comes_at_once():
    assert words((5.0, A)) == foreseen((5.0, A)) == [0]
    assert words((5.0, WEAK)) == foreseen((5.0, WEAK)) == [UNSURE]


def test_nothing_known_is_uncertain_at_once_and_ends_so():
    assert words((0.0, None), (0.1, A), (0.2, A), (0.6, A), (0.7, None)) == [UNSURE] * 3 + [0, UNSURE]


def test_beyond_the_margin_the_word_changes_at_once():
    assert words((0.6, A), (0.7, A), (0.8, B)) == [0, 0, 1]


def test_within_the_margin_it_needs_its_time():
    steps = [(0.6, A), (1.0, CLOSE), (1.4, CLOSE), (1.5, CLOSE)]
    assert words(*steps) == [0, 0, 0, 1]


def test_with_what_follows_it_changes_where_the_lead_begins():
    steps = [(0.6, A), (1.0, CLOSE), (1.4, CLOSE), (1.5, CLOSE)]
    assert foreseen(*steps) == [0, 1, 1, 1]


def test_a_flicker_within_the_margin_changes_nothing():
    steps = [(0.1 * n, CLOSE if n % 4 == 0 else A) for n in range(1, 60)]
    assert set(words(*steps)) == set(foreseen(*steps)) == {0}


def test_a_lead_that_is_never_clear_changes_nothing():
    hardly = shares(0, 0.42, (1, 0.45))
    steps = [(0.0, A), *((n / 10, hardly) for n in range(1, 60))]
    assert set(words(*steps)) == set(foreseen(*steps)) == {0}


def test_what_was_stays_between_the_two_bounds():
    between = shares(0, 0.35)
    assert words((0.0, A), (1.0, between), (2.0, between))[-1] == 0
    assert words((0.0, WEAK), (1.0, between), (2.0, between))[-1] == UNSURE


def test_a_weak_emotion_becomes_uncertain_and_comes_back():
    steps = [(0.6, A), (1.0, WEAK), (1.4, WEAK), (1.5, WEAK), (1.9, A), (2.4, A)]
    assert words(*steps) == [0, 0, 0, UNSURE, UNSURE, 0]
    assert foreseen(*steps) == [0, UNSURE, UNSURE, UNSURE, 0, 0]


def test_a_short_weakness_is_passed_over():
    steps = [(0.0, A), (0.1, A), (0.2, WEAK), (0.3, WEAK), (0.4, A), (1.0, A)]
    assert words(*steps) == foreseen(*steps) == [0] * 6


def test_in_a_short_weakness_the_word_still_follows_the_bars():
    weak_b = shares(1, 0.27)
    steps = [(0.0, A), (0.1, A), (0.2, WEAK), (0.3, weak_b), (0.4, B), (0.5, B), (1.0, B)]
    assert foreseen(*steps) == [0, 0, 0, 1, 1, 1, 1]


def test_where_results_are_rare_one_is_enough():
    assert words((0.0, A), (1.0, CLOSE)) == [0, 1]
    assert words((0.0, A), (1.0, WEAK)) == [0, UNSURE]


def test_since_is_when_the_word_came():
    rule = LabelRule(OPTIONS)
    assert rule.update(Moment(3.0, A)) == (0, 3.0)
    assert rule.update(Moment(3.1, A)) == (0, 3.0)
    assert rule.update(Moment(3.2, B)) == (1, 3.2)
    assert rule.update(Moment(9.0, B)) == (1, 3.2)


def test_the_rate_of_pictures_does_not_matter():
    for rate in (5, 30, 100):
        steps = [(0.9, A), *((1 + n / rate, CLOSE) for n in range(2 * rate))]
        changed = steps[words(*steps).index(1)][0]
        assert 1.5 - 1e-6 <= changed < 1.5 + 1 / rate + 1e-6


def wandering(seed):
    """Votes that wander about, sometimes unseen."""
    rng = np.random.default_rng(seed)
    logits, seconds, votes = rng.normal(size=CLASSES), 0.0, []
    for _ in range(300):
        seconds += float(rng.uniform(0.01, 0.08))
        logits = 0.96 * logits + 0.5 * rng.normal(size=CLASSES)
        exponents = np.exp(logits)
        vote = None if rng.random() < 0.1 else (exponents / exponents.sum()).astype(np.float32)
        votes.append((seconds, vote))
    return votes


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("tell", [words, foreseen])
def test_the_word_is_the_longest_bar_or_within_the_margin_or_uncertain(seed, tell):
    smoother = Smoother(0.3)
    steps = [(seconds, smoother.update(seconds, vote).shares) for seconds, vote in wandering(seed)]
    options = VoteOptions()
    told = tell(*steps, options=options)
    assert len(set(told)) > 2
    for word, (_, bars) in zip(told, steps, strict=True):
        assert word == UNSURE or bars.max() - bars[word] <= options.margin


def uneven(seed):
    return np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.1, 120)).tolist()


@pytest.mark.parametrize(
    "times", [[n / fps for n in range(6 * fps)] for fps in (24, 30, 60)] + [uneven(seed) for seed in range(4)]
)
@pytest.mark.parametrize("sure", [0.45, 0.6, 0.95])
def test_of_a_file_a_step_of_the_votes_is_a_step_of_the_word_within_one_picture(times, sure):
    """Smoothing and rule together, with as much of what follows as a file's results look ahead."""
    step = 2.01
    votes = [shares(int(seconds >= step), sure) for seconds in times]
    smoother, moments, before = Smoother(0.3), [], UNKNOWN
    for number, (seconds, vote) in enumerate(zip(times, votes, strict=True)):
        end = next((n for n, time in enumerate(times) if time > seconds + 0.65), len(times))
        past = smoother.update(seconds, vote)
        known = np.array(times[number:end]), np.stack(votes[number:end])
        near = [n for n, time in enumerate(times) if abs(time - seconds) <= 0.1]
        here = steady(np.stack([votes[n] for n in near]), number - near[0])
        both = both_ways(past, before, here, seconds, *known, 0.3)
        moments.append(Moment(seconds, both.shares))
        before = past
    rule, told = LabelRule(VoteOptions()), []
    for number, moment in enumerate(moments):
        known = [later for later in moments[number + 1 :] if later.seconds <= moment.seconds + 0.35]
        told.append(rule.update(moment, known)[0])
    right = [int(seconds >= step) for seconds in times]
    wrong = [number for number, (word, true) in enumerate(zip(told, right, strict=True)) if word != true]
    assert len(wrong) <= 1
    assert all(abs(number - right.index(1)) <= 1 for number in wrong)
