"""A new head for a trained network, fitted to its features: seconds instead of hours.

If a network has learnt good features, but from sets with other labelling than a new set,
its last layer can be refitted to the faces of all of them, with weights that balance sets and
emotions (Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed
Recognition").
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.classes import EMOTIONS

Floats = npt.NDArray[np.float32]

_CLASSES = len(EMOTIONS)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The last layer of a network.

    Attributes:
        kernel: float32 (features, classes).
        bias: float32 (classes,).
    """

    kernel: Floats
    bias: Floats

    def __call__(self, features: Floats) -> Floats:
        """Logits, float32 (n, classes), for features, float32 (n, d)."""
        return np.asarray(features @ self.kernel + self.bias, dtype=np.float32)


def even_shares(labels: npt.NDArray[np.int64], sets: npt.NDArray[np.str_]) -> dict[str, float]:
    """Shares for `face_weights`: all sets count alike, those that lack an emotion a tenth."""
    names = np.unique(sets).tolist()
    return {name: 1.0 if len(np.unique(labels[sets == name])) == _CLASSES else 0.1 for name in names}


def face_weights(
    labels: npt.NDArray[np.int64], sets: npt.NDArray[np.str_], shares: Mapping[str, float], evenness: float
) -> npt.NDArray[np.float64]:
    """How much each face counts, float64 (n,) that sum to one.

    Args:
        labels: int64 (n,), emotions by index.
        sets: str (n,), the set of each face.
        shares: the weight of each set; a set that is not named has none.
        evenness: 0: faces of a set count alike; 1: its emotions do.
    """
    weights = np.zeros(len(labels))
    for name, share in shares.items():
        rows = sets == name
        counts = np.maximum(np.bincount(labels[rows], minlength=_CLASSES), 1).astype(np.float64)
        of_face = counts[labels[rows]] ** -evenness
        weights[rows] = share * of_face / max(of_face.sum(), 1e-12)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def fit_head(
    features: Floats,
    labels: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    pull: float = 1e-2,
    smoothing: float = 0.1,
    steps: int = 60,
    noise: Floats | float = 0.0,
    classes: int = _CLASSES,
    start: Head | None = None,
    teacher_predictions: Floats | None = None,
    taught: npt.NDArray[np.float64] | float = 0.5,
) -> Head:
    """Multinomial logistic regression on a network's features, for emotions that are equally likely.

    How common an emotion is among the weighed faces is added to the logits while fitting and left out
    after (Menon et al. 2021, "Long-tail learning via logit adjustment").

    Args:
        features: float32 (n, d).
        labels: int64 (n,).
        weights: float64 (n,), of `face_weights`.
        pull: strength of the L2 regularisation, on standardised features.
        smoothing: share of each label that is spread over all emotions.
        steps: of L-BFGS.
        noise: float32 (d,), the error of each feature, in its own unit: the larger relative to its standard
            deviation, the stronger the regularisation, so that a quantised model's features give the same
            predictions.
        classes: how many there are.
        start: the last layer towards which weights are regularised; by default towards zero.
        teacher_predictions: float32 (n, classes), a teacher's probabilities, for equally common classes.
        taught: how much of each label is the teacher's prediction, in [0, 1]; one for all, or float64 (n,).
    """
    from scipy.optimize import minimize  # noqa: PLC0415  most of a second; running needs none

    mean = weights @ features
    scale = np.sqrt(weights @ (features - mean) ** 2 + np.square(noise)) + 1e-3
    x = ((features - mean) / scale).astype(np.float32)
    prior = np.log(np.maximum(np.bincount(labels, weights, minlength=classes), 1e-4))
    wanted = (1 - smoothing) * np.eye(classes)[labels] + smoothing / classes
    if teacher_predictions is not None:
        share = np.broadcast_to(taught, len(labels))[:, None]
        likely = teacher_predictions * np.exp(prior)
        wanted = (1 - share) * wanted + share * likely / likely.sum(axis=1, keepdims=True)
    width = x.shape[1]
    given = prior if start is None else start(features) + prior

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        kernel, bias = values[:-classes].reshape(width, classes), values[-classes:]
        logits = (x @ kernel.astype(np.float32)) + bias + given
        logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        errors = (np.exp(logs) - wanted) * weights[:, None]
        slope = x.T @ errors.astype(np.float32) + pull * kernel
        value = -float(weights @ (wanted * logs).sum(axis=1)) + pull / 2 * float((kernel**2).sum())
        return value, np.append(slope.ravel(), errors.sum(axis=0)).astype(np.float64)

    found = minimize(
        loss, np.zeros((width + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": steps}
    ).x
    kernel = found[:-classes].reshape(width, classes) / scale[:, None]
    bias = found[-classes:] - mean @ kernel
    if start is not None:
        kernel, bias = kernel + start.kernel, bias + start.bias
    return Head(kernel.astype(np.float32), bias.astype(np.float32))
