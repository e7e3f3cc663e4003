import numpy as np
import pytest

from emotion.models.statistics.calibration import (
    BINS,
    calibration_gaps,
    confidence_bins,
    expected_calibration_error,
)
from emotion.models.statistics.intervals import bootstrap, bootstrap_size, wilson


def test_wilson_interval_of_a_textbook_case():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    found = wilson(81 / 263, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(1.0, 6).low == pytest.approx(0.6097, abs=5e-5)
    nothing = wilson(0.0, 0)
    assert (nothing.low, nothing.high) == (0.0, 1.0)


def test_the_bootstrap_knows_how_far_a_mean_may_be():
    values = np.random.default_rng(0).normal(size=400)
    mean = lambda weights: np.array([(weights * values).sum() / weights.sum()])  # noqa: E731
    value, low, high = bootstrap(np.arange(400), mean)
    error = values.std() / np.sqrt(400)
    assert value[0] == pytest.approx(values.mean())
    assert (high - low)[0] == pytest.approx(2 * 1.96 * error, rel=0.12)
    assert low[0] < value[0] < high[0]


def test_copies_add_no_certainty():
    values = np.random.default_rng(0).normal(size=100)
    copied = np.repeat(values, 10)
    mean = lambda weights: np.array([(weights * copied).sum() / weights.sum()])  # noqa: E731
    grouped = bootstrap(np.repeat(np.arange(100), 10), mean)
    alone = bootstrap(np.arange(1000), mean)
    assert (grouped[2] - grouped[1])[0] > 2.5 * (alone[2] - alone[1])[0]


def test_equal_draws_make_pairwise_differences_narrow():
    values = np.random.default_rng(0).normal(size=300)
    difference = lambda weights: np.array([(weights * (values + 0.1 - values)).sum() / weights.sum()])  # noqa: E731
    value, low, high = bootstrap(np.arange(300), difference)
    assert (low[0], value[0], high[0]) == pytest.approx((0.1, 0.1, 0.1))


@pytest.mark.parametrize("seed", range(3))
def test_the_bootstraps_ends_are_numpys_percentiles_of_its_draws(seed):
    """The basic interval: twice the value less the 97.5th and the 2.5th percentile."""
    values = np.random.default_rng(seed).gamma(1.0, 1.0, size=60)  # skew, so that the ends differ
    mean = lambda weights: np.array([(weights * values).sum() / weights.sum()])  # noqa: E731
    value, low, high = bootstrap(np.arange(60), mean, resamples=500, seed=seed)
    random = np.random.default_rng(seed)
    drawn = [values[random.integers(60, size=60)].mean() for _ in range(500)]
    first, last = np.quantile(drawn, (0.025, 0.975))
    assert (low[0], high[0]) == pytest.approx((2 * value[0] - last, 2 * value[0] - first))
    assert bootstrap(np.arange(60), mean, resamples=500, seed=seed + 1)[1][0] != low[0]


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_interval_of_a_calibration_error_holds_the_true_one_and_the_measured_one(temperature):
    """Of simulated faces, whose true probabilities are known; 1.0: there is no error at all."""
    random = np.random.default_rng(1)

    def drawn(count):
        logits = random.normal(0, 1.3, (count, 6))
        true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        said = np.exp(logits / temperature) / np.exp(logits / temperature).sum(axis=1, keepdims=True)
        labels = (true.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
        return labels, said.astype(np.float32), true

    _, said, true = drawn(50_000)
    excess = true[np.arange(len(said)), said.argmax(axis=1)] - said.max(axis=1)
    truth = np.abs(np.bincount(confidence_bins(said), excess, minlength=BINS)).sum() / len(said)
    held = 0
    for _ in range(50):
        labels, said, _ = drawn(300)
        found = bootstrap_size(np.arange(300), calibration_gaps(labels, said), resamples=60)
        assert found.low <= found.value <= found.high
        assert found.value == pytest.approx(expected_calibration_error(labels, said))
        held += found.low <= truth <= found.high
    assert held >= 45  # of 50; one of 95% or more has fewer once in 30 runs, and the draws are fixed
