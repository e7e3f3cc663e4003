"""Copies of a photograph that the hash misses: ``python -m benchmarks.copies --data DIR``.

DIR is what `emotion dataset` made. Its parts are meant to share no photograph; a copy that was cropped or
toned otherwise can be farther away than `models.duplicates.MAX_DISTANCE` all the same. Here each held-out
face is compared with every face of the training part by its fine structure, which tone leaves alone.
"""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
import typer

from models.dataset import RegionData
from models.labelled import Split
from models.views import load_view

# Correlations from which two faces are taken for one photograph. To the eye, of pairs above 0.9 nearly all
# are, of those above 0.85 most, of those at 0.75 few.
THRESHOLDS = (0.8, 0.85, 0.9)
HELD_OUT: tuple[Split, ...] = ("validation", "test")
_BLACK = 4
_EDGE = np.ones((9, 9), np.uint8)  # the oval's edge is the crop's doing
_AT_ONCE = 256


def fine_structure(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What lies between two blurs inside the oval, float32 (n, h * w) of length 1.

    Args:
        crops: uint8 (n, h, w) gray, 0 outside the face.
    """
    found = np.zeros((len(crops), crops[0].size), np.float32)
    for row, crop in zip(found, crops, strict=True):
        gray = crop.astype(np.float32)
        band = cv2.GaussianBlur(gray, (0, 0), 1.5) - cv2.GaussianBlur(gray, (0, 0), 5)
        band = band * cv2.erode((crop > _BLACK).astype(np.uint8), _EDGE)
        row[:] = (band / (np.linalg.norm(band) + 1e-6)).ravel()
    return found


def nearest(
    faces: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The highest correlation of each face with another set's, float32 (n,), and whose it is, int64 (n,)."""
    found = [faces[start : start + _AT_ONCE] @ others.T for start in range(0, len(faces), _AT_ONCE)]
    return (
        np.concatenate([block.max(axis=1) for block in found]),
        np.concatenate([block.argmax(axis=1) for block in found]),
    )


def of_set(data: RegionData, name: str) -> RegionData:
    """The faces of one root."""
    return data[np.flatnonzero(np.array(data.sources) == name)]


def main(data: Annotated[Path, typer.Option(help="What 'emotion dataset' made.")]) -> None:
    """Print which share of the held-out faces of each root has a copy among those learnt from."""
    training = load_view(data, "face", ("train",))
    held_out = {part: load_view(data, "face", (part,)) for part in HELD_OUT}
    for name in sorted(set(training.sources)):
        learnt = of_set(training, name)
        structure = fine_structure(learnt.crops())
        for part, found in held_out.items():
            faces = of_set(found, name)
            best, whose = nearest(fine_structure(faces.crops()), structure)
            for threshold in THRESHOLDS:
                copies = best > threshold
                same = (faces.labels == learnt.labels[whose])[copies]
                typer.echo(
                    f"{name} {part}: {copies.mean():.1%} of {len(faces)} have a copy above {threshold}"
                    + (f", {same.mean():.0%} of these with the same label" if len(same) else "")
                )


if __name__ == "__main__":
    typer.run(main)
