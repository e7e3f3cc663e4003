"""Accuracy of the models on labelled faces, measured with the ONNX files that run.

`Evaluation` holds all that `emotion evaluate` finds; `emotion.models.evaluation.report` writes it down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.models.data.label_folders import Photograph
from emotion.models.evaluation.overlap import Matches, Overlap, not_known
from emotion.models.evaluation.predictions import LabelledFaces, Predictions
from emotion.models.evaluation.rule_fitting import DEFAULT, gain
from emotion.models.evaluation.scores import Scores, score, share
from emotion.models.schema import SHIPPED
from emotion.models.statistics.intervals import Interval
from emotion.models.voting.vote import BLENDSHAPES, Probabilities, Rule, Third, VoteWeights

# Limits of the groups by face size: pixels between the outer eye corners.
SIZES = (0, 16, 24, 32, 48, 64, 96, 160, float("inf"))
# Sizes to which photographs are shrunk, in the same unit.
DISTANCES = (64, 48, 32, 24, 16, 12, 8)


@dataclass(frozen=True, slots=True)
class Slice:
    """A subset of the faces, or all of them after a change.

    Attributes:
        name: of the subset.
        faces: number of evaluated faces.
        accuracy: of the vote.
        found: the share of photographs in which a face was detected, if not all.
    """

    name: str
    faces: int
    accuracy: Interval
    found: float | None = None


@dataclass(frozen=True, slots=True)
class VideoPrediction:
    """A labelled video and its prediction.

    Attributes:
        name: its path in the folder.
        label, predicted: its class in the data set, and the predicted (strongest) one.
        strength: by emotion, of the smoothed vote over the video; see `statistics.video_emotion`.
        seconds: its length.
    """

    name: str
    label: str
    predicted: str
    strength: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a model folder on one set of labelled faces.

    Attributes:
        about: which faces, which models, which rule.
        missing: number of labelled photographs without a detected face, by emotion.
        unreadable: number of photographs or videos that could not be read completely; None if the input
            was crops.
        scores: of each region, the blendshapes where there are any, and the vote.
        rules: each rule of ``weights.json`` on these faces; the equal vote is among them.
        gains: each rule's balanced accuracy above the source's rule, with its paired interval.
        sizes: the vote by the size of the face in its photograph.
        hidden: the vote with one region hidden.
        sets: the vote by set, if there are several.
        shrunk: the vote on shrunk copies of the photographs.
        videos: each video's prediction, if the input was videos; one of them counts as one face.
        classes: their names, in order.
        overlap: with the models' training and validation faces; None if these are known to be others.
    """

    about: dict[str, Any]
    missing: dict[str, int]
    scores: dict[str, Scores]
    rules: dict[str, Scores] = field(default_factory=dict)
    gains: dict[str, Interval] = field(default_factory=dict)
    sizes: tuple[Slice, ...] = ()
    hidden: tuple[Slice, ...] = ()
    sets: tuple[Slice, ...] = ()
    shrunk: tuple[Slice, ...] = ()
    videos: tuple[VideoPrediction, ...] = ()
    classes: tuple[str, ...] = SHIPPED.classes.names
    unreadable: int | None = None
    overlap: Overlap | None = None

    @property
    def vote(self) -> Scores:
        """The scores that count."""
        return self.scores["vote"]

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self) | {"classes": list(self.classes)}


def evaluate(
    found: Predictions,
    weights: VoteWeights,
    rules: dict[str, Rule],
    third: Third | None = None,
    about: dict[str, Any] | None = None,
    shrunk: Iterable[Slice] = (),
    matches: Matches | None = None,
) -> Evaluation:
    """Score each predictor, the vote, the other rules, and the vote on subsets of the faces.

    Args:
        found: predictions of all models for labelled faces.
        weights: the vote as it runs.
        rules: the folder's other rules, by name.
        third: the classifier of blendshapes, if the folder has it.
        about: kept in the result.
        shrunk: from `evaluate_shrunk`.
        matches: which of the faces are copies of training or validation faces, if that was compared.
    """
    faces, labels, groups = found.faces, found.labels, found.faces.groups
    classes, names = faces.schema.classes, faces.schema.regions.names
    stacked, experts = found.predictions, list(names)
    if third is not None:
        stacked = np.concatenate([stacked, third(faces.blendshapes)[None]])
        experts.append(BLENDSHAPES)
    vote = cast_vote(found, weights)
    rules = {"equal": VoteWeights.equal(classes, names).rule} | rules
    votes = {
        name: rule(stacked[: rule.prediction_count])
        for name, rule in rules.items()
        if rule.prediction_count <= len(stacked)
    }
    predictions = dict(zip((*experts, "vote"), (*stacked, vote), strict=True))
    return Evaluation(
        about=about or {},
        missing=_missing_by_emotion(faces),
        scores={
            name: score(labels, prediction, groups, classes.names) for name, prediction in predictions.items()
        },
        rules={name: score(labels, voted, groups, classes.names) for name, voted in votes.items()},
        gains={
            name: gain(labels, voted, votes[DEFAULT], groups)
            for name, voted in votes.items()
            if DEFAULT in votes and name != DEFAULT
        },
        sizes=tuple(_by_size(faces, vote)),
        hidden=tuple(_by_hidden_region(found, weights)),
        sets=tuple(_by_set(faces, vote)),
        shrunk=tuple(shrunk),
        classes=classes.names,
        unreadable=len(faces.unreadable) if faces.whole else None,
        overlap=None if matches is None else _overlap(faces, predictions, matches),
    )


def _overlap(faces: LabelledFaces, predictions: dict[str, Probabilities], matches: Matches) -> Overlap:
    """How many faces are copies of training or validation faces, and the scores on the others."""
    if matches.reason:
        return not_known(matches.reason)
    new = ~matches.either
    compared = 0 < new.sum() < len(new)
    without = {
        name: score(faces.labels[new], prediction[new], faces.groups[new], faces.schema.classes.names)
        for name, prediction in (predictions.items() if compared else ())
    }
    training, validation = int(matches.training.sum()), int(matches.validation.sum())
    return Overlap(training, validation, matches.unknown, without=without)


def cast_vote(found: Predictions, weights: VoteWeights, hide: str | None = None) -> Probabilities:
    """The vote as streaming casts it, float32 (n, classes); `hide` is a region that cannot be seen.

    A face without a visible region gets uniform probabilities.
    """
    schema = found.faces.schema
    seen = found.seen * np.array([name != hide for name in schema.regions.names], np.float32)
    shapes = weights.third(found.faces.blendshapes) if weights.third else None
    vote = weights.vote(found.predictions, seen, shapes)
    return np.nan_to_num(vote, nan=1 / len(schema.classes))


def shrinkable(
    photographs: Sequence[Photograph], faces: LabelledFaces, limit: int, seed: int = 0
) -> tuple[list[Photograph], dict[str, float]]:
    """Photographs to evaluate after shrinking: a random sample of those with a face, and the faces' sizes.

    Args:
        photographs: that `faces` were found in.
        faces: as they were found.
        limit: the most photographs.
        seed: of the draw.

    Returns:
        The photographs, and by source the pixels between the outer eye corners.
    """
    sizes = dict(zip(faces.sources, faces.eye_distance.tolist(), strict=True))
    usable = [photograph for photograph in photographs if photograph.source in sizes]
    chosen = np.random.default_rng(seed).permutation(len(usable))[:limit]
    return [usable[index] for index in sorted(chosen.tolist())], sizes


def evaluate_shrunk(name: str, photographs: int, found: Predictions, weights: VoteWeights) -> Slice:
    """The vote on shrunk photographs, in some of which the face may not be detected."""
    return _slice(name, found.faces, cast_vote(found, weights), found=len(found.labels) / photographs)


def _slice(
    name: str,
    faces: LabelledFaces,
    vote: Probabilities,
    chosen: npt.NDArray[np.bool_] | None = None,
    found: float | None = None,
) -> Slice:
    inside = np.ones(len(faces), bool) if chosen is None else chosen
    right = vote[inside].argmax(axis=1) == faces.labels[inside]
    return Slice(name, int(inside.sum()), share(right, faces.groups[inside]), found)


def _by_size(faces: LabelledFaces, vote: Probabilities) -> Iterable[Slice]:
    for low, high in pairwise(SIZES):
        inside = (faces.eye_distance >= low) & (faces.eye_distance < high)
        if inside.any():
            name = f"{low:.0f} to {high:.0f}" if high < SIZES[-1] else f"{low:.0f} or more"
            yield _slice(name, faces, vote, inside)


def _by_hidden_region(found: Predictions, weights: VoteWeights) -> Iterable[Slice]:
    yield _slice("nothing hidden", found.faces, cast_vote(found, weights))
    for name in found.faces.schema.regions.names:
        yield _slice(f"{name} hidden", found.faces, cast_vote(found, weights, name))


def _by_set(faces: LabelledFaces, vote: Probabilities) -> Iterable[Slice]:
    names = np.array([source.split("/")[0] for source in faces.sources])
    if len(np.unique(names)) > 1:
        for name in np.unique(names):
            yield _slice(str(name), faces, vote, names == name)


def _missing_by_emotion(faces: LabelledFaces) -> dict[str, int]:
    classes = faces.schema.classes
    return {name: sum(lost == name for lost in faces.missing) for name in classes if name in faces.missing}
