import numpy as np
import pytest

from emotion.models.classes import Classes
from emotion.realtime.stages.label_rule import UNSURE, LabelRule, Moment, word_of
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.smoothing import UNKNOWN, Smoother, both_ways

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
    reported = tell(*steps, options=options)
    assert len(set(reported)) > 2
    for word, (_, bars) in zip(reported, steps, strict=True):
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
        around = np.stack([votes[n] for n in near]), number - near[0]
        both = both_ways(past, before, *around, seconds, *known, 0.3)
        moments.append(Moment(seconds, both.shares))
        before = past
    rule, reported = LabelRule(VoteOptions()), []
    for number, moment in enumerate(moments):
        known = [later for later in moments[number + 1 :] if later.seconds <= moment.seconds + 0.35]
        reported.append(rule.update(moment, known)[0])
    right = [int(seconds >= step) for seconds in times]
    wrong = [number for number, (word, true) in enumerate(zip(reported, right, strict=True)) if word != true]
    assert len(wrong) <= 1
    assert all(abs(number - right.index(1)) <= 1 for number in wrong)


# Numbers that are exact: named from a half on, withdrawn below a quarter, and a dwell time of half a second.
EXACT = VoteOptions(certain=0.5, doubtful=0.25, margin=0.125, lead=0.0625, dwell=0.5)


def reported(*moments, options=EXACT, first=0):
    """The word at each moment, (seconds, share of the first emotion, of the second), live."""
    rule = LabelRule(options)
    return [rule.update(moment(*one))[0] for one in moments][first:]


def moment(seconds, *shares):
    return Moment(seconds, np.array([*shares, 0.0], np.float32) if shares else None)


@pytest.mark.parametrize(("share", "word"), [(0.5, 0), (0.4999, UNSURE)])
def test_a_first_word_needs_the_share_from_which_one_is_certain(share, word):
    assert reported((0.0, share, 0.0)) == [word]


@pytest.mark.parametrize(("later", "word"), [(0.5, 0), (0.5625, UNSURE)])
def test_of_a_file_the_first_word_may_become_certain_within_the_dwell_time(later, word):
    rule = LabelRule(EXACT)
    assert rule.update(moment(0.0, 0.375, 0.0), [moment(later, 0.5, 0.0)]) == (word, 0.0)


@pytest.mark.parametrize(
    ("weak", "until", "word"),
    [(0.25, 9.0, 0), (0.2499, 1.4375, 0), (0.2499, 1.5, UNSURE)],
)
def test_a_word_is_withdrawn_when_it_is_doubtful_for_the_dwell_time(weak, until, word):
    assert reported((0.0, 0.75, 0.0), (0.875, 0.75, 0.0), (1.0, weak, 0.0), (until, weak, 0.0))[-1] == word


@pytest.mark.parametrize(
    ("then", "seconds", "word"),
    [
        (0.5, 1.4375, UNSURE),
        (0.5, 1.5, 0),
        (0.25, 1.5, 0),  # once certain, not doubtful is enough
        (0.2499, 1.5, UNSURE),
    ],
)
def test_a_word_is_given_when_it_was_certain_and_never_doubtful_since(then, seconds, word):
    moments = [
        (0.0, 0.125, 0.0),
        (0.875, 0.125, 0.0),
        (1.0, 0.5, 0.0),
        (1.25, then, 0.0),
        (seconds, then, 0.0),
    ]
    assert reported(*moments)[-1] == word


def test_where_it_was_not_certain_no_word_is_given():
    assert (
        reported((0.0, 0.125, 0.0), (0.875, 0.125, 0.0), *((1 + n / 8, 0.4999, 0.0) for n in range(16)))[-1]
        == UNSURE
    )


@pytest.mark.parametrize(("ahead", "word"), [(0.125, 0), (0.15625, 1)])
def test_beyond_the_margin_the_word_is_another_at_once(ahead, word):
    assert reported((0.0, 0.5, 0.25), (0.125, 0.375, 0.375 + ahead), first=1) == [word]


@pytest.mark.parametrize(
    ("ahead", "seconds", "word"),
    [(0.0625, 1.5, 1), (0.0625, 1.4375, 0), (0.03125, 1.5, 0)],
)
def test_within_it_who_leads_clearly_takes_over_after_the_dwell_time(ahead, seconds, word):
    moments = [
        (0.0, 0.5, 0.25),
        (0.875, 0.5, 0.25),
        (1.0, 0.375, 0.375 + ahead),
        (seconds, 0.375, 0.375 + ahead),
    ]
    assert reported(*moments)[-1] == word


def test_the_lead_may_have_been_clear_at_any_time_of_it():
    moments = [
        (0.0, 0.5, 0.25),
        (0.875, 0.5, 0.25),
        (1.0, 0.375, 0.4375),
        (1.25, 0.375, 0.40625),
        (1.5, 0.375, 0.40625),
    ]
    assert reported(*moments)[-1] == 1
    # A lead of another before counts for nothing.
    three = [(0.0, 0.5, 0.25, 0.0), (0.875, 0.5, 0.25, 0.0), (1.0, 0.375, 0.0, 0.4375)]
    three += [(1.25 + n / 4, 0.375, 0.40625, 0.0) for n in range(4)]
    assert reported(*three)[-1] == 0


def test_who_leads_beyond_the_margin_and_is_doubtful_is_not_named():
    assert reported((0.0, 0.5, 0.25), (0.125, 0.0625, 0.2), first=1) == [UNSURE]


@pytest.mark.parametrize(("gap", "words"), [(0.5, [0, UNSURE]), (0.4375, [0, 0])])
def test_where_results_are_rarer_than_the_dwell_time_one_is_enough(gap, words):
    assert reported((0.0, 0.75, 0.0), (gap, 0.125, 0.0)) == words


def test_a_moment_tells_what_is_longest_and_by_how_much():
    one, nothing = moment(1.0, 0.25, 0.625), moment(1.0)
    assert (one.best, one.most, one.ahead_of(0), one.ahead_of(1)) == (1, 0.625, 0.375, 0.0)
    assert (nothing.best, nothing.most, nothing.ahead_of(0)) == (UNSURE, 0.0, 0.0)
    classes = Classes(("calm", "tense"))
    assert [word_of(index, classes) for index in (0, 1, UNSURE)] == ["calm", "tense", "uncertain"]


def test_what_has_just_become_uncertain_is_as_hard_to_become_sure_again_as_later():
    between = shares(0, 0.35)
    falling = [(0.1 * n, A if n < 10 else WEAK) for n in range(40)]
    begins = words(*falling).index(UNSURE)
    steps = [*falling[: begins + 1], *((0.1 * n, between) for n in range(begins + 1, begins + 30))]
    assert words(*steps)[begins:] == [UNSURE] * 30
    assert words(*falling[: begins + 1], *((0.1 * n, A) for n in range(begins + 1, begins + 30)))[-1] == 0
