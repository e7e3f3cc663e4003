"""The vote of a user's own models: newly fitted, or that of the models they started from if it is as good."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from emotion.models.evaluation import rule_fitting, weights
from emotion.models.evaluation.predictions import Predictions
from emotion.models.evaluation.weights import FittedVote
from emotion.models.training.refit import Floats
from emotion.models.voting.blendshapes import BlendshapeModel
from emotion.models.voting.vote import Rule, Third, VoteWeights, read_rules
from emotion.own_model.options import LearnOptions


@dataclass(frozen=True, slots=True, eq=False)
class OwnVote:
    """A vote and its out-of-fold predictions.

    Attributes:
        fitted: the rules, and which of them is used.
        third: the classifier of blendshapes, if any.
        third_predictions: float32 (n, classes), its out-of-fold predictions.
        predictions: float32 (n, classes), the out-of-fold vote.
        kept: whether it is the vote of the initial models.
        rules: float32 (n, classes), the out-of-fold vote of each rule, by its name.
    """

    fitted: FittedVote
    third: BlendshapeModel | None
    third_predictions: Floats | None
    predictions: Floats
    kept: bool = False
    rules: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def out_of_fold_third(self) -> Third | None:
        """A replacement for the classifier of blendshapes that gives `third_predictions`."""
        predictions = self.third_predictions
        return None if predictions is None else lambda _: predictions

    @property
    def rule(self) -> Rule:
        """The rule that is used."""
        return self.fitted.rules[self.fitted.chosen]


def fit_own_vote(
    found: Predictions,
    third: tuple[BlendshapeModel, Floats] | None,
    options: LearnOptions,
    about: dict[str, Any],
) -> OwnVote:
    """Fit the rules of the vote, and keep the initial one unless a new one is clearly better.

    Only a vote on the same classes and regions can be kept. A few hundred faces determine the weights
    less well than the thousands that it was fitted to.

    Args:
        found: out-of-fold predictions.
        third: a classifier of blendshapes, and its out-of-fold predictions.
        options: with the initial model folder.
        about: kept in ``weights.json``.
    """
    new = _fitted(found, third, about)
    start = options.start_from
    if options.from_nothing or options.file:
        return new
    stored = read_rules(start)
    schema = found.faces.schema
    if (stored.classes.names, stored.regions) != (schema.classes.names, schema.regions.names):
        return new
    before = VoteWeights.read(start)
    known = before.third if isinstance(before.third, BlendshapeModel) else None
    third_predictions = known(found.faces.blendshapes) if known else None
    vote = before.rule(_inputs(found, third_predictions))
    labels, groups = found.labels, found.faces.groups
    if (
        rule_fitting.saving(labels, new.predictions, vote, groups).low > 0
        and rule_fitting.gain(labels, new.predictions, vote, groups).high >= 0
    ):
        return new
    third = (known, third_predictions) if known and third_predictions is not None else None
    others = _fitted(found, third, about)
    fitted = replace(
        others.fitted,
        chosen=stored.chosen,
        rules=others.fitted.rules | {stored.chosen: before.rule},
        choices=others.fitted.choices | stored.choices,
    )
    rules = dict(others.rules) | {stored.chosen: vote}
    return OwnVote(fitted, known, third_predictions, vote, kept=True, rules=rules)


def _fitted(
    found: Predictions, third: tuple[BlendshapeModel, Floats] | None, about: dict[str, Any]
) -> OwnVote:
    labels, groups = found.labels, found.faces.groups
    if too_few(found):
        fitted = weights.equal_vote(found, about)
        rule = fitted.rules[fitted.chosen]
        return OwnVote(fitted, None, None, np.asarray(rule(found.predictions), np.float32))
    model, third_predictions = third or (None, None)
    fitted = weights.fit_vote(
        found, None if third_predictions is None else (lambda _: third_predictions), about
    )
    inputs = _inputs(found, third_predictions)
    count = len(found.faces.schema.regions)
    votes = rule_fitting.out_of_fold(list(fitted.rules), labels, inputs, groups, count)
    return OwnVote(fitted, model, third_predictions, votes[fitted.chosen], rules=votes)


def too_few(found: Predictions) -> bool:
    """Whether the faces come from too few videos or people to fit a rule."""
    return len(np.unique(found.faces.groups)) < rule_fitting.FOLDS


def _inputs(found: Predictions, third_predictions: Floats | None) -> Floats:
    """The inputs of rules: predictions of the regions, and of the blendshapes if there are any."""
    if third_predictions is None:
        return found.predictions
    return np.concatenate([found.predictions, third_predictions[None]])
