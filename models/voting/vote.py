"""The vote: combines the predictions for a face into one.

There are two forms of rules. `WeightedMean` has a weight for each prediction and emotion. `LogLinear` is a
multinomial logistic regression on the log probabilities of the predictions: stacking if all coefficients are
free, a product of experts with exponents if only those of an emotion on itself are. Both are calibrated on
held-out faces.

``weights.json`` holds all rules that were fitted, and names the one that is used (`evaluation.weights`). With
three or more regions it also holds a rule for each subset (``"choices": {"eyes,lips": {...}}``).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.classes import SIX, Classes
from emotion.models.errors import ModelFileError, unreadable_model
from emotion.models.manifest import DEFAULT
from emotion.models.regions import REGIONS
from emotion.models.small_files import read_json
from emotion.models.voting.blendshapes import BlendshapeModel

FORMAT = 2
BLENDSHAPES = "blendshapes"
"""The expert beside the regions' models, where a rule counts it."""
_TINY = 1e-6

Probabilities: TypeAlias = npt.NDArray[np.float32]
Third: TypeAlias = Callable[[npt.NDArray[np.float32]], Probabilities]
"""Predicts from blendshapes, float32 (n, 52): a `BlendshapeModel`, or one for each fold of the faces."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightedMean:
    """The weighted mean of the predictions for each emotion, sharpened by a temperature.

    Weights are normalised to sum to one for each emotion. The mean of two calibrated predictions is less
    confident than it should be; the temperature, fitted on held-out faces, calibrates it.

    Attributes:
        weights: float32 (k, classes), positive: of k experts, the regions' models in their order and
            perhaps the blendshapes.
        temperature: by which the vote's log probabilities are divided.
    """

    weights: npt.NDArray[np.float32]
    temperature: float = 1.0

    @property
    def prediction_count(self) -> int:
        """The number of predictions it combines: one per region, and one of the blendshapes if they count."""
        return len(self.weights)

    def __call__(self, predictions: npt.NDArray[np.float32]) -> Probabilities:
        """The vote, (n, classes), of predictions (k, n, classes)."""
        weights = self.weights / self.weights.sum(axis=0)
        mean = np.einsum("kc,knc->nc", weights, predictions)
        sharp = mean ** (1 / self.temperature)
        return np.asarray(sharp / sharp.sum(axis=1, keepdims=True), dtype=np.float32)

    def cooled(self, temperature: float) -> "WeightedMean":
        """The same predictions, less sure: its log probabilities divided by a temperature."""
        return WeightedMean(self.weights, self.temperature * temperature)

    def to_json(self, classes: Classes, regions: Sequence[str]) -> dict[str, Any]:
        """Ready for ``weights.json``."""
        table = {
            name: {label: round(float(weight), 4) for label, weight in zip(classes, row, strict=True)}
            for name, row in zip(_experts(regions), self.weights, strict=False)
        }
        return {"form": "weighted mean", "weights": table, "temperature": round(self.temperature, 4)}

    @classmethod
    def from_json(cls, values: dict[str, Any], classes: Classes, regions: Sequence[str]) -> "WeightedMean":
        """What `to_json` wrote."""
        tables = [values["weights"][name] for name in _experts(regions) if name in values["weights"]]
        weights = np.array([[table[label] for label in classes] for table in tables], np.float32)
        temperature = float(values.get("temperature", 1.0))
        whole = len(weights) >= len(regions) and np.isfinite(weights).all()
        if not (whole and weights.min() > 0 and 0 < temperature < np.inf):
            raise ValueError("a weight or temperature is not a positive number")
        return cls(weights, temperature)


@dataclass(frozen=True, slots=True, eq=False)
class LogLinear:
    """A multinomial logistic regression on the log probabilities of the predictions.

    Attributes:
        coefficients: float32 (classes k, classes): what the log probability of a class by an expert
            (rows) adds to the logit of each class (columns).
        bias: float32 (classes,).
    """

    coefficients: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    @property
    def prediction_count(self) -> int:
        """The number of predictions it combines: one per region, and one of the blendshapes if they count."""
        return len(self.coefficients) // len(self.bias)

    def __call__(self, predictions: npt.NDArray[np.float32]) -> Probabilities:
        """The vote, (n, classes), of predictions (k, n, classes)."""
        return _normalise(log_features(predictions) @ self.coefficients + self.bias)

    def cooled(self, temperature: float) -> "LogLinear":
        """The same predictions, less sure: its log probabilities divided by a temperature."""
        return LogLinear(
            (self.coefficients / temperature).astype(np.float32), (self.bias / temperature).astype(np.float32)
        )

    def to_json(self, classes: Classes, regions: Sequence[str]) -> dict[str, Any]:
        """Ready for ``weights.json``."""
        rows = np.round(self.coefficients.astype(float), 4).tolist()
        return {
            "form": "log linear",
            "coefficients": rows,
            "bias": np.round(self.bias.astype(float), 4).tolist(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any], classes: Classes, regions: Sequence[str]) -> "LogLinear":
        """What `to_json` wrote."""
        coefficients = np.array(values["coefficients"], np.float32)
        bias = np.array(values["bias"], np.float32)
        count, experts = len(classes), (len(regions), len(regions) + 1)
        if coefficients.shape not in {(k * count, count) for k in experts} or bias.shape != (count,):
            raise ValueError(f"the coefficients are not of {count} classes and {experts[0]} regions")
        if not (np.isfinite(coefficients).all() and np.isfinite(bias).all()):
            raise ValueError("a coefficient is not a number")
        return cls(coefficients, bias)


Rule: TypeAlias = WeightedMean | LogLinear
_FORMS: dict[str, type[WeightedMean] | type[LogLinear]] = {
    "weighted mean": WeightedMean,
    "log linear": LogLinear,
}


@dataclass(frozen=True, slots=True, eq=False)
class VoteWeights:
    """The rule of a model folder's vote.

    Attributes:
        rule: for faces with all regions visible.
        third: the classifier of blendshapes, if the rule uses it; else None.
        classes: of the vote.
        regions: the names of those that vote, in order.
    """

    rule: Rule
    third: Third | None = None
    classes: Classes = SIX
    regions: tuple[str, ...] = REGIONS.names

    @classmethod
    def equal(cls, classes: Classes = SIX, regions: tuple[str, ...] = REGIONS.names) -> "VoteWeights":
        """All regions count the same on every class."""
        rule = WeightedMean(np.ones((len(regions), len(classes)), np.float32))
        return cls(rule, None, classes, regions)

    @classmethod
    def read(cls, folder: Path = DEFAULT, regions: Sequence[str] = ()) -> "VoteWeights":
        """The rule that a model folder's ``weights.json`` names.

        Args:
            folder: of the models.
            regions: that vote, in the folder's order; empty: all in the file. For a subset it is the rule
                that was fitted to this subset, or the mean if there is none.

        Raises:
            ModelFileError: a file is missing or invalid, or a region has no weights.
        """
        stored = read_rules(folder)
        wanted = tuple(regions) or stored.regions
        rule = stored.rule_for(wanted, folder)
        third = None
        if rule.prediction_count > len(wanted):
            third = BlendshapeModel.read(folder, stored.values.get("blendshapes_sha256", ""), stored.classes)
        return cls(rule, third, stored.classes, wanted)

    @property
    def digest(self) -> str:
        """A checksum of all that the vote depends on: the rule, and the classifier of blendshapes."""
        rule = json.dumps(self.rule.to_json(self.classes, self.regions))
        third = self.third.digest if isinstance(self.third, BlendshapeModel) else ""
        return hashlib.sha256(f"{rule} {third}".encode()).hexdigest()

    def vote(
        self,
        predictions: Probabilities,
        seen: npt.NDArray[np.float32] | None = None,
        blendshapes: Probabilities | None = None,
    ) -> Probabilities:
        """The vote of all regions, and of the blendshapes if the rule uses them.

        If only some regions are visible, the vote is the mean of their calibrated predictions: the rule is
        fitted to all regions, and the blendshapes of a half-hidden face are guesses. If visibility is
        uncertain, the vote is the mean over all cases, weighted by their likelihoods.

        Args:
            predictions: float32 (regions, n, classes), each model's probabilities.
            seen: float32 (n, regions), the likelihood that each is visible, in [0, 1]; None: all are.
            blendshapes: float32 (n, classes), predictions of `third`; required if the rule uses it.

        Returns:
            float32 (n, classes), rows sum to one; NaN where no region is visible.
        """
        experts = predictions
        if self.rule.prediction_count > len(predictions):
            if blendshapes is None:
                raise ValueError("this rule counts the blendshapes, and they are not given")
            experts = np.concatenate([predictions, blendshapes[None]])
        vote = self.rule(experts)
        if seen is None or (seen == 1).all():
            return vote
        # The prediction of a region that is not visible may be anything, NaN too.
        votes = [(weight, vote if all(case) else _mean(predictions, case)) for case, weight in _cases(seen)]
        mixed = sum(np.where(weight > 0, weight * prediction, 0) for weight, prediction in votes)
        with np.errstate(invalid="ignore"):
            return np.asarray(mixed / sum(weight for weight, _ in votes), dtype=np.float32)


def _cases(seen: npt.NDArray[np.float32]) -> list[tuple[tuple[bool, ...], npt.NDArray[np.float32]]]:
    """The subsets of visible regions, without the empty one, with their likelihoods, float32 (n, 1)."""
    cases = []
    for case in product((True, False), repeat=seen.shape[1]):
        if any(case):
            shares = np.where(case, seen, 1 - seen)
            cases.append((case, np.asarray(shares.prod(axis=1, keepdims=True), np.float32)))
    return cases


def _mean(predictions: Probabilities, case: tuple[bool, ...]) -> Probabilities:
    """The mean prediction of the visible regions, float32 (n, classes)."""
    visible = [one for one, is_seen in zip(predictions, case, strict=True) if is_seen]
    mean = visible[0] if len(visible) == 1 else sum(visible) / np.float32(len(visible))
    return np.asarray(mean, np.float32)


def log_features(predictions: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Log probabilities, (n, classes k), of predictions (k, n, classes), side by side."""
    return np.asarray(np.log(np.maximum(np.concatenate(list(predictions), axis=1), _TINY)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class StoredRules:
    """The content of ``weights.json``.

    Attributes:
        chosen: the name of the rule that is used.
        rules: all, by name.
        classes, regions: of the rules.
        values: everything else in the file.
        choices: rules for subsets of the regions, by their comma-separated names.
    """

    chosen: str
    rules: dict[str, Rule]
    classes: Classes
    regions: tuple[str, ...]
    values: dict[str, Any]
    choices: dict[str, Rule] = field(default_factory=dict)

    def rule_for(self, regions: tuple[str, ...], folder: Path) -> Rule:
        """The rule for these regions.

        Args:
            regions: in the folder's order.
            folder: it was read from, to be named in the error.

        Raises:
            ModelFileError: a region has no weights.
        """
        if regions == self.regions:
            return self.rules[self.chosen]
        if ",".join(regions) in self.choices:
            return self.choices[",".join(regions)]
        other = next((name for name in regions if name not in self.regions), None)
        if other is not None:
            raise ModelFileError(
                f"{folder / 'weights.json'} weighs {', '.join(self.regions)}, not {other}: weigh all with "
                "'emotion weights'."
            )
        return VoteWeights.equal(self.classes, regions).rule


def read_rules(folder: Path) -> StoredRules:
    """The rules of a model folder.

    Raises:
        ModelFileError: the file is missing, or not of this program.
    """
    path = folder / "weights.json"
    advice = "Make it with 'emotion weights', or install emotion-live again."
    try:
        values = read_json(path)
        if values["format"] not in (1, FORMAT):
            raise ModelFileError(f"{path} is for another version of the program. {advice}")
        if values["format"] == 1:  # one table, without a temperature
            values = values | {"rule": "source", "rules": {"source": _first_format(values)}}
        classes, regions = Classes(tuple(values["classes"])), tuple(values.get("regions", REGIONS.names))
        rules = {
            name: _FORMS[rule["form"]].from_json(rule, classes, regions)
            for name, rule in values["rules"].items()
        }
        choices = {
            names: _FORMS[rule["form"]].from_json(rule, classes, tuple(names.split(",")))
            for names, rule in values.get("choices", {}).items()
        }
        if values["rule"] not in rules:
            raise ValueError(f"the rule {values['rule']!r} is not there")
    except OSError as error:
        raise unreadable_model(path, error, advice) from error
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} is not a table of vote weights ({error}). {advice}") from error
    return StoredRules(values["rule"], rules, classes, regions, values, choices)


def _first_format(values: dict[str, Any]) -> dict[str, Any]:
    return {"form": "weighted mean", "weights": values["weights"]}


def _experts(regions: Sequence[str]) -> tuple[str, ...]:
    return (*regions, BLENDSHAPES)


def _normalise(logits: npt.NDArray[np.floating]) -> Probabilities:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)
