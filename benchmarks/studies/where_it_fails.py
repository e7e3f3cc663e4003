"""Of which faces the vote is wrong, on the held-out faces of each set of a data set::

    python -m emotion.benchmarks.studies.where_it_fails data/all --models lite

Tables in Markdown: recall of each emotion; accuracy by the size of the face, the pose and the light, measured
in pixels; accuracy of the most confident predictions alone; calibration errors. Brackets are 95% intervals.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from emotion.benchmarks.studies.held_out import HeldOut, predict_held_out
from emotion.models.classes import EMOTIONS
from emotion.models.engines.options import model_folder
from emotion.models.evaluation.scores import share
from emotion.models.statistics.calibration import expected_calibration_error
from emotion.models.statistics.intervals import Interval

Chosen = npt.NDArray[np.bool_]

SIZES = (0, 32, 48, 64, 96, np.inf)
"""Pixels between the outer eye corners."""
POSES = (0, 4, 6, 8, np.inf)
"""Alignment errors, in canvas points."""
LIGHTS = (0, 60, 90, 120, 150, 180, np.inf)
"""Mean gray levels of the eyes' crop."""
SHARES = (0.34, 0.45, 0.5, 0.55, 0.6)
"""Of the strongest emotion, from which on it is named."""
COVERAGE = 0.8
# Fewer faces are not reported.
_FEWEST = 40


def in_bins(
    name: str, values: npt.NDArray[np.float32], ends: Sequence[float]
) -> Iterator[tuple[str, Chosen]]:
    """Some faces each, by where a value lies; as (words for it, which)."""
    for low, high in pairwise(ends):
        if not low:
            words = f"{name} below {high:g}"
        else:
            words = f"{low:g} and more" if high == np.inf else f"{low:g} to {high:g}"
        yield words, (values >= low) & (values < high)


def slices(faces: HeldOut) -> Iterator[tuple[str, Chosen]]:
    """The rows of the table of accuracies: words, and their faces, bool (n,)."""
    yield from in_bins("eyes apart", faces.eye_distance, SIZES)
    yield from in_bins("alignment error", faces.alignment_error, POSES)
    yield from in_bins("light", faces.light, LIGHTS)


def right_answers(faces: HeldOut, chosen: Chosen) -> Interval | None:
    """The accuracy on some faces; None if they are too few."""
    right = faces.vote.argmax(axis=1) == faces.labels
    return share(right[chosen], faces.groups[chosen]) if chosen.sum() >= _FEWEST else None


def gain_of_the_surest(faces: HeldOut, chosen: Chosen, coverage: float = COVERAGE) -> tuple[float, float]:
    """Accuracies on some faces: on all, and on the most confident ones."""
    rows = np.flatnonzero(chosen)
    right = faces.vote[rows].argmax(axis=1) == faces.labels[rows]
    order = np.argsort(-faces.vote[rows].max(axis=1), kind="stable")
    return float(right.mean()), float(right[order[: int(coverage * len(rows))]].mean())


def tables(faces: HeldOut, sets: Sequence[str]) -> Iterator[str]:
    """All tables, line by line."""
    of_set = {name: faces.sets == name for name in sets}
    yield from _heading("recall", sets)
    yield from _recalls(faces, of_set)
    yield from _heading("right", sets)
    for words, chosen in slices(faces):
        found = [right_answers(faces, chosen & inside) for inside in of_set.values()]
        yield f"| {words} | {' | '.join(_in_words(one) if one else '-' for one in found)} |"
    yield from _heading("share at least: named, right", sets)
    yield from _coverage(faces, of_set)
    yield from _heading("calibration error", sets)
    yield from _calibration(faces, of_set)


def _recalls(faces: HeldOut, of_set: Mapping[str, Chosen]) -> Iterator[str]:
    for index, emotion in enumerate(EMOTIONS):
        values = []
        for inside in of_set.values():
            shown = inside & (faces.labels == index)
            right = faces.vote[shown].argmax(axis=1) == index
            words = f"{_in_words(share(right, faces.groups[shown]))}, {shown.sum()}"
            values.append(words if shown.any() else "-")
        yield f"| {emotion} | {' | '.join(values)} |"


def _coverage(faces: HeldOut, of_set: Mapping[str, Chosen]) -> Iterator[str]:
    for least in SHARES:
        named = faces.vote.max(axis=1) >= least
        values = []
        for inside in of_set.values():
            right = right_answers(faces, named & inside)
            values.append(f"{named[inside].mean():.0%}, {right.value:.1%}" if right else "-")
        yield f"| {least} | {' | '.join(values)} |"
    gains = [gain_of_the_surest(faces, inside) for inside in of_set.values()]
    gained = [f"{100 * some:.1f}, {100 * (some - every):+.1f}" for every, some in gains]
    yield f"| the surest {COVERAGE:.0%}: right, gained | {' | '.join(gained)} |"


def _calibration(faces: HeldOut, of_set: Mapping[str, Chosen]) -> Iterator[str]:
    alike = np.zeros(len(faces.labels))
    errors = []
    for inside in of_set.values():
        errors.append(expected_calibration_error(faces.labels[inside], faces.vote[inside]))
        # Faces of a small set count more, so that all sets count alike.
        alike[inside] = 1 / inside.sum()
    yield f"| of each | {' | '.join(f'{error:.3f}' for error in errors)} |"
    yield f"| in the mix | {expected_calibration_error(faces.labels, faces.vote, alike):.3f} |"


def _heading(name: str, sets: Sequence[str]) -> tuple[str, str, str]:
    return "", f"| {name} | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"


def _in_words(found: Interval) -> str:
    return f"{100 * found.value:.0f} ({100 * found.low:.0f} to {100 * found.high:.0f})"


def main(
    data: Path,
    models: Annotated[str, typer.Option(help="lite, standard or a model folder.")] = "lite",
    regions: Annotated[str, typer.Option(help="Regions that vote, separated by commas.")] = "",
    sets: Annotated[str, typer.Option(help="Sets of the data set, separated by commas.")] = (
        "rafdb,web-faces,ferplus"
    ),
) -> None:
    """Print the tables."""
    faces = predict_held_out(data, model_folder(models), tuple(regions.split(",")) if regions else ())
    for line in tables(faces, sets.split(",")):
        typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
