"""How the opinions on a face become one: the vote.

A rule is one of two forms. `WeightedMean` is the rule this program goes back to: each opinion
counts so much on each emotion. `LogLinear` is a multinomial logistic regression on the opinions'
log probabilities: stacking where all its coefficients are free, a product of experts with
exponents where only those of an emotion on itself are. Both are calibrated on held-out faces.

``weights.json`` holds every rule that was fitted and names the one that counts (`evaluation.weights`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.classes import EMOTIONS
from emotion.models.errors import ModelFileError
from emotion.models.manifest import ZOO
from emotion.models.voting.blendshapes import BlendshapeModel

FORMAT = 2
PREDICTIONS = ("eyes", "lips", "blendshapes")
_TINY = 1e-6

Probabilities: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class WeightedMean:
    """The weighted mean of the opinions, emotion by emotion, then sharpened by a temperature.

    The weights are made to sum to one for each emotion, so a weight moves it towards the better
    opinion instead of up. The mean of two calibrated opinions is flatter than it should be; the
    temperature, fitted on held-out faces, makes it say how often it is right.

    Attributes:
        weights: float32 (k, 6), positive: of k opinions, in the order of `PREDICTIONS`.
        temperature: by which the vote's log probabilities are divided.
    """

    weights: npt.NDArray[np.float32]
    temperature: float = 1.0

    @property
    def opinions(self) -> int:
        """How many opinions it takes: two, or three with the blendshapes."""
        return len(self.weights)

    def __call__(self, opinions: npt.NDArray[np.float32]) -> Probabilities:
        """The vote, (n, 6), of opinions (k, n, 6)."""
        weights = self.weights / self.weights.sum(axis=0)
        mean = np.einsum("kc,knc->nc", weights, opinions)
        sharp = mean ** (1 / self.temperature)
        return np.asarray(sharp / sharp.sum(axis=1, keepdims=True), dtype=np.float32)

    def cooled(self, temperature: float) -> "WeightedMean":
        """The same answers, less sure: its log probabilities divided by a temperature."""
        return WeightedMean(self.weights, self.temperature * temperature)

    def to_json(self) -> dict[str, Any]:
        """Ready for ``weights.json``."""
        table = {
            name: {emotion: round(float(weight), 4) for emotion, weight in zip(EMOTIONS, row, strict=True)}
            for name, row in zip(PREDICTIONS, self.weights, strict=False)
        }
        return {"form": "weighted mean", "weights": table, "temperature": round(self.temperature, 4)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "WeightedMean":
        """What `to_json` wrote."""
        tables = [values["weights"][name] for name in PREDICTIONS if name in values["weights"]]
        weights = np.array([[table[emotion] for emotion in EMOTIONS] for table in tables], np.float32)
        temperature = float(values.get("temperature", 1.0))
        if not (len(weights) >= 2 and np.isfinite(weights).all() and weights.min() > 0 and temperature > 0):
            raise ValueError("a weight or temperature is not a positive number")
        return cls(weights, temperature)


@dataclass(frozen=True, slots=True, eq=False)
class LogLinear:
    """A multinomial logistic regression on the opinions' log probabilities.

    Attributes:
        coefficients: float32 (6 k, 6): what the log probability of an emotion in an opinion
            (rows) adds to the logit of each emotion (columns).
        bias: float32 (6,).
    """

    coefficients: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    @property
    def opinions(self) -> int:
        """How many opinions it takes: two, or three with the blendshapes."""
        return len(self.coefficients) // len(EMOTIONS)

    def __call__(self, opinions: npt.NDArray[np.float32]) -> Probabilities:
        """The vote, (n, 6), of opinions (k, n, 6)."""
        return _normalise(log_features(opinions) @ self.coefficients + self.bias)

    def cooled(self, temperature: float) -> "LogLinear":
        """The same answers, less sure: its log probabilities divided by a temperature."""
        return LogLinear(
            (self.coefficients / temperature).astype(np.float32), (self.bias / temperature).astype(np.float32)
        )

    def to_json(self) -> dict[str, Any]:
        """Ready for ``weights.json``."""
        rows = np.round(self.coefficients.astype(float), 4).tolist()
        return {
            "form": "log linear",
            "coefficients": rows,
            "bias": np.round(self.bias.astype(float), 4).tolist(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "LogLinear":
        """What `to_json` wrote."""
        coefficients = np.array(values["coefficients"], np.float32)
        bias = np.array(values["bias"], np.float32)
        classes = len(EMOTIONS)
        if coefficients.shape not in {(2 * classes, classes), (3 * classes, classes)} or bias.shape != (
            classes,
        ):
            raise ValueError("the coefficients are not of six emotions")
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
    """The rule by which a model folder's opinions vote, ready to be applied.

    Attributes:
        rule: for faces whose eyes and lips are both seen.
        third: what the blendshapes say, where the rule counts them; else None.
    """

    rule: Rule
    third: BlendshapeModel | None = None

    @classmethod
    def equal(cls) -> "VoteWeights":
        """Eyes and lips count the same on every emotion."""
        return cls(WeightedMean(np.ones((2, len(EMOTIONS)), np.float32)))

    @classmethod
    def read(cls, folder: Path = ZOO) -> "VoteWeights":
        """The rule that a model folder's ``weights.json`` names.

        Raises:
            ModelFileError: a file is missing, or not of this program and its emotions.
        """
        name, rules, values = read_rules(folder)
        rule = rules[name]
        counted = rule.opinions == len(PREDICTIONS)
        return cls(
            rule, BlendshapeModel.read(folder, values.get("blendshapes_sha256", "")) if counted else None
        )

    def vote(
        self,
        eyes: Probabilities,
        lips: Probabilities,
        seen: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None,
        blendshapes: Probabilities | None = None,
    ) -> Probabilities:
        """The vote of both models, and of the blendshapes where the rule counts them.

        Where only one region is seen, its own calibrated opinion is the vote: the rule is fitted
        to both, and the blendshapes of a half hidden face are guesses. Where it is not sure whether a
        region is seen, the vote is the mean of those votes by how likely each case is.

        Args:
            eyes, lips: float32 (n, 6), each model's probabilities.
            seen: (n,) for the eyes and for the lips: bool, or how likely it is seen, in [0, 1].
            blendshapes: float32 (n, 6), what `third` says; needed where the rule counts it.

        Returns:
            float32 (n, 6), rows sum to one; NaN where neither region is seen.
        """
        given = [eyes, lips, blendshapes][: self.rule.opinions]
        if any(opinion is None for opinion in given):
            raise ValueError("this rule counts the blendshapes, and they are not given")
        vote = self.rule(np.stack([opinion for opinion in given if opinion is not None]))
        if seen is None:
            return vote
        by_eyes, by_lips = (np.asarray(side, np.float32)[:, None] for side in seen)
        cases = (
            (by_eyes * by_lips, vote),
            (by_eyes * (1 - by_lips), eyes),
            ((1 - by_eyes) * by_lips, lips),
        )
        # An opinion on what is not seen may be anything, NaN too.
        mixed = sum(np.where(weight > 0, weight * opinion, 0) for weight, opinion in cases)
        with np.errstate(invalid="ignore"):
            return np.asarray(mixed / sum(weight for weight, _ in cases), dtype=np.float32)


def log_features(opinions: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Log probabilities, (n, 6 k), of opinions (k, n, 6), side by side."""
    return np.asarray(np.log(np.maximum(np.concatenate(list(opinions), axis=1), _TINY)), np.float32)


def read_rules(folder: Path) -> tuple[str, dict[str, Rule], dict[str, Any]]:
    """What ``weights.json`` holds: the rule that counts, all rules by name, and everything else.

    Raises:
        ModelFileError: the file is missing, or not of this program and its emotions.
    """
    path = folder / "weights.json"
    advice = "Make it with 'emotion weights', or install emotion-live again."
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] not in (1, FORMAT) or tuple(values["classes"]) != EMOTIONS:
            raise ModelFileError(f"{path} is for another version of the program. {advice}")
        if values["format"] == 1:  # one table, without a temperature
            values = values | {"rule": "source", "rules": {"source": _first_format(values)}}
        rules = {name: _FORMS[rule["form"]].from_json(rule) for name, rule in values["rules"].items()}
        if values["rule"] not in rules:
            raise ValueError(f"the rule {values['rule']!r} is not there")
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}). {advice}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} is not a table of vote weights ({error}). {advice}") from error
    return values["rule"], rules, values


def _first_format(values: dict[str, Any]) -> dict[str, Any]:
    return {"form": "weighted mean", "weights": values["weights"]}


def _normalise(logits: npt.NDArray[np.floating]) -> Probabilities:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)
