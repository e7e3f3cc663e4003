"""Labelled faces, and what the models say of them.

Two kinds of input: a data set made by `data.dataset` (its crops, one part of it), or any folder
of labelled whole photographs, which go the same road as a video's frames: landmarks, crops, models.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.classes import EMOTIONS
from emotion.models.data.dataset import load_region, read_manifest
from emotion.models.data.duplicates import (
    face_picture,
    fine_structure,
    group_near_duplicates,
    perceptual_hash,
)
from emotion.models.data.image_io import read_bgr
from emotion.models.data.label_folders import Photograph, Split, Video
from emotion.models.engines.session import RegionModel
from emotion.models.errors import DatasetError
from emotion.models.faces import visibility
from emotion.models.faces.mediapipe_landmarker import FaceLandmarker, find_portrait
from emotion.models.faces.visibility import how_seen
from emotion.models.manifest import PrecisionChoice
from emotion.models.regions import EYES, LIPS, REGIONS, Crop, Image, alignment_error, crop, eye_distance
from emotion.models.voting.vote import VoteWeights

_BATCH = 64

Item = TypeVar("Item", Photograph, Video)
Progress: TypeAlias = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFaces:
    """Faces with a label, cut out and ready for the models.

    Attributes:
        sources: where each comes from; begins with the name of its set.
        labels: int64 (n,), class indices.
        eyes, lips: uint8 (n, height, width), crops.
        visible: float32 (n, 2), the shares of eyes and lips that lie inside the picture.
        blendshapes: float32 (n, 52).
        eye_distance: float32 (n,), pixels between the outer eye corners in the photograph.
        alignment_error: float32 (n,), how far the head is turned aside, in canvas points.
        groups: int64 (n,); near duplicates share a number.
        missing: the labels of photographs without a face that could be found.
    """

    sources: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    eyes: Image
    lips: Image
    visible: npt.NDArray[np.float32]
    blendshapes: npt.NDArray[np.float32]
    eye_distance: npt.NDArray[np.float32]
    alignment_error: npt.NDArray[np.float32]
    groups: npt.NDArray[np.int64]
    missing: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def of_set(self, name: str) -> "LabelledFaces":
        """The faces whose source begins with the name of this set.

        Raises:
            DatasetError: there are none.
        """
        sets = [source.split("/")[0] for source in self.sources]
        chosen = np.flatnonzero([one == name for one in sets])
        if not len(chosen):
            raise DatasetError(f"There is no set {name!r} here; there are {', '.join(sorted(set(sets)))}.")
        arrays = (
            "labels",
            "eyes",
            "lips",
            "visible",
            "blendshapes",
            "eye_distance",
            "alignment_error",
            "groups",
        )
        kept = {array: getattr(self, array)[chosen] for array in arrays}
        return replace(self, sources=tuple(self.sources[index] for index in chosen.tolist()), **kept)


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What both models say of labelled faces.

    Attributes:
        faces: that were judged.
        eyes, lips: float32 (n, 6), probabilities.
        free: float32 (n, 2), how likely nothing covers the eyes and the lips.
    """

    faces: LabelledFaces
    eyes: npt.NDArray[np.float32]
    lips: npt.NDArray[np.float32]
    free: npt.NDArray[np.float32]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """int64 (n,), the truth."""
        return self.faces.labels

    @property
    def seen(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """How surely the eyes and the lips are seen, float32 (n,) each, as in streaming."""
        eyes, lips = how_seen(self.faces.visible, self.free, self.faces.alignment_error).T
        return eyes, lips


def predict(
    faces: LabelledFaces, eyes: RegionModel, lips: RegionModel, progress: Progress = _silent
) -> Predictions:
    """Both models on labelled faces."""
    done = [0]

    def run(model: RegionModel, crops: Image) -> npt.NDArray[np.float32]:
        parts = [model(crops[:0])]
        for start in range(0, len(crops), _BATCH):
            parts.append(model(crops[start : start + _BATCH]))
            done[0] += len(parts[-1])
            progress(done[0] // 2, len(faces))
        return np.concatenate(parts)

    nets = visibility.read()
    free = np.stack(
        [nets[region](list(crops)) for region, crops in zip(REGIONS, (faces.eyes, faces.lips), strict=True)],
        axis=1,
    )
    return Predictions(faces, run(eyes, faces.eyes), run(lips, faces.lips), free)


def faces_of_dataset(folder: Path, split: Split) -> LabelledFaces:
    """One part of a data set.

    Raises:
        DatasetError: `folder` is no data set, lacks a picture, or the part is empty.
    """
    eyes, lips = (load_region(folder, region, (split,)) for region in ("eyes", "lips"))
    rows = [row for row in read_manifest(folder) if row["split"] == split]
    return LabelledFaces(
        sources=tuple(row["source"] for row in rows),
        labels=eyes.labels,
        eyes=eyes.crops(),
        lips=lips.crops(),
        visible=np.array([[row["eyes_visible"], row["lips_visible"]] for row in rows], np.float32),
        blendshapes=eyes.blendshapes,
        eye_distance=np.array([row["eye_distance"] for row in rows], np.float32),
        alignment_error=np.array([row["alignment_error"] for row in rows], np.float32),
        groups=np.array([row["group"] for row in rows], np.int64),
    )


def load_regions(folder: Path, precision: PrecisionChoice = "fp32") -> tuple[RegionModel, RegionModel]:
    """The eyes' and the lips' model of a folder, on all cores.

    Raises:
        ModelFileError: a model is missing or damaged.
    """
    eyes, lips = (RegionModel(folder, region, "cpu", 0, precision) for region in REGIONS)
    return eyes, lips


def predictions_of_models(folder: Path, data: Path, split: Split = "train") -> npt.NDArray[np.float32]:
    """The vote of a model folder on one part of a data set, float32 (n, 6), in the manifest's order.

    Raises:
        ModelFileError: a model is missing or damaged.
        DatasetError: as `faces_of_dataset`.
    """
    faces = faces_of_dataset(data, split)
    eyes, lips = (
        np.concatenate([model(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH)])
        for model, crops in zip(load_regions(folder), (faces.eyes, faces.lips), strict=True)
    )
    rule = VoteWeights.read(folder)
    return rule.vote(eyes, lips, blendshapes=rule.third(faces.blendshapes) if rule.third else None)


def only_test(items: Iterable[Item]) -> list[Item]:
    """The photographs or videos of the ``test`` part, or all of them where there is none."""
    found = list(items)
    return [item for item in found if item.split == "test"] or found


def faces_of_photographs(
    photographs: Sequence[Photograph],
    progress: Progress = _silent,
    workers: int = 2,
    scales: Mapping[str, float] | None = None,
) -> LabelledFaces:
    """Look for the face in each whole photograph, as a video's pipeline does.

    Args:
        photographs: with a label each.
        progress: called with (photographs done, photographs in all).
        workers: threads; MediaPipe lets go of the interpreter while it looks.
        scales: by source, by how much to shrink a photograph before anything else is done.

    Raises:
        DatasetError: not one face was found.
    """
    rows, missing = [], []
    for done, (photograph, face) in enumerate(_look_at_all(photographs, workers, scales or {}), start=1):
        if face is None:
            missing.append(photograph.label)
        else:
            rows.append((photograph, face))
        progress(done, len(photographs))
    if not rows:
        raise DatasetError(f"Not one face was found in these {len(photographs)} photographs.")
    faces = [face for _, face in rows]
    pictures = [face_picture(face.eyes.image, face.lips.image) for face in faces]
    groups = group_near_duplicates(
        np.array([perceptual_hash(picture) for picture in pictures]),
        structures=np.stack([fine_structure(picture) for picture in pictures]),
    )
    return LabelledFaces(
        sources=tuple(photograph.source for photograph, _ in rows),
        labels=np.array([EMOTIONS.index(photograph.label) for photograph, _ in rows], np.int64),
        eyes=np.stack([face.eyes.image for face in faces]),
        lips=np.stack([face.lips.image for face in faces]),
        visible=np.array([(face.eyes.visible, face.lips.visible) for face in faces], np.float32),
        blendshapes=np.stack([face.blendshapes for face in faces]),
        eye_distance=np.array([face.eye_distance for face in faces], np.float32),
        alignment_error=np.array([face.alignment_error for face in faces], np.float32),
        groups=groups,
        missing=tuple(missing),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """What is kept of a photograph: its crops, not its pixels."""

    eyes: Crop
    lips: Crop
    blendshapes: npt.NDArray[np.float32]
    eye_distance: float
    alignment_error: float


def _look_at_all(
    photographs: Sequence[Photograph], workers: int, scales: Mapping[str, float]
) -> Iterator[tuple[Photograph, _Face | None]]:
    """Each photograph and its face, in order."""
    with ExitStack() as stack:
        # A landmarker is not thread-safe: each look borrows one that nobody else has.
        free: SimpleQueue[FaceLandmarker] = SimpleQueue()
        for _ in range(workers):
            free.put(stack.enter_context(FaceLandmarker()))
        pool = stack.enter_context(ThreadPoolExecutor(workers))

        def look(photograph: Photograph) -> _Face | None:
            landmarker = free.get()
            try:
                return _look(landmarker, photograph, scales.get(photograph.source, 1.0))
            finally:
                free.put(landmarker)

        yield from zip(photographs, pool.map(look, photographs), strict=True)


def _look(landmarker: FaceLandmarker, photograph: Photograph, scale: float) -> _Face | None:
    image = read_bgr(photograph.path)
    if image is None:
        return None
    if scale < 1:
        size = [max(1, round(scale * side)) for side in image.shape[1::-1]]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    face = find_portrait(landmarker, image)
    if face is None:
        return None
    eyes, lips = (crop(image, face.points, region) for region in (EYES, LIPS))
    return _Face(eyes, lips, face.blendshapes, eye_distance(face.points), alignment_error(face.points))
