"""Whole faces of a data set, aligned and cut along the oval, for networks that see all of a face.

`data.dataset` keeps of each face the landmarks that place it and outline it, in its journal. From
these the whole face is cut without looking for it again, into one array beside the data set::

    faces.npy    uint8 (n, height, width), gray, black outside the face oval
    faces.json   the sources, in the array's order, and the margin

The canvas is that of the crops of eyes and lips (`models.regions`). Gray, as they are: FaceRes' features
of gray faces are worth as much to a linear classifier as those of colour ones.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.atomic_files import atomic_output, write_atomically
from emotion.models.data.image_io import PictureError, read_photograph
from emotion.models.data.label_folders import video_and_time
from emotion.models.data.processes import in_processes
from emotion.models.errors import DatasetError
from emotion.models.regions import FACE, OUTLINE, Image, Points, crop

MARGIN = 12
"""Pixels around the face that augmentation may move into view."""
SIZE = FACE.size
"""(height, width) of a whole face in pixels, without its margin: (128, 112)."""

_PADDED = FACE.padded_size(MARGIN)
_ARRAY, _INDEX = "faces.npy", "faces.json"


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The whole faces of a data set.

    Attributes:
        images: uint8 (n, height, width), gray, with `MARGIN`; on disk, read as it is used.
        sources: of the faces, in the same order.
    """

    images: npt.NDArray[np.uint8]
    sources: tuple[str, ...]

    def rows(self, sources: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where the faces of these photographs stand, int64 (n,).

        Raises:
            DatasetError: one is missing.
        """
        places = {source: place for place, source in enumerate(self.sources)}
        missing = next((source for source in sources if source not in places), None)
        if missing is not None:
            raise DatasetError(f"The whole face of {missing} is missing: cut the data set's faces again.")
        return np.array([places[source] for source in sources], dtype=np.int64)


def face_crop(image: Image, landmarks: Points, margin: int = MARGIN) -> Image:
    """Cut a whole face out of a picture.

    Args:
        image: uint8 (h, w, 3), BGR, or (h, w) gray.
        landmarks: float32 (478, 2), pixels of `image`; only those of `emotion.models.regions.OUTLINE` count.
        margin: pixels more on every side.

    Returns:
        uint8 (height, width), gray, black outside the face oval.
    """
    return crop(image, landmarks, FACE, margin).image


def cut_faces(data: Path, roots: Sequence[Path], workers: int = 1) -> Faces:
    """Cut the whole faces of a data set's photographs; those of videos' frames are left out.

    Args:
        data: made by `emotion.models.data.dataset.make_dataset`.
        roots: the folders of photographs that it was made from.
        workers: processes.

    Raises:
        DatasetError: there are none, or a photograph is gone.
    """
    outlines = _outlines(data)
    folders = {root.name: root.parent for root in roots}
    sources = [source for source in outlines if source.split("/")[0] in folders]
    if not sources:
        raise DatasetError(f"{data} holds no face of {', '.join(folders)}, or is older than its outlines.")
    paths = [folders[source.split("/")[0]] / source for source in sources]
    wanted = [(path, outlines[source]) for path, source in zip(paths, sources, strict=True)]
    cut = in_processes(_cut, wanted, workers, partial(cv2.setNumThreads, 1))
    with atomic_output(data / _ARRAY) as made:
        images = np.lib.format.open_memmap(made, mode="w+", dtype=np.uint8, shape=(len(sources), *_PADDED))
        for place, (path, image) in enumerate(zip(paths, cut, strict=True)):
            if image is None:
                raise DatasetError(f"{path} ends the process that reads it: take it out of the data set.")
            images[place] = image
        images.flush()
        del images  # Windows renames no open file
        # An old index must never stand beside new faces.
        (data / _INDEX).unlink(missing_ok=True)
    write_atomically(data / _INDEX, json.dumps({"margin": MARGIN, "sources": sources}))
    return load_faces(data)


def has_faces(data: Path) -> bool:
    """Whether `cut_faces` was here."""
    return (data / _INDEX).is_file()


def load_faces(data: Path) -> Faces:
    """What `cut_faces` wrote.

    Raises:
        DatasetError: nothing, or with another margin.
    """
    try:
        index = json.loads((data / _INDEX).read_text(encoding="utf-8"))
        images = np.load(data / _ARRAY, mmap_mode="r")
    except OSError as error:
        raise DatasetError(
            f"{data} has no whole faces yet: 'emotion dataset --region face' makes a data set that has, "
            "'python -m emotion.learn cut' adds them; --regions eyes,lips does without."
        ) from error
    if index["margin"] != MARGIN or images.shape[1:3] != _PADDED:
        raise DatasetError(f"{data}'s whole faces were cut otherwise: cut them again.")
    return Faces(images, tuple(index["sources"]))


def _outlines(data: Path) -> dict[str, list[float]]:
    try:
        lines = (data / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise DatasetError(
            f"{data} is not a data set (no journal.jsonl): make one with 'emotion dataset'."
        ) from error
    findings = (json.loads(line) for line in lines)
    return {
        f["source"]: f["outline"]
        for f in findings
        if "outline" in f and video_and_time(f["source"])[1] is None
    }


def _cut(wanted: tuple[Path, list[float]]) -> Image:
    path, outline = wanted
    try:
        image = read_photograph(path)
    except PictureError as error:
        raise DatasetError(f"{path} cannot be read any more: {error}.") from error
    landmarks = np.zeros((478, 2), np.float32)
    landmarks[OUTLINE] = np.reshape(outline, (-1, 2))
    return face_crop(image, landmarks)
