"""Calibration of confidence: temperature scaling, and calibration errors."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

BINS = 15
_TINY = 1e-7


def fit_temperature(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> float:
    """The temperature that makes held-out labels most likely (Guo et al. 2017).

    Args:
        labels: int64 (n,).
        probabilities: float32 (n, classes), made with temperature 1.

    Returns:
        What the logits are to be divided by, between 0.2 and 5.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  most of a second; running needs none

    logits = np.log(np.maximum(probabilities.astype(np.float64), _TINY))

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        chosen = scaled[np.arange(len(labels)), labels]
        return float((np.logaddexp.reduce(scaled, axis=1) - chosen).mean())

    found = minimize_scalar(negative_log_likelihood, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return float(np.exp(found.x))


def confidence_bins(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The index of each face's confidence among 15 equal bins, int64 (n,)."""
    return np.asarray(np.minimum(probabilities.max(axis=1) * BINS, BINS - 1), dtype=np.int64)


def expected_calibration_error(
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float64] | None = None,
) -> float:
    """Mean distance of confidence and accuracy over 15 equal bins of confidence, in [0, 1].

    Each bin counts as much as it has faces (Guo et al. 2017).

    Args:
        labels: int64 (n,).
        probabilities: float32 (n, classes).
        weights: float64 (n,), how often each face counts; once where not given.
    """
    counts = np.ones(len(labels)) if weights is None else weights
    return float(np.abs(calibration_gaps(labels, probabilities)(counts)).sum())


def calibration_gaps(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]
) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    """The terms of the calibration error, for weighted faces.

    Returns:
        float64 (n,) weights of the faces to float64 (15,): by how much the accuracy in each bin is above the
        confidence, times the bin's share of all faces.
    """
    bins = confidence_bins(probabilities)
    excess = (probabilities.argmax(axis=1) == labels) - probabilities.max(axis=1)
    return lambda weights: np.bincount(bins, weights * excess, minlength=BINS) / weights.sum()
