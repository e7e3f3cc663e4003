"""Checks of the data before training: counts, rejections, and the likely effect on the score."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.models.classes import Classes
from emotion.models.data.image_io import read_gray
from emotion.models.data.label_folders import video_and_time
from emotion.models.data.stored import LeftOut, read_manifest, read_rejected
from emotion.models.errors import DatasetError
from emotion.models.statistics.intervals import wilson
from emotion.models.words import counted
from emotion.own_model.folds import LEAST_TO_HOLD_OUT

LEAST = 20
"""The smallest number of faces per class for training."""
FEW = 60
REACHED = ((20, 0.96), (60, 0.98))
"""The score with so many faces per class, as a share of that with 600, for three classes similar to the six:
``python -m emotion.benchmarks.studies.draws``."""
ENOUGH = 600
SMALL, TURNED = 32.0, 7.0
"""Limits of a small face (pixels between the outer eye corners) and of a turned one (alignment error)."""
DARK, BRIGHT = 50.0, 200.0
"""Mean gray levels of the eyes."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A class: its photographs in the folders, those with a usable face, and why most others have none."""

    name: str
    photographs: int
    faces: int
    reason: str = ""

    @property
    def lost(self) -> int:
        """Photographs that cannot be used."""
        return self.photographs - self.faces


@dataclass(frozen=True, slots=True)
class DataChecks:
    """The results of the checks.

    Attributes:
        counts: by class.
        reasons: number of rejected photographs, by reason.
        missed: sources of those without a detected face.
        conflicts: sources of near copies with different labels; neither is used.
        copies: groups of near copies, by source.
        shares: of all faces that are small, turned, dark or bright.
        eye_distance: median, in pixels.
        people: number of known people; 0 if none were given.
        nameless: number of faces of unknown people.
        only_in_one: classes in which all faces are of one person.
        evaluated: number of faces for the evaluation.
        apart: the number of these if those of one person, of one video, or near copies count once.
        warnings: messages.
    """

    counts: tuple[ClassCount, ...]
    reasons: dict[str, int]
    missed: tuple[str, ...]
    conflicts: tuple[str, ...]
    copies: tuple[tuple[str, ...], ...]
    shares: dict[str, float]
    eye_distance: float
    people: int
    nameless: int
    only_in_one: tuple[str, ...]
    evaluated: int
    apart: int
    warnings: tuple[str, ...] = field(default=())

    @property
    def faces(self) -> int:
        """Number of usable faces."""
        return sum(one.faces for one in self.counts)


def check(
    data: Path, classes: Classes, people: Sequence[str | None], from_nothing: bool = False
) -> DataChecks:
    """Check a data set.

    Args:
        data: made by `emotion.models.data.dataset.make_dataset`.
        classes: of the data set.
        people: the person of each face in its manifest.
        from_nothing: whether initial weights are random.

    Raises:
        DatasetError: a class has too few faces.
    """
    rows, rejected = read_manifest(data), read_rejected(data)
    counts = _counts(rows, rejected, classes)
    _refuse_few(counts, data)
    known = list(zip(rows, people, strict=True))
    by_class = defaultdict(set)
    for row, person in known:
        by_class[row["label"]].add(person)
    evaluated = [(row, person) for row, person in known if row["split"] == "test"] or known
    found = DataChecks(
        counts=counts,
        reasons=dict(Counter(one.kind for one in rejected)),
        missed=tuple(one.source for one in rejected if one.reason.startswith("no face")),
        conflicts=tuple(one.source for one in rejected if "different labels" in one.reason),
        copies=_copies(rows),
        shares=_shares(data, rows),
        eye_distance=float(np.median([row["eye_distance"] for row in rows])),
        people=len({person for person in people if person}),
        nameless=sum(not person for person in people),
        only_in_one=tuple(name for name, who in by_class.items() if len(who) == 1 and None not in who),
        evaluated=len(evaluated),
        apart=len({person or row["group"] for row, person in evaluated}),
    )
    return replace(found, warnings=warn(found, from_nothing))


def _counts(
    rows: Sequence[dict[str, Any]], rejected: Sequence[LeftOut], classes: Classes
) -> tuple[ClassCount, ...]:
    faces = Counter(row["label"] for row in rows)
    lost: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in rejected:
        lost[one.label][one.kind] += 1
    return tuple(
        ClassCount(name, faces[name] + lost[name].total(), faces[name], *_most(lost[name]))
        for name in classes
    )


def _refuse_few(counts: Sequence[ClassCount], data: Path) -> None:
    poor = [one for one in counts if one.faces < LEAST]
    if poor:
        numbers = ", ".join(f"{one.name} {one.faces}" for one in poor)
        raise DatasetError(
            f"Too few faces to learn from ({numbers}): each class needs {LEAST} at least. "
            f"Add photographs, or leave the class out; {data / 'rejected.csv'} says why some were left out."
        )


def _shares(data: Path, rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """How many of the faces are small, turned, dark or bright."""
    light = _light(data, rows)
    distance = np.array([row["eye_distance"] for row in rows])
    turned = np.array([row["alignment_error"] for row in rows])
    return {
        "small": float((distance < SMALL).mean()),
        "turned": float((turned > TURNED).mean()),
        "dark": float((light < DARK).mean()),
        "bright": float((light > BRIGHT).mean()),
    }


def warn(found: DataChecks, from_nothing: bool = False) -> tuple[str, ...]:
    """Messages about problems of the data, and their effect."""
    fewest = min(found.counts, key=lambda one: one.faces)
    return (
        *_warn_of_few(fewest, from_nothing),
        *_warn_of_the_evaluation(found, fewest),
        *_warn_of_classes(found, fewest),
        *_warn_of_faces(found),
        *_warn_of_people(found),
    )


def _warn_of_few(fewest: ClassCount, from_nothing: bool) -> list[str]:
    lines = []
    if fewest.faces < FEW:
        lines.append(f"{fewest.name} has only {counted(fewest.faces, 'face')}.")
    if fewest.faces < ENOUGH and from_nothing:
        lines.append(
            f"Random weights learn little from fewer than {ENOUGH} faces per class: without "
            "--start-from scratch the included models are the beginning."
        )
    elif fewest.faces < ENOUGH:
        share = max((share for least, share in REACHED if fewest.faces >= least), default=REACHED[0][1])
        lines.append(
            f"In trials with this number of faces, three classes similar to the included ones reached "
            f"{share:.0%} of the accuracy with {ENOUGH} per class; other classes need more faces."
        )
    return lines


def _warn_of_the_evaluation(found: DataChecks, fewest: ClassCount) -> list[str]:
    lines = []
    one, low, high = (getattr(wilson(0.7, found.apart), end) for end in ("value", "low", "high"))
    several = (
        "" if found.apart == found.evaluated else f" of {found.apart} people, videos or groups of copies"
    )
    if high - low > 0.06:
        lines.append(
            f"The score will be known from {found.evaluated} faces{several}: were it {one:.0%}, it could as "
            f"well be {low:.0%} or {high:.0%}."
        )
    if fewest.faces < LEAST_TO_HOLD_OUT and found.evaluated == found.faces:
        lines.append(
            f"Below {LEAST_TO_HOLD_OUT} faces per class none are held out: the score is from "
            "cross-validation."
        )
    return lines


def _warn_of_classes(found: DataChecks, fewest: ClassCount) -> list[str]:
    most, lines = max(found.counts, key=lambda one: one.faces), []
    if most.faces > 3 * fewest.faces:
        lines.append(
            f"{most.name} has {most.faces / fewest.faces:.0f} times as many faces as {fewest.name}: rare "
            "classes count more while learning, but are known worse."
        )
    lines += [
        f"Of {one.name}, {one.lost} of {one.photographs} photographs cannot be used; the most common reason: "
        f"{one.reason}. The page about the data shows them."
        for one in found.counts
        if one.lost > 0.1 * one.photographs
    ]
    return lines


def _warn_of_faces(found: DataChecks) -> list[str]:
    words = {
        "small": f"have fewer than {SMALL:.0f} pixels between the eyes",
        "turned": "look aside",
        "dark": "are dark",
        "bright": "are overexposed",
    }
    lines = [
        f"{share:.0%} of the faces {words[kind]}." for kind, share in found.shares.items() if share > 0.2
    ]
    if found.conflicts:
        lines.append(f"{len(found.conflicts)} near copies are in folders of different classes; none is used.")
    return lines


def _warn_of_people(found: DataChecks) -> list[str]:
    lines = [
        f"All faces of {name} are of one person: the model may learn the person."
        for name in found.only_in_one
    ]
    if not found.people:
        lines.append(
            "Who is on the photographs is not known: where one person is on several, the score is too good "
            "(--group-by, --person)."
        )
    elif found.nameless:
        lines.append(
            f"Who is on {found.nameless} of {found.faces} photographs is not known: --group-by and --person "
            "fit none of their names. Where one person is on several of them, the score is too good."
        )
    return lines


def _most(reasons: Counter[str]) -> tuple[str, ...]:
    """The most common reason, if any."""
    return tuple(reason for reason, _ in reasons.most_common(1))


def _copies(rows: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], ...]:
    groups = defaultdict(list)
    for row in rows:
        if video_and_time(row["source"])[1] is None:  # frames of one video are one group, too
            groups[row["group"]].append(row["source"])
    return tuple(tuple(sources) for sources in groups.values() if len(sources) > 1)


def _light(data: Path, rows: Sequence[dict[str, Any]]) -> npt.NDArray[np.float64]:
    """The mean gray level of each face's eyes, float64 (n,)."""
    levels = []
    for row in rows:
        image = read_gray(data / "eyes" / row["label"] / f"{row['id']}.png")
        levels.append(float(image[image > 0].mean()) if image is not None and image.any() else 0.0)
    return np.array(levels)
