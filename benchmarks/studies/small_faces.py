"""How often eyes and lips that are plain to see are taken for hidden, by the size of the face::

    python -m emotion.benchmarks.studies.small_faces FOLDER

The folder holds photographs of faces that nothing hides, also in folders of its own. Each is made so small
that its face has the given widths, put into the corner of a gray picture of 640x480, and looked at.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from emotion.models.data.image_io import SUFFIXES, read_photograph
from emotion.models.regions import Image
from emotion.realtime.messages import FaceEmotion
from emotion.realtime.session import EachPicture, Models, Session
from emotion.realtime.sources.photographs import photograph_frame

WIDTHS = (160, 120, 100, 80, 60, 45)
"""Of faces, in pixels."""
_HEIGHT, _WIDTH, _GRAY = 480, 640, 90


def small(photograph: Image, face_width: float, wanted: float) -> Image:
    """A photograph whose face gets another width, in the corner of a picture; what is beyond that is cut."""
    scale = wanted / face_width
    shrunk = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((_HEIGHT, _WIDTH, 3), _GRAY, np.uint8)
    height, width = min(_HEIGHT, shrunk.shape[0]), min(_WIDTH, shrunk.shape[1])
    picture[:height, :width] = shrunk[:height, :width]
    return picture


def count_predictions(
    photographs: Sequence[Image], widths: Sequence[float] = WIDTHS
) -> Iterator[tuple[float, Counter[str]]]:
    """By width, how many faces were found, and of how many a region, by its name, was taken for hidden."""
    models = Models.load()
    found = [(one, face) for one, face in zip(photographs, _faces(photographs, models), strict=True) if face]
    for wanted in widths:
        counts = Counter[str]()
        pictures = [small(one, face.box.width, wanted) for one, face in found]
        for seen in filter(None, _faces(pictures, models)):
            counts["faces"] += 1
            counts.update(name for name, prediction in seen.regions.items() if prediction is None)
        yield wanted, counts


def _faces(pictures: Sequence[Image], models: Models) -> list[FaceEmotion | None]:
    """The largest face of each picture."""
    frames = [photograph_frame(index, picture) for index, picture in enumerate(pictures)]
    with Session(frames, models=models, policy=EachPicture()) as session:
        return [result.faces[0] if result.faces else None for result in session]


def main(
    folder: Path, every: Annotated[int, typer.Option(help="Only every so many-th photograph.")] = 1
) -> None:
    """Print a line a width."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)[::every]
    for width, counts in count_predictions([read_photograph(path) for path in paths]):
        hidden = ", ".join(f"{name} {count}" for name, count in counts.items() if name != "faces")
        typer.echo(f"{width:g} pixels: {counts['faces']} faces; taken for hidden: {hidden or 'none'}")


if __name__ == "__main__":
    typer.run(main)
