"""Confidence that means what it says: temperature scaling, and how far it is from the truth."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

BINS = 15
_TINY = 1e-7


def fit_temperature(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> float:
    """The temperature that makes held-out labels most likely (Guo et al. 2017).

    Args:
        labels: int64 (n,).
        probabilities: float32 (n, 6), made with temperature 1.

    Returns:
        What the logits are to be divided by, between 0.2 and 5.
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _TINY))

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        chosen = scaled[np.arange(len(labels)), labels]
        return float((np.logaddexp.reduce(scaled, axis=1) - chosen).mean())

    found = minimize_scalar(negative_log_likelihood, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return float(np.exp(found.x))


def expected_calibration_error(
    labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]
) -> float:
    """Mean distance of confidence and accuracy over 15 equal bins of confidence, in [0, 1].

    Each bin counts as much as it has faces (Guo et al. 2017).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(float((right[bins == b] - confidence[bins == b]).sum())) for b in range(BINS)]
    return sum(gaps) / len(labels)
