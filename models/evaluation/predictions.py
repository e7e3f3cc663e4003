"""Labelled faces, and the models' predictions of them.

Two kinds of input: a data set made by `data.dataset` (its crops, one part of it), or any folder
of labelled whole photographs, in which faces are found first.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.classes import Classes
from emotion.models.data.duplicates import (
    face_picture,
    fine_structure,
    group_near_duplicates,
    perceptual_hash,
)
from emotion.models.data.fingerprints import NO_HASHES, Hashes, hashes_of_dataset, places_of
from emotion.models.data.image_io import PictureError
from emotion.models.data.label_folders import Photograph, Split, Video
from emotion.models.data.stored import load_region, read_manifest, read_options
from emotion.models.engines.session import RegionModel
from emotion.models.errors import DatasetError
from emotion.models.faces import visibility
from emotion.models.faces.picture import Landmarks
from emotion.models.faces.visibility import how_seen
from emotion.models.manifest import PrecisionChoice, schema_of, voting_regions
from emotion.models.regions import REGIONS, Crop, Image, Regions, alignment_error, crop, eye_distance
from emotion.models.schema import SHIPPED, Schema
from emotion.models.voting.vote import VoteWeights
from emotion.models.words import counted

_BATCH = 64

Item = TypeVar("Item", Photograph, Video)
Progress: TypeAlias = Callable[[int, int], None]
Find: TypeAlias = Callable[[Image], Landmarks | None]
"""The largest face in a photograph, uint8 (h, w, 3), BGR; used in several threads at once."""


def _silent(done: int, total: int) -> None:
    """Ignores the progress."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A labelled photograph that was not evaluated, and the reason, as a sentence without a full stop."""

    source: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFaces:
    """Faces with a label, cut out and ready for the models.

    Attributes:
        sources: where each comes from; begins with the name of its set.
        labels: int64 (n,), class indices.
        crops: a region each, uint8 (n, height, width).
        visible: float32 (n, regions), the share of each that lies inside the picture.
        blendshapes: float32 (n, 52).
        eye_distance: float32 (n,), pixels between the outer eye corners in the photograph.
        alignment_error: float32 (n,), how far the head is turned aside, in canvas points.
        groups: int64 (n,); near duplicates share a number.
        missing: the labels of photographs without a detected face.
        unreadable: the labels of photographs that could not be read, or are damaged.
        left_out: both of these, each with its reason.
        whole: whether the input was whole photographs, so that no others were left out.
        schema: the classes and regions.
        fingerprints: uint64 (n, 4); see `data.fingerprints`; empty if not requested.
        places: of the eyes and lips in the fingerprints.
    """

    sources: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    crops: tuple[Image, ...]
    visible: npt.NDArray[np.float32]
    blendshapes: npt.NDArray[np.float32]
    eye_distance: npt.NDArray[np.float32]
    alignment_error: npt.NDArray[np.float32]
    groups: npt.NDArray[np.int64]
    missing: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    whole: bool = False
    schema: Schema = SHIPPED
    fingerprints: Hashes = field(default_factory=lambda: NO_HASHES)
    places: tuple[str, ...] = places_of()

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
        return self[chosen]

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> "LabelledFaces":
        """Some of the faces, by their indices."""
        arrays = ("labels", "visible", "blendshapes", "eye_distance", "alignment_error", "groups")
        kept = {array: getattr(self, array)[rows] for array in arrays}
        return replace(
            self,
            sources=tuple(self.sources[index] for index in rows.tolist()),
            crops=tuple(part[rows] for part in self.crops),
            fingerprints=self.fingerprints[rows] if len(self.fingerprints) else self.fingerprints,
            **kept,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions of all models for labelled faces.

    Attributes:
        faces: that were evaluated.
        predictions: float32 (regions, n, classes), probabilities.
        free: float32 (n, regions), how likely nothing covers each region.
    """

    faces: LabelledFaces
    predictions: npt.NDArray[np.float32]
    free: npt.NDArray[np.float32]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """int64 (n,), the truth."""
        return self.faces.labels

    @property
    def seen(self) -> npt.NDArray[np.float32]:
        """The visibility of each region, float32 (n, regions), as in streaming."""
        return how_seen(self.faces.visible, self.free, self.faces.alignment_error)


def predict(faces: LabelledFaces, models: Sequence[RegionModel], progress: Progress = _silent) -> Predictions:
    """All models on labelled faces."""
    done = [0]

    def run(model: RegionModel, crops: Image) -> npt.NDArray[np.float32]:
        parts = [model(crops[:0])]
        for start in range(0, len(crops), _BATCH):
            parts.append(model(crops[start : start + _BATCH]))
            done[0] += len(parts[-1])
            progress(done[0] // len(models), len(faces))
        return np.concatenate(parts)

    free = visibility.free_of(faces.schema.regions, [list(crops) for crops in faces.crops])
    outputs = [run(model, crops) for model, crops in zip(models, faces.crops, strict=True)]
    return Predictions(faces, np.stack(outputs), free)


def faces_of_dataset(
    folder: Path, split: Split | Collection[Split], regions: Regions = REGIONS
) -> LabelledFaces:
    """One part of a data set, or some together, in the manifest's order.

    Args:
        folder: of the data set.
        split: the part or parts.
        regions: whose crops are read, in order.

    Raises:
        DatasetError: `folder` is no data set, lacks a picture or a region, or the part is empty.
    """
    splits = (split,) if isinstance(split, str) else tuple(split)
    parts = [load_region(folder, region, splits, None) for region in regions.names]
    rows = [row for row in read_manifest(folder) if row["split"] in splits]
    places = read_options(folder).places
    moved = next((one for one in regions if one.name in places and places[one.name] != one), None)
    if moved is not None:
        raise DatasetError(f"{folder} has its {moved.name} from another place of the face than the models.")
    return LabelledFaces(
        sources=tuple(row["source"] for row in rows),
        labels=parts[0].labels,
        crops=tuple(part.crops() for part in parts),
        visible=np.stack([part.visible for part in parts], axis=1),
        blendshapes=parts[0].blendshapes,
        eye_distance=np.array([row["eye_distance"] for row in rows], np.float32),
        alignment_error=np.array([row["alignment_error"] for row in rows], np.float32),
        groups=np.array([row["group"] for row in rows], np.int64),
        schema=Schema(_classes_of(parts[0].classes), regions),
    )


def with_fingerprints(faces: LabelledFaces, folder: Path, split: Split) -> LabelledFaces:
    """One part of a data set with its fingerprints, which few need.

    Raises:
        DatasetError: a crop is missing.
    """
    places = places_of(read_options(folder).places)
    return replace(faces, fingerprints=hashes_of_dataset(folder, {split}), places=places)


def _classes_of(names: tuple[str, ...]) -> Classes:
    try:
        return Classes(names)
    except ValueError as error:
        raise DatasetError(f"These classes are none that models can have: {error}.") from error


def load_regions(
    folder: Path, precision: PrecisionChoice = "fp32", regions: Sequence[str] = ()
) -> tuple[RegionModel, ...]:
    """The models of a folder's regions, on all cores.

    Args:
        folder: of the models.
        precision: see `RegionModel`.
        regions: which; none: those that vote.

    Raises:
        ModelFileError: a model is missing or damaged.
    """
    return tuple(
        RegionModel(folder, region, "cpu", 0, precision) for region in voting_regions(folder, regions)
    )


def predictions_of_models(folder: Path, data: Path, split: Split = "train") -> npt.NDArray[np.float32]:
    """The vote of a model folder on one part of a data set, float32 (n, classes), in the manifest's order.

    Raises:
        ModelFileError: a model is missing or damaged.
        DatasetError: as `faces_of_dataset`.
    """
    models = load_regions(folder)
    faces = faces_of_dataset(data, split, schema_of(model.manifest for model in models).regions)
    check_regions(models, faces.schema)
    # A model runs a large batch in parts.
    predictions = np.stack([model(crops) for model, crops in zip(models, faces.crops, strict=True)])
    rule = VoteWeights.read(folder)
    return rule.vote(predictions, blendshapes=rule.third(faces.blendshapes) if rule.third else None)


def check_regions(models: Sequence[RegionModel], schema: Schema) -> None:
    """Check that models fit to the crops of a data set.

    Raises:
        DatasetError: they have other regions or classes.
    """
    wanted = schema_of(model.manifest for model in models)
    if wanted.regions != schema.regions or wanted.classes.names != schema.classes.names:
        raise DatasetError(
            f"These faces are of {', '.join(schema.regions.names)} ({schema.classes}), the models of "
            f"{', '.join(wanted.regions.names)} ({wanted.classes}): evaluate them on whole photographs."
        )


def of_part(items: Iterable[Item], part: Split = "test") -> list[Item]:
    """The photographs or videos of a part; if no folder is called ``test``, all are test data.

    Raises:
        DatasetError: there are some, but none in this part, which is not ``test``.
    """
    found = list(items)
    chosen = [item for item in found if item.split == part]
    if chosen or not found or part == "test":
        return chosen or found
    raise DatasetError(f"There is no {part} part here: --part takes what lies in a folder of that name.")


def faces_of_photographs(
    photographs: Sequence[Photograph],
    find: Find,
    progress: Progress = _silent,
    workers: int = 2,
    scales: Mapping[str, float] | None = None,
    schema: Schema = SHIPPED,
    say: Callable[[str], object] = lambda sentence: None,
) -> LabelledFaces:
    """Detect the face in each whole photograph.

    Args:
        photographs: with a label each.
        find: the landmarks of its largest face.
        progress: called with (photographs done, photographs in all).
        workers: threads.
        scales: by source, by how much to shrink a photograph before anything else is done.
        schema: the classes of the labels, and the regions to cut out.
        say: called with a message about each photograph that cannot be read.

    Raises:
        DatasetError: no face was detected.
    """
    rows, missing, unreadable, left_out = [], [], [], list[LeftOut]()
    found = _look_at_all(photographs, find, workers, scales or {}, schema.regions)
    for done, (photograph, face) in enumerate(found, start=1):
        if isinstance(face, PictureError):
            say(f"{photograph.source} is left out: {face}")
            unreadable.append(photograph.label)
            left_out.append(LeftOut(photograph.source, photograph.label, str(face).rstrip(".")))
        elif face is None:
            missing.append(photograph.label)
            left_out.append(LeftOut(photograph.source, photograph.label, "no face was found"))
        else:
            rows.append((photograph, face))
        progress(done, len(photographs))
    if not rows:
        raise DatasetError(f"Not one face was found in {counted(len(photographs), 'photograph')}.")
    faces = [face for _, face in rows]
    hashes = np.array([perceptual_hash(face.picture) for face in faces])
    groups = group_near_duplicates(
        hashes,
        structures=np.stack([fine_structure(face.picture) for face in faces]),
    )
    return LabelledFaces(
        sources=tuple(photograph.source for photograph, _ in rows),
        labels=np.array([schema.classes.index(photograph.label) for photograph, _ in rows], np.int64),
        crops=tuple(
            np.stack([face.crops[index].image for face in faces]) for index in range(len(schema.regions))
        ),
        visible=np.array([[part.visible for part in face.crops] for face in faces], np.float32),
        blendshapes=np.stack([face.blendshapes for face in faces]),
        eye_distance=np.array([face.eye_distance for face in faces], np.float32),
        alignment_error=np.array([face.alignment_error for face in faces], np.float32),
        groups=groups,
        missing=tuple(missing),
        unreadable=tuple(unreadable),
        left_out=tuple(left_out),
        whole=True,
        schema=schema,
        fingerprints=hashes,
        places=places_of(schema.regions),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """The data kept of a photograph: its crops, not its pixels; `picture` is a small copy."""

    crops: tuple[Crop, ...]
    picture: Image
    blendshapes: npt.NDArray[np.float32]
    eye_distance: float
    alignment_error: float


def _look_at_all(
    photographs: Sequence[Photograph],
    find: Find,
    workers: int,
    scales: Mapping[str, float],
    regions: Regions,
) -> Iterator[tuple[Photograph, _Face | PictureError | None]]:
    """Each photograph and its face, or why it cannot be read, in order."""

    def detect(photograph: Photograph) -> _Face | PictureError | None:
        try:
            return _detect(find, photograph, scales.get(photograph.source, 1.0), regions)
        except PictureError as error:
            return error

    with ThreadPoolExecutor(workers) as pool:
        yield from zip(photographs, pool.map(detect, photographs), strict=True)


def _detect(find: Find, photograph: Photograph, scale: float, regions: Regions) -> _Face | None:
    image = photograph.read()
    if scale < 1:
        size = [max(1, round(scale * side)) for side in image.shape[1::-1]]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    face = find(image)
    if face is None:
        return None
    cut = {region: crop(image, face.points, region) for region in {*regions, *REGIONS}}
    shown = (regions[name] if name in regions else REGIONS[name] for name in REGIONS.names)
    picture = face_picture(*(cut[region].image for region in shown))
    crops = tuple(cut[region] for region in regions)
    return _Face(crops, picture, face.blendshapes, eye_distance(face.points), alignment_error(face.points))
