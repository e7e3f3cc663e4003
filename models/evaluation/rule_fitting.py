"""Fits rules of the vote to faces that no model was trained on, and compares them on held-out faces.

The comparison is a five-fold cross-validation: each rule is fitted to four fifths of the held-out faces and
evaluated on the rest. Copies of a photograph stay in one fold. With several sets, rules are also fitted to
all sets but one and evaluated on that one, since labels differ between sets, and will in future data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.evaluation.success_rates import weigh
from emotion.models.statistics.calibration import expected_calibration_error, fit_temperature
from emotion.models.statistics.intervals import Interval, Weights, bootstrap
from emotion.models.voting.vote import LogLinear, Probabilities, Rule, WeightedMean, log_features

Labels: TypeAlias = npt.NDArray[np.int64]
Fit: TypeAlias = Callable[[Labels, Probabilities], Rule]

DEFAULT = "source"
FOLDS = 5
# Strength of the pull of stacking and exponents towards the plain product, in faces.
_PULL = 20.0
_TINY = 1e-9
# Finer than differences of the calibration error can be measured.
_TEMPERATURES = np.geomspace(0.5, 2.0, 41)


def fit_equal(labels: Labels, predictions: Probabilities) -> WeightedMean:
    """All predictions count the same; only the temperature is fitted."""
    return _calibrated(labels, predictions, np.ones((len(predictions), predictions.shape[2]), np.float32))


def fit_source(labels: Labels, predictions: Probabilities) -> WeightedMean:
    """The source's rule: the ratio of the success rates where they differ clearly, else 1."""
    return _calibrated(labels, predictions, weigh(labels, predictions))


def fit_product(labels: Labels, predictions: Probabilities) -> LogLinear:
    """A product of experts: an exponent for each predictor and emotion (Hinton 2002)."""
    diagonal = np.tile(np.eye(predictions.shape[2], dtype=bool), (len(predictions), 1))
    return _fit_log_linear(labels, predictions, diagonal)


def fit_stacking(labels: Labels, predictions: Probabilities) -> LogLinear:
    """Stacking: a coefficient from every predicted emotion to every emotion (Wolpert 1992)."""
    experts, _, classes = predictions.shape
    return _fit_log_linear(labels, predictions, np.ones((experts * classes, classes), bool))


FITS: dict[str, tuple[Fit, bool]] = {
    "equal": (fit_equal, False),
    "source": (fit_source, False),
    "product": (fit_product, False),
    "stacking": (fit_stacking, False),
    "equal of three": (fit_equal, True),
    "product of three": (fit_product, True),
    "stacking of three": (fit_stacking, True),
}
"""Each rule's name, how it is fitted, and whether it includes the blendshapes beside the regions.
(With eyes and lips they are the third of three, hence the rules' names.)"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of a rule on faces that it was not fitted to.

    Attributes:
        rule: its name in `FITS`.
        accuracy, balanced_accuracy: the latter is the mean recall.
        log_loss: mean negative log likelihood of the truth; emotions count as in `importance`.
        calibration_error: expected, over 15 equal bins of confidence.
        gain: balanced accuracy above the source's rule, with its paired 95% interval.
        saving: log loss below the source's rule, likewise.
        elsewhere, calibration_errors: on sets that it was not fitted to, see `Elsewhere`.
    """

    rule: str
    accuracy: float
    balanced_accuracy: float
    log_loss: float
    calibration_error: float
    gain: Interval
    saving: Interval
    elsewhere: float | None = None
    calibration_errors: dict[str, float] = field(default_factory=dict)


def out_of_fold(
    names: Sequence[str],
    labels: Labels,
    predictions: Probabilities,
    groups: npt.NDArray[np.int64],
    regions: int = 2,
) -> dict[str, Probabilities]:
    """Each rule's votes, float32 (n, classes), on faces that it was not fitted to.

    Args:
        names: of rules in `FITS`.
        labels: int64 (n,).
        predictions: float32 (k, n, classes): the regions and, for the rules that count them, the blendshapes.
        groups: int64 (n,); faces of one group stay in one fold.
        regions: how many there are.
    """
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415  a second of import; running needs none

    votes = {name: np.zeros_like(predictions[0]) for name in names}
    folds = min(FOLDS, len(np.unique(groups)))
    for fitted, held_out in GroupKFold(folds).split(labels, groups=groups):
        for name in names:
            fit, third = FITS[name]
            count = regions + third
            rule = fit(labels[fitted], predictions[:count, fitted])
            votes[name][held_out] = rule(predictions[:count, held_out])
    return votes


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The scores of a rule on sets that it was not fitted to: leave-one-set-out cross-validation.

    Attributes:
        balanced_accuracy: the unweighted mean over the sets.
        calibration_errors: by set.
    """

    balanced_accuracy: float
    calibration_errors: dict[str, float]


def out_of_set(
    names: Sequence[str],
    labels: Labels,
    predictions: Probabilities,
    groups: npt.NDArray[np.int64],
    sets: npt.NDArray[np.str_],
    regions: int = 2,
) -> dict[str, Elsewhere]:
    """How well each rule generalises to a set that it was not fitted to.

    A set is skipped if the others lack an emotion; the result is empty if no set is left.

    Args:
        names, labels, predictions, groups, regions: as for `out_of_fold`.
        sets: (n,), the name of each face's set.
    """
    rates: dict[str, list[float]] = {name: [] for name in names}
    errors: dict[str, dict[str, float]] = {name: {} for name in names}
    for one in np.unique(sets).tolist():
        held_out = sets == one
        fitted = ~np.isin(groups, groups[held_out])
        if len(np.unique(labels[fitted])) < predictions.shape[2]:
            continue
        for name in names:
            fit, third = FITS[name]
            given = predictions[: regions + third]
            rule = fit(labels[fitted], given[:, fitted])
            vote = sure_for_all_sets(rule, labels[fitted], given[:, fitted], sets[fitted])(given[:, held_out])
            rates[name].append(_balanced(labels[held_out], _right(labels[held_out], vote)))
            errors[name][one] = expected_calibration_error(labels[held_out], vote)
    return {name: Elsewhere(float(np.mean(rates[name])), errors[name]) for name in names if rates[name]}


def compare(
    votes: dict[str, Probabilities],
    labels: Labels,
    groups: npt.NDArray[np.int64],
    elsewhere: dict[str, Elsewhere] | None = None,
) -> tuple[Comparison, ...]:
    """Compare the votes of several rules, `DEFAULT` among them, on the same faces.

    `elsewhere` is their result of `out_of_set`.
    """
    source, carried = votes[DEFAULT], elsewhere or {}
    return tuple(
        Comparison(
            name,
            accuracy=float(_right(labels, vote).mean()),
            balanced_accuracy=_balanced(labels, _right(labels, vote)),
            log_loss=float(np.average(_losses(labels, vote), weights=importance(labels))),
            calibration_error=expected_calibration_error(labels, vote),
            gain=gain(labels, vote, source, groups),
            saving=saving(labels, vote, source, groups),
            elsewhere=carried[name].balanced_accuracy if name in carried else None,
            calibration_errors=carried[name].calibration_errors if name in carried else {},
        )
        for name, vote in votes.items()
    )


def choose(
    votes: dict[str, Probabilities],
    labels: Labels,
    groups: npt.NDArray[np.int64],
    elsewhere: dict[str, Elsewhere] | None = None,
) -> str:
    """The rule to ship: the source's, unless another wins clearly.

    Clearly: its log loss is lower by a paired 95% interval that does not reach 0, and its balanced
    accuracy is not lower by such an interval. The log loss includes the confidence, so it separates
    rules with fewer faces than the accuracy does. Of several that win, the one is chosen that
    generalises best: with the highest balanced accuracy `elsewhere`, or, if all faces are of one set, on
    these. Rules with many coefficients reach the smallest log loss by fitting to the labelling of a
    set. Rules with the blendshapes must win in the same way against the best rule without.
    """
    best = DEFAULT
    for third in (False, True):
        rivals = [name for name in votes if FITS[name][1] == third and name != best]
        clear = [
            name
            for name in rivals
            if gain(labels, votes[name], votes[best], groups).high >= 0
            and saving(labels, votes[name], votes[best], groups).low > 0
        ]
        rates = (
            {name: carried.balanced_accuracy for name, carried in elsewhere.items()}
            if elsewhere
            else {name: _balanced(labels, _right(labels, votes[name])) for name in clear}
        )
        best = max(clear, key=rates.__getitem__, default=best)
    return best


def sure_for_all_sets(
    rule: Rule, labels: Labels, predictions: Probabilities, sets: npt.NDArray[np.str_]
) -> Rule:
    """The rule with the temperature that minimises the worst calibration error over the sets.

    Sets differ in difficulty, so no temperature is right on all of them: one fitted to all faces is
    overconfident on the hardest set, and one fitted to that is underconfident on all others.

    Args:
        rule: fitted to all faces; the order of its probabilities stays.
        labels, predictions: as it was fitted to.
        sets: (n,), the name of each face's set. Those without all emotions are ignored; with only one set
            the likelihood decides.
    """
    logs = np.log(np.maximum(rule(predictions[: rule.prediction_count]), _TINY))
    whole = [name for name in np.unique(sets) if len(np.unique(labels[sets == name])) == predictions.shape[2]]
    if len(whole) < 2:
        alone = [fit_temperature(labels[sets == name], np.exp(logs[sets == name])) for name in whole]
        return rule.cooled(max([1.0, *alone]))

    def worst(temperature: float) -> float:
        cooled = np.exp(logs / temperature)
        cooled /= cooled.sum(axis=1, keepdims=True)
        return max(expected_calibration_error(labels[sets == n], cooled[sets == n]) for n in whole)

    return rule.cooled(float(min(_TEMPERATURES, key=worst)))


def _calibrated(labels: Labels, predictions: Probabilities, weights: npt.NDArray[np.float32]) -> WeightedMean:
    return WeightedMean(weights, fit_temperature(labels, WeightedMean(weights)(predictions)))


def _fit_log_linear(labels: Labels, predictions: Probabilities, free: npt.NDArray[np.bool_]) -> LogLinear:
    """The most likely coefficients among the free ones, pulled towards a plain product.

    The plain product has one exponent per predictor. The weight of a face is its emotion's `importance`.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  most of a second; running needs none

    features, count = log_features(predictions).astype(np.float64), predictions.shape[2]
    start = _plain_product(labels, predictions)
    pull = _PULL / len(labels)

    def loss(values: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        coefficients, bias = np.zeros_like(start), values[-count:]
        coefficients[free] = values[:-count]
        away = (coefficients - start)[free]
        value, errors = _log_loss(features @ coefficients + bias, labels)
        slope = np.concatenate([(features.T @ errors)[free] + pull * away, errors.sum(axis=0) + pull * bias])
        return value + pull / 2 * float(away @ away + bias @ bias), slope

    found = minimize(loss, np.append(start[free], np.zeros(count)), jac=True, method="L-BFGS-B")
    coefficients = np.zeros_like(start)
    coefficients[free] = found.x[:-count]
    return LogLinear(coefficients.astype(np.float32), found.x[-count:].astype(np.float32))


def _plain_product(labels: Labels, predictions: Probabilities) -> npt.NDArray[np.float64]:
    """Coefficients (classes k, classes) of the product with the most likely exponent for each predictor."""
    from scipy.optimize import minimize  # noqa: PLC0415  most of a second; running needs none

    logs = np.log(np.maximum(predictions.astype(np.float64), 1e-6))

    def loss(exponents: npt.NDArray[np.float64]) -> float:
        return _log_loss(np.einsum("k,knc->nc", exponents, logs), labels)[0]

    exponents = minimize(loss, np.full(len(predictions), 1.0 / len(predictions)), method="L-BFGS-B").x
    return np.kron(exponents[:, None], np.eye(predictions.shape[2]))


def _log_loss(logits: npt.NDArray[np.float64], labels: Labels) -> tuple[float, npt.NDArray[np.float64]]:
    """The log loss, weighted by `importance`, and its gradient (n, classes) in the logits."""
    weights = importance(labels)
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    errors = np.exp(logs)
    rows = np.arange(len(labels))
    errors[rows, labels] -= 1
    return float(-(weights * logs[rows, labels]).sum()), errors * weights[:, None]


def importance(labels: Labels) -> Weights:
    """How much each face counts, float64 (n,) that sum to one: less, the more common its emotion is.

    By the square root of how many faces show the emotion: half way between a rule that learns how
    common each emotion was in the data, and one that takes fear to be as common as a neutral face.
    """
    counts = np.bincount(labels)
    weights = 1 / np.sqrt(counts[labels])
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def gain(
    labels: Labels, vote: Probabilities, other: Probabilities, groups: npt.NDArray[np.int64]
) -> Interval:
    """Balanced accuracy of a vote above another's, resampled on the same faces."""
    differences = _right(labels, vote) - _right(labels, other)
    return _paired(lambda weights: _balanced(labels, differences, weights), groups)


def saving(
    labels: Labels, vote: Probabilities, other: Probabilities, groups: npt.NDArray[np.int64]
) -> Interval:
    """Log loss of a vote below another's, weighted by `importance`, resampled on the same faces."""
    differences, counts = _losses(labels, other) - _losses(labels, vote), importance(labels)
    return _paired(lambda weights: float(np.average(differences, weights=weights * counts)), groups)


def _paired(statistic: Callable[[Weights], float], groups: npt.NDArray[np.int64]) -> Interval:
    value, low, high = (
        float(end[0]) for end in bootstrap(groups, lambda weights: np.array([statistic(weights)]))
    )
    return Interval(value, low, high)


def _right(labels: Labels, vote: Probabilities) -> Weights:
    return np.asarray(vote.argmax(axis=1) == labels, dtype=np.float64)


def _losses(labels: Labels, vote: Probabilities) -> Weights:
    truth = vote[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.maximum(truth, _TINY)), dtype=np.float64)


def _balanced(labels: Labels, values: Weights, weights: Weights | None = None) -> float:
    """The mean of values over each emotion's weighted faces, and then over the emotions that occur."""
    counts = np.ones(len(labels)) if weights is None else weights
    faces = np.bincount(labels, counts)
    sums = np.bincount(labels, counts * values)
    return float((sums[faces > 0] / faces[faces > 0]).mean())
