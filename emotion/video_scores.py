"""Accuracy on labelled videos, which have one emotion each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.classes import Classes
from emotion.models.data.label_folders import Video
from emotion.models.errors import DatasetError
from emotion.models.evaluation.evaluate import Evaluation, VideoPrediction
from emotion.models.evaluation.scores import Scores, score
from emotion.models.words import counted
from emotion.realtime.errors import IncompleteSourceError, SourceError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.options import Options
from emotion.realtime.session import Models, Session
from emotion.realtime.sinks.summary import Summary, SummaryBuilder
from emotion.realtime.sources.file import VideoFile

_Strengths: TypeAlias = npt.NDArray[np.float32]


def evaluate_videos(
    videos: Sequence[Video],
    models: Models,
    about: dict[str, Any],
    options: Options | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], object] = lambda sentence: None,
) -> Evaluation:
    """Score each region and the vote on videos; the prediction for a video is its strongest class over time.

    A video that cannot be read is left out; of one that is damaged or breaks off, what is there counts.

    Args:
        videos: with their labels.
        models: shared by all.
        about: what the evaluation is of.
        options: of detection and labels, as of `emotion annotate`.
        progress: called with (videos done, videos in all).
        say: called with a message about each video that cannot be read completely.

    Raises:
        DatasetError: no video shows a face.
    """
    options, schema = options or Options(), models.schema
    video_predictions, predictions = [], []
    missing: dict[str, int] = {}
    unreadable: list[str] = []

    def report(sentence: str) -> None:
        unreadable.append(sentence)
        say(sentence)

    for done, video in enumerate(videos, start=1):
        progress(done - 1, len(videos))
        try:
            seen = _watch(video, models, options, report)
        except SourceError as error:
            report(f"{video.source} is left out: {error}")
            continue
        vote = seen["vote"]
        if vote.emotion is None or vote.strength is None:
            missing[video.label] = missing.get(video.label, 0) + 1
        else:
            predictions.append({name: _strengths(summary, schema.classes) for name, summary in seen.items()})
            video_predictions.append(
                VideoPrediction(video.source, video.label, vote.emotion, vote.strength, vote.seconds)
            )
    progress(len(videos), len(videos))
    if not video_predictions:
        raise DatasetError(f"Not one face was found in {counted(len(videos), 'video')}.")
    labels = np.array([schema.classes.index(one.label) for one in video_predictions])
    return Evaluation(
        about=about,
        missing=missing,
        scores=_scores(labels, predictions, schema.classes),
        videos=tuple(video_predictions),
        classes=schema.classes.names,
        unreadable=len(unreadable),
    )


def _scores(
    labels: npt.NDArray[np.int64], predictions: Sequence[dict[str, _Strengths]], classes: Classes
) -> dict[str, Scores]:
    """Of each region and the vote; each video is a group of its own."""
    groups = np.arange(len(labels))
    return {
        name: score(labels, np.stack([one[name] for one in predictions]), groups, classes.names)
        for name in predictions[0]
    }


def _watch(
    video: Video, models: Models, options: Options, say: Callable[[str], object]
) -> dict[str, Summary]:
    """The summaries of each region and of the vote, over the readable part of a video."""
    regions = models.schema.regions.names
    builders = {name: SummaryBuilder() for name in (*regions, "vote")}
    try:
        with Session(VideoFile(video.path), options, models) as session:
            for result in session:
                builders["vote"].add(result)
                for name in regions:
                    builders[name].add(_as_if_alone(result, name))
    except IncompleteSourceError as error:
        say(f"{video.source} counts as far as it can be read: {error}")
    return {name: builder.build() for name, builder in builders.items()}


def _as_if_alone(result: EmotionFrame, name: str) -> EmotionFrame:
    """The frame as if one region's prediction were the whole vote; faces without it are left out."""
    faces = [(face, face.regions[name]) for face in result.faces]
    return replace(
        result, faces=tuple(replace(face, probabilities=alone) for face, alone in faces if alone is not None)
    )


def _strengths(summary: Summary, classes: Classes) -> _Strengths:
    """How strong each class is over a video, float32 (classes,); even where a region was never seen."""
    if summary.strength is None:
        return np.full(len(classes), 1 / len(classes), np.float32)
    found = np.array(list(summary.strength.values()), np.float32)
    return np.asarray(found / found.sum(), np.float32)
