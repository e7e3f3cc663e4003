import numpy as np
import pytest

from emotion.models.classes import Emotion
from emotion.models.evaluation import rule_fitting as rules
from emotion.models.evaluation.rule_fitting import FITS, Elsewhere, choose, compare, out_of_fold, out_of_set
from emotion.models.statistics.calibration import expected_calibration_error
from emotion.models.voting.vote import LogLinear, WeightedMean
from tests.helpers.predictions import labels, probabilities

TRUTH = labels(1200)


def votes_of(*strengths):
    return np.stack([probabilities(TRUTH, strength, seed) for seed, strength in enumerate(strengths)])


@pytest.mark.parametrize("name", FITS)
def test_every_rule_beats_either_prediction_and_says_how_sure_it_is(name):
    fit, third = FITS[name]
    given = votes_of(1.0, 1.0, 1.0)[: 2 + third]
    vote = fit(TRUTH[:600], given[:, :600])(given[:, 600:])
    judged = TRUTH[600:]
    right = (vote.argmax(axis=1) == judged).mean()
    assert right > max((said[600:].argmax(axis=1) == judged).mean() for said in given) + 0.05
    assert vote.sum(axis=1) == pytest.approx(np.ones(600), abs=1e-5)
    assert expected_calibration_error(judged, vote) < 0.08


def test_the_mean_of_two_predictions_is_sharpened():
    given = votes_of(1.5, 1.5)
    rule = rules.fit_equal(TRUTH, given)
    assert rule.temperature < 0.9
    flat = WeightedMean(rule.weights)(given)
    sharp = expected_calibration_error(TRUTH, rule(given))
    assert sharp < 0.5 * expected_calibration_error(TRUTH, flat)


def test_a_product_gives_the_better_prediction_the_larger_exponent():
    rule = rules.fit_product(TRUTH, votes_of(2.0, 0.3))
    blocks = rule.coefficients.reshape(2, 6, 6)
    exponents = np.diagonal(blocks, axis1=1, axis2=2)
    assert exponents[0].min() > exponents[1].max()
    assert np.count_nonzero(rule.coefficients) == 12


def test_stacking_learns_what_a_prediction_takes_for_what():
    """Eyes that call every fear a surprise, and say surprise less surely when it is one."""
    given = votes_of(1.0, 1.0)
    fear = TRUTH == Emotion.FEAR
    given[0][fear] = np.roll(given[0][fear], Emotion.SURPRISE - Emotion.FEAR, axis=1)
    rule = rules.fit_stacking(TRUTH, given)
    assert rule.coefficients[Emotion.SURPRISE, Emotion.FEAR] > 0.15
    plain = rules.fit_product(TRUTH, given)
    assert (rule(given).argmax(axis=1) == TRUTH).mean() > (plain(given).argmax(axis=1) == TRUTH).mean()


def test_a_common_emotion_gains_by_the_root_of_how_common_it_is():
    chosen = np.concatenate([np.flatnonzero(TRUTH == 4), np.flatnonzero(TRUTH != 4)[:100]])
    rule = rules.fit_stacking(TRUTH[chosen], votes_of(1.0, 1.0)[:, chosen])
    even = rule(np.full((2, 1, 6), 1 / 6, np.float32))[0]
    counts = np.bincount(TRUTH[chosen], minlength=6)
    gained = even[4] / np.delete(even, 4).mean()
    assert gained == pytest.approx(np.sqrt(counts[4] / np.delete(counts, 4).mean()), rel=0.3)


def test_no_rule_is_evaluated_on_a_face_it_was_fitted_to(monkeypatch):
    groups = np.arange(1200) // 2
    given = votes_of(1.0, 1.0)
    ids = np.arange(1200)
    fitted = []

    class Spy:
        def __init__(self, seen):
            self.seen = seen

        def __call__(self, judged):
            rows = judged[0, :, 0].astype(int)
            assert not set(groups[rows]) & set(groups[self.seen])
            fitted.append(len(rows))
            return np.full((len(rows), 6), 1 / 6, np.float32)

    monkeypatch.setitem(FITS, "source", (lambda truth, said: Spy(said[0, :, 0].astype(int)), False))
    given[:, :, 0] = ids
    out_of_fold(["source"], TRUTH, given, groups)
    assert sum(fitted) == 1200


def test_the_source_rule_stays_unless_another_wins_clearly():
    groups = np.arange(1200)
    said = probabilities(TRUTH, 1.0)
    better = probabilities(TRUTH, 2.5)
    slightly = said.copy()
    slightly[:3] = np.eye(6)[TRUTH[:3]]
    # As right as it was, and far too sure of it: no gain.
    sure = np.eye(6, dtype=np.float32)[said.argmax(axis=1)]
    assert choose({"source": said, "stacking": sure}, TRUTH, groups) == "source"
    # Better calibrated, and less often right: no gain either.
    flat = (said**0.5 / (said**0.5).sum(axis=1, keepdims=True))[:, [1, 0, 2, 3, 4, 5]]
    assert choose({"source": sure, "stacking": flat}, TRUTH, groups) == "source"
    assert choose({"source": said, "stacking": slightly}, TRUTH, groups) == "source"
    assert choose({"source": said, "stacking": better, "equal": said}, TRUTH, groups) == "stacking"
    # Three predictions must beat the best of the rules with two.
    votes = {"source": said, "stacking": better, "stacking of three": better}
    assert choose(votes, TRUTH, groups) == "stacking"
    (source, stacking, _) = compare(votes, TRUTH, groups)
    assert source.gain.value == source.saving.value == 0
    assert stacking.gain.low > 0
    assert stacking.saving.low > 0
    assert stacking.saving.value == pytest.approx(source.log_loss - stacking.log_loss)
    assert stacking.log_loss < source.log_loss


def test_of_rules_that_win_clearly_the_one_that_is_right_most_often_counts():
    said = probabilities(TRUTH, 1.0, 0)
    reported = said[np.arange(len(TRUTH)), TRUTH]
    worst_first = np.argsort(np.where(said.argmax(axis=1) == TRUTH, 1.0, reported))
    few, many = said.copy(), said.copy()
    few[worst_first[:80]] = np.eye(6)[TRUTH[worst_first[:80]]]  # what cost most is gone
    many[worst_first[80:240]] = 0.13 + 0.22 * np.eye(6)[TRUTH[worst_first[80:240]]]
    votes, groups = {"source": said, "stacking": few, "product": many}, np.arange(len(TRUTH))
    (_, stacking, product) = compare(votes, TRUTH, groups)
    assert stacking.saving.value > product.saving.value > product.saving.low > 0
    assert product.balanced_accuracy > stacking.balanced_accuracy
    assert choose(votes, TRUTH, groups) == "product"


def test_of_rules_that_win_clearly_the_one_that_carries_over_best_counts():
    votes = {
        "source": probabilities(TRUTH, 1.0),
        "stacking": probabilities(TRUTH, 2.5),
        "product": probabilities(TRUTH, 2.0),
    }
    groups = np.arange(len(TRUTH))
    assert choose(votes, TRUTH, groups) == "stacking"
    rates = {"source": 0.9, "stacking": 0.5, "product": 0.6}
    elsewhere = {name: Elsewhere(rate, {"film": 0.1}) for name, rate in rates.items()}
    assert choose(votes, TRUTH, groups, elsewhere) == "product"
    rows = compare(votes, TRUTH, groups, elsewhere)
    assert [row.elsewhere for row in rows] == [0.9, 0.5, 0.6]
    assert [row.calibration_errors for row in rows] == [{"film": 0.1}] * 3


def test_a_rule_is_evaluated_on_sets_and_copies_that_it_was_not_fitted_to():
    # What one set calls anger the other calls fear, and stacking believes the set it knows.
    one, count = votes_of(2.0, 2.0), len(TRUTH)
    labels = {"a": TRUTH, "b": np.array([0, 1, 3, 2, 4, 5])[TRUTH]}
    truth, given, sets = (
        np.concatenate([*labels.values()]),
        np.tile(one, (1, 2, 1)),
        np.repeat(["a", "b"], count),
    )
    found = out_of_set(["source", "stacking"], truth, given, np.arange(len(truth)), sets)
    for name, rate in found.items():
        rates = []
        for fitted, judged in (("a", "b"), ("b", "a")):
            right = FITS[name][0](labels[fitted], one)(one).argmax(axis=1) == labels[judged]
            rates.append(np.mean([right[labels[judged] == emotion].mean() for emotion in range(6)]))
        assert rate.balanced_accuracy == pytest.approx(np.mean(rates))
        assert set(rate.calibration_errors) == {"a", "b"}
    # Every face of one set is a copy of one in the other: nothing is left to fit to.
    assert out_of_set(["source"], truth, given, np.tile(np.arange(len(TRUTH)), 2), sets) == {}
    assert out_of_set(["source"], TRUTH, votes_of(2.0, 2.0), np.arange(len(TRUTH)), sets[: len(TRUTH)]) == {}


def test_a_fit_holds_where_an_emotion_is_missing():
    chosen = TRUTH != Emotion.FEAR
    given = votes_of(1.0, 1.0)[:, chosen]
    for name in ("source", "product", "stacking"):
        rule = FITS[name][0](TRUTH[chosen], given)
        assert isinstance(rule, WeightedMean | LogLinear)
        assert np.isfinite(rule(given)).all()


def test_a_rule_is_as_sure_as_keeps_its_worst_calibration_error_lowest():
    easy, hard = votes_of(3.0, 3.0), votes_of(0.3, 0.3)
    both = np.concatenate([easy, hard], axis=1)
    truth, sets = np.tile(TRUTH, 2), np.repeat(["easy", "hard"], len(TRUTH))
    rule = rules.fit_product(truth, both)

    def errors(tried):
        return [
            expected_calibration_error(truth[sets == n], tried(both[:, sets == n])) for n in ("easy", "hard")
        ]

    even = rules.sure_for_all_sets(rule, truth, both, sets)
    np.testing.assert_array_equal(even(both).argmax(axis=1), rule(both).argmax(axis=1))
    assert max(errors(even)) < max(errors(rule))
    assert max(errors(even)) <= min(max(errors(rule.cooled(by))) for by in (0.7, 1.0, 1.4, 2.0)) + 0.01


def test_a_rule_of_one_set_is_no_surer_than_holds_there():
    hard, one = votes_of(0.3, 0.3), np.repeat("only", len(TRUTH))
    alone = rules.sure_for_all_sets(rules.fit_product(TRUTH, hard).cooled(0.5), TRUTH, hard, one)
    assert expected_calibration_error(TRUTH, alone(hard)) < 0.06
