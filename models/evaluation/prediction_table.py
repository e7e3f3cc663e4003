"""The vote's prediction for each labelled face, as a table, and those furthest from their labels."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from emotion.models.evaluation.evaluate import VideoPrediction, cast_vote
from emotion.models.evaluation.overlap import Matches
from emotion.models.evaluation.predictions import Predictions
from emotion.models.names import readable
from emotion.models.voting.vote import VoteWeights


@dataclass(frozen=True, slots=True)
class Prediction:
    """A labelled face, photograph or video, and its prediction.

    Attributes:
        source: where it comes from.
        label: its class in the data set.
        predicted: the predicted class; empty if it was left out.
        probabilities: of the vote, by class; for a video the strengths; empty if it was left out.
        regions: the predicted class of each region alone, by its name.
        index: of the face among those that were evaluated; None if it was left out, and for videos.
        reason: why it was left out, else empty.
        near_duplicate_of: ``training`` or ``validation`` if the models had a copy of it there; else empty.
    """

    source: str
    label: str
    predicted: str = ""
    probabilities: dict[str, float] = field(default_factory=dict)
    regions: dict[str, str] = field(default_factory=dict)
    index: int | None = None
    reason: str = ""
    near_duplicate_of: str = ""

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return self.probabilities.get(self.predicted, 0.0)


def predictions_of_faces(
    found: Predictions, weights: VoteWeights, matches: Matches | None = None
) -> list[Prediction]:
    """The prediction for each face, in order, followed by those that were left out."""
    seen = [""] * len(found.labels)
    if matches is not None:
        seen = np.select([matches.training, matches.validation], ["training", "validation"], "").tolist()
    faces = found.faces
    classes, names = faces.schema.classes.names, faces.schema.regions.names
    alone = found.predictions.argmax(axis=2)
    evaluated = [
        Prediction(
            source,
            classes[faces.labels[index]],
            classes[vote.argmax()],
            dict(zip(classes, vote.tolist(), strict=True)),
            {name: classes[alone[place, index]] for place, name in enumerate(names)},
            index,
            near_duplicate_of=seen[index],
        )
        for index, (source, vote) in enumerate(zip(faces.sources, cast_vote(found, weights), strict=True))
    ]
    return evaluated + [Prediction(one.source, one.label, reason=one.reason) for one in faces.left_out]


def predictions_of_videos(videos: Sequence[VideoPrediction]) -> list[Prediction]:
    """The prediction for each video: its strongest class."""
    return [Prediction(video.name, video.label, video.predicted, dict(video.strength)) for video in videos]


def to_csv(predictions: Sequence[Prediction], classes: Sequence[str]) -> str:
    """One row per prediction: source, label, predicted, right, confidence, each class and region, left_out,
    near_duplicate_of.
    """
    regions = list(dict.fromkeys(name for one in predictions for name in one.regions))
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    head = ["source", "label", "predicted", "right", "confidence", *classes, *regions]
    rows.writerow([*head, "left_out", "near_duplicate_of"])
    for one in predictions:
        evaluated = not one.reason
        rows.writerow(
            [
                readable(one.source),
                one.label,
                one.predicted,
                int(one.predicted == one.label) if evaluated else "",
                f"{one.confidence:.4f}" if evaluated else "",
                *(f"{one.probabilities[name]:.4f}" if evaluated else "" for name in classes),
                *(one.regions.get(name, "") for name in regions),
                one.reason,
                one.near_duplicate_of,
            ]
        )
    return file.getvalue()


def worst(predictions: Sequence[Prediction], count: int) -> list[Prediction]:
    """The errors with the smallest probability of the true class, at most so many."""
    wrong = [one for one in predictions if one.probabilities and one.predicted != one.label]
    return sorted(wrong, key=lambda one: (one.probabilities[one.label], -one.confidence))[:count]
