import numpy as np
import pytest

from emotion.models.statistics.calibration import expected_calibration_error, fit_temperature


def sharpen(probabilities, temperature):
    scaled = probabilities.astype(np.float64) ** (1 / temperature)
    return (scaled / scaled.sum(axis=1, keepdims=True)).astype(np.float32)


def sample(n=20_000, seed=0):
    """Probabilities, and labels drawn from just these probabilities: perfectly calibrated."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(6, 0.7), n).astype(np.float32)
    labels = (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, 5)
    return labels, probabilities


@pytest.mark.parametrize("distortion", [0.5, 1.0, 2.0])
def test_the_temperature_undoes_over_and_under_confidence(distortion):
    labels, probabilities = sample()
    distorted = sharpen(probabilities, distortion)
    assert fit_temperature(labels, distorted) == pytest.approx(1 / distortion, rel=0.05)


def test_calibration_error_is_small_only_where_confidence_is_true():
    labels, probabilities = sample()
    assert expected_calibration_error(labels, probabilities) < 0.01
    assert expected_calibration_error(labels, sharpen(probabilities, 0.3)) > 0.1
    assert expected_calibration_error(labels, sharpen(probabilities, 3.0)) > 0.1


def test_calibration_error_of_a_case_done_by_hand():
    probabilities = np.array([[0.9, 0.1, 0, 0, 0, 0]] * 4, dtype=np.float32)
    assert expected_calibration_error(np.array([0, 0, 1, 1]), probabilities) == pytest.approx(0.4)
