"""Makes a model folder's ``weights.json``: all rules of the vote, and which of them is used.

The file holds the success rates with their intervals, the rules fitted to all held-out faces, the
out-of-fold comparison that decided, and what it was made from.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.models.checksums import follow
from emotion.models.classes import SIX, Classes
from emotion.models.errors import DatasetError
from emotion.models.evaluation import rule_fitting as rules
from emotion.models.evaluation.predictions import Predictions
from emotion.models.evaluation.rule_fitting import DEFAULT, FITS, Comparison
from emotion.models.evaluation.success_rates import EmotionWeight, SuccessRate, derive
from emotion.models.regions import REGIONS
from emotion.models.shipped import put_text
from emotion.models.small_files import sha256
from emotion.models.statistics.intervals import Interval
from emotion.models.voting.blendshapes import BlendshapeModel
from emotion.models.voting.vote import FORMAT, Rule, Third, read_rules

_MEANING = {
    "equal": "all regions count the same",
    "source": "the ratio of the success rates where their 95% intervals do not overlap, else 1",
    "product": "product of experts with an exponent for each predictor and emotion",
    "stacking": "multinomial logistic regression on the log probabilities of all predictors",
    "equal of three": "all regions and the blendshapes count the same",
    "product of three": "the product, with the blendshapes as a third expert",
    "stacking of three": "stacking, with the blendshapes as a third prediction",
}


@dataclass(frozen=True, slots=True)
class FittedVote:
    """All rules, and the comparison that chose one.

    Attributes:
        chosen: the name of the rule that is used.
        rules: by name, fitted to all held-out faces.
        rates: success rates and the source's weights, by emotion, of all regions.
        comparison: out of fold; empty in files of the first format.
        about: what it was made from.
        classes, regions: of the rules.
        choices: rules for other choices of regions, by their comma-separated names: the chosen rule, fitted
            to them.
    """

    chosen: str
    rules: dict[str, Rule]
    rates: tuple[EmotionWeight, ...]
    comparison: tuple[Comparison, ...]
    about: dict[str, Any]
    classes: Classes = SIX
    regions: tuple[str, ...] = REGIONS.names
    choices: dict[str, Rule] = field(default_factory=dict)

    @property
    def meaning(self) -> str:
        """The chosen rule in words."""
        return _MEANING.get(self.chosen, self.chosen)

    def explain(self) -> list[str]:
        """The table of weights, and the comparison of the rules, as text."""
        lines = ["The source's rule, from success rates on held-out faces:"]
        lines += [f"  {row.in_words()}" for row in self.rates]
        temperature = getattr(self.rules.get(DEFAULT), "temperature", 1.0)
        lines.append(f"  The mean of all is then sharpened with the temperature {temperature:.2f}.")
        if self.comparison:
            lines += ["", "How the rules do on held-out faces that they were not fitted to:"]
            lines += [f"  {_in_words(row)}" for row in self.comparison]
            lines.append(
                "  Another rule takes the place of the source's where its log loss is clearly lower and its "
                "balanced accuracy not clearly lower; of several the one that is right most often on sets it "
                "was not fitted to, emotions counting alike (on these faces, where all are of one set). One "
                "with the blendshapes must beat the best without so."
            )
        lines += ["", f"The vote uses {self.chosen!r}: {self.meaning}."]
        if self.chosen == DEFAULT and self.comparison:
            lines.append("No other rule is clearly better, so the source's stays.")
        return lines


def fit_vote(
    predictions: Predictions,
    third: Third | None,
    about: dict[str, Any],
    wanted: str | None = None,
    by_default: Sequence[str] = (),
) -> FittedVote:
    """Fit all rules to held-out faces and decide between them.

    Args:
        predictions: on faces that no model learnt from.
        third: the classifier of blendshapes, if it may be used.
        about: kept in the file.
        wanted: the rule to use, regardless of the comparison.
        by_default: the regions that vote by default; none: all. The chosen rule is fitted to
            every other choice of regions as well.

    Raises:
        DatasetError: too few faces, `wanted` needs the blendshapes and they are left out, or a region is
            missing.
    """
    labels, groups = predictions.labels, predictions.faces.groups
    if len(np.unique(groups)) < rules.FOLDS:
        raise DatasetError(f"{len(labels)} held-out faces are too few to weigh a vote on.")
    schema, every = predictions.faces.schema, predictions.predictions
    missing = next((name for name in by_default if name not in schema.regions), None)
    if missing is not None:
        raise DatasetError(f"There is no model of the region {missing} to weigh.")
    voting = [
        place for place, name in enumerate(schema.regions.names) if not by_default or name in by_default
    ]
    regions = len(voting)
    if third is not None:
        every = np.concatenate([every, third(predictions.faces.blendshapes)[None]])
    stacked = every[[*voting, *range(len(schema.regions), len(every))]]
    names = [name for name, (_, counted) in FITS.items() if third is not None or not counted]
    if wanted is not None and wanted not in names:
        raise DatasetError(f"There is no rule {wanted!r} here; there are {', '.join(names)}.")
    votes = rules.out_of_fold(names, labels, stacked, groups, regions)
    sets = np.array([source.split("/")[0] for source in predictions.faces.sources])
    elsewhere = rules.out_of_set(names, labels, stacked, groups, sets, regions)
    chosen = wanted or rules.choose(votes, labels, groups, elsewhere)
    return FittedVote(
        chosen=chosen,
        rules={
            name: rules.sure_for_all_sets(fit(labels, stacked[: regions + counted]), labels, stacked, sets)
            for name, (fit, counted) in FITS.items()
            if name in names
        },
        rates=derive(labels, predictions.predictions, schema),
        comparison=rules.compare(votes, labels, groups, elsewhere),
        about=about,
        classes=schema.classes,
        regions=tuple(schema.regions.names[place] for place in voting),
        choices=_choices(chosen, labels, every, sets, schema.regions.names, voting),
    )


def equal_vote(predictions: Predictions, about: dict[str, Any]) -> FittedVote:
    """The vote with equal weights, if there are too few faces to fit or compare others.

    Args:
        predictions: on faces that no model learnt from; they only fit the temperature.
        about: kept in the file.
    """
    schema, labels = predictions.faces.schema, predictions.labels
    stacked, names = predictions.predictions, schema.regions.names
    sets = np.array([source.split("/")[0] for source in predictions.faces.sources])
    return FittedVote(
        chosen="equal",
        rules={"equal": rules.fit_equal(labels, stacked)},
        rates=derive(labels, stacked, schema),
        comparison=(),
        about=about,
        classes=schema.classes,
        regions=names,
        choices=_choices("equal", labels, stacked, sets, names, list(range(len(names)))),
    )


def _choices(
    chosen: str,
    labels: npt.NDArray[np.int64],
    stacked: npt.NDArray[np.float32],
    sets: npt.NDArray[np.str_],
    regions: tuple[str, ...],
    voting: list[int],
) -> dict[str, Rule]:
    """The chosen rule, fitted to each choice of regions except the default one."""
    fit, counted = FITS[chosen]
    third = [len(regions)] if counted else []
    found: dict[str, Rule] = {}
    for count in range(1, len(regions) + 1):
        for some in combinations(range(len(regions)), count):
            if list(some) == voting:
                continue
            predictions = stacked[[*some, *third]]
            rule = rules.sure_for_all_sets(fit(labels, predictions), labels, predictions, sets)
            found[",".join(regions[index] for index in some)] = rule
    return found


def save(folder: Path, fitted: FittedVote, third: BlendshapeModel | None = None) -> Path:
    """Write ``weights.json``, and the blendshapes' classifier beside it, into a model folder."""
    values = fitted.about | {
        "format": FORMAT,
        "classes": list(fitted.classes),
        "regions": list(fitted.regions),
        "rule": fitted.chosen,
        "meaning": _MEANING[fitted.chosen],
        "rules": {name: rule.to_json(fitted.classes, fitted.regions) for name, rule in fitted.rules.items()},
        "choices": {
            names: rule.to_json(fitted.classes, names.split(",")) for names, rule in fitted.choices.items()
        },
        "comparison": [asdict(row) for row in fitted.comparison],
        "success_rates": {
            row.emotion: {name: asdict(rate) for name, rate in row.rates.items()} for row in fitted.rates
        },
    }
    if third is not None:
        path = third.save(folder)
        follow(path)
        values["blendshapes_sha256"] = sha256(path)
    return put_text(json.dumps(values, indent=2) + "\n", folder / "weights.json")


def read(folder: Path, regions: Sequence[str] = ()) -> FittedVote:
    """What `save` wrote.

    Args:
        folder: of the models.
        regions: only their rates, and the rule by which they alone vote; none: all.

    Raises:
        ModelFileError: the file is missing, or not of this program and its emotions.
    """
    found = read_rules(folder)
    values, rates = found.values, found.values.get("success_rates", {})
    shown = tuple(regions) or found.regions
    alone = shown != found.regions and ",".join(shown) not in found.choices
    return FittedVote(
        "equal" if alone else found.chosen,
        found.rules,
        rates=tuple(
            EmotionWeight(name, {region: SuccessRate(**rates[name][region]) for region in shown})
            for name in found.classes
            if name in rates
        ),
        comparison=tuple(
            Comparison(**row | {key: Interval(**row[key]) for key in ("gain", "saving")})
            for row in values.get("comparison", [])
        ),
        about={key: values[key] for key in ("faces", "part", "data") if key in values},
        classes=found.classes,
        regions=shown,
        choices=found.choices,
    )


def _in_words(row: Comparison) -> str:
    text = (
        f"{row.rule}: {row.balanced_accuracy:.1%} balanced accuracy, log loss {row.log_loss:.3f}, "
        f"calibration error {row.calibration_error:.3f}"
    )
    if row.elsewhere is not None:
        text += f", {row.elsewhere:.1%} on sets it was not fitted to"
    if row.calibration_errors:
        errors = ", ".join(f"{name} {error:.3f}" for name, error in row.calibration_errors.items())
        text += f" (calibration error there: {errors})"
    if row.rule == DEFAULT:
        return text
    points = (f"{100 * part:+.1f}" for part in (row.gain.value, row.gain.low, row.gain.high))
    losses = (f"{0.0 - round(part, 3):+.3f}" for part in (row.saving.value, row.saving.high, row.saving.low))
    return f"{text}; against the source's {_bracketed(points)} points, log loss {_bracketed(losses)}"


def _bracketed(parts: Iterable[str]) -> str:
    value, low, high = parts
    return f"{value} ({low} to {high})"
