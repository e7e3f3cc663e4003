"""Finds held-out faces with a copy in the training part::

    python -m emotion.benchmarks.studies.copies --data DIR

DIR is what `emotion dataset` made. Each held-out face is compared with every face of the training part by
its fine structure, and the shares printed that correlate more than each of some thresholds. Above
`emotion.models.data.duplicates.MIN_CORRELATION` there are none left, but for frames of videos, which are
detected by the hash only.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from emotion.models.data.duplicates import fine_structure
from emotion.models.data.label_folders import Split
from emotion.models.data.stored import RegionData
from emotion.models.training.inputs import load_view

THRESHOLDS = (0.75, 0.8, 0.85, 0.9)
HELD_OUT: tuple[Split, ...] = ("validation", "test")
_AT_ONCE = 256


def nearest(
    faces: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The highest correlation of each face with another set's, float32 (n,), and whose it is, int64 (n,)."""
    found = [faces[start : start + _AT_ONCE] @ others.T for start in range(0, len(faces), _AT_ONCE)]
    return (
        np.concatenate([block.max(axis=1) for block in found]),
        np.concatenate([block.argmax(axis=1) for block in found]),
    )


def structures(data: RegionData) -> npt.NDArray[np.float32]:
    """The fine structure of every face, float32 (n, d)."""
    return np.stack([fine_structure(face) for face in data.crops()])


def of_set(data: RegionData, name: str) -> RegionData:
    """The faces of one root."""
    return data[np.flatnonzero(np.array(data.sources) == name)]


def main(data: Annotated[Path, typer.Option(help="Data set made by 'emotion dataset'.")]) -> None:
    """Print which share of the held-out faces of each root has a copy among those learnt from."""
    training = load_view(data, "face", ("train",))
    held_out = {part: load_view(data, "face", (part,)) for part in HELD_OUT}
    for name in sorted(set(training.sources)):
        learnt = of_set(training, name)
        known = structures(learnt)
        for part, found in held_out.items():
            faces = of_set(found, name)
            best, whose = nearest(structures(faces), known)
            for threshold in THRESHOLDS:
                copies = best > threshold
                same = (faces.labels == learnt.labels[whose])[copies]
                typer.echo(
                    f"{name} {part}: {copies.mean():.1%} of {len(faces)} have a copy above {threshold}"
                    + (f", {same.mean():.0%} of these with the same label" if len(same) else "")
                )


if __name__ == "__main__":
    typer.run(main)
