"""A data set on disk: its manifest, the crops of a region, and what was left out.

`dataset` makes it, and describes its folder.
"""

import csv
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from emotion.models.classes import EMOTIONS
from emotion.models.data.face_crops import MARGIN, has_faces, load_faces
from emotion.models.data.image_io import read_gray
from emotion.models.data.label_folders import Split
from emotion.models.data.options import DatasetOptions
from emotion.models.errors import DatasetError
from emotion.models.options import from_mapping
from emotion.models.regions import FACE, REGIONS, Image


def schema(classes: Sequence[str] = EMOTIONS, regions: Sequence[str] = REGIONS.names) -> pa.Schema:
    """The manifest's columns for a number of classes and these regions."""
    return pa.schema(
        [
            ("id", pa.string()),
            ("source", pa.string()),
            ("label", pa.string()),
            ("votes", pa.list_(pa.float32(), len(classes))),
            ("split", pa.string()),
            ("group", pa.int64()),
            ("eye_distance", pa.float32()),
            ("alignment_error", pa.float32()),
            *((f"{region}_visible", pa.float32()) for region in regions),
            ("blendshapes", pa.list_(pa.float32(), 52)),
        ]
    )


@dataclass(frozen=True, slots=True, eq=False)
class RegionData:
    """One part of a data set, one region, in memory.

    Attributes:
        images: uint8 (n, parts * (height + 2 margin), width + 2 margin).
        labels: int64 (n,), class indices.
        targets: float32 (n, classes), votes where there are any, else one-hot labels.
        visible: float32 (n,), the share of the region's part of the face that is inside the picture.
        blendshapes: float32 (n, 52).
        sources: the first folder of each face's source, that is the set it comes from.
        groups: int64 (n,); near duplicates and frames of one video share a number.
        margin: pixels around the crop proper.
        parts: crops of one face, one above the other, in a picture.
        classes: of the labels.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    targets: npt.NDArray[np.float32]
    visible: npt.NDArray[np.float32]
    blendshapes: npt.NDArray[np.float32]
    sources: tuple[str, ...]
    groups: npt.NDArray[np.int64]
    margin: int
    parts: int = 1
    classes: tuple[str, ...] = EMOTIONS

    def __len__(self) -> int:
        return len(self.labels)

    def crops(self) -> npt.NDArray[np.uint8]:
        """uint8 (n, parts * height, width): the pictures without margins, as a model sees them."""
        inner = slice(self.margin, -self.margin or None)
        parts = np.split(self.images, self.parts, axis=1)
        return np.concatenate([part[:, inner, inner] for part in parts], axis=1)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> "RegionData":
        """Some of the faces, by their indices."""
        arrays = {
            name: getattr(self, name)[rows]
            for name in ("images", "labels", "targets", "visible", "blendshapes", "groups")
        }
        return replace(self, sources=tuple(self.sources[row] for row in rows.tolist()), **arrays)


def load_region(
    folder: Path, region: str, splits: Iterable[Split], classes: tuple[str, ...] | None = EMOTIONS
) -> RegionData:
    """Read one region of some parts of a data set, in the manifest's order.

    Args:
        folder: of the data set.
        region: whose crops are read.
        splits: of which parts.
        classes: that the data set must have; None: any.

    Raises:
        DatasetError: `folder` is not a data set, has other classes, lacks a picture or the region, or
            the parts are empty.
    """
    rows = [row for row in read_manifest(folder) if row["split"] in set(splits)]
    if not rows:
        raise DatasetError(f"{folder} has no faces in {', '.join(splits)}.")
    options = read_options(folder)
    if classes is not None and options.classes != classes:
        raise DatasetError(
            f"{folder} is sorted into {', '.join(options.classes)}, and what is asked about it knows "
            f"{', '.join(classes)}. Make a data set of these (--map takes other names), or a model of those "
            "with 'emotion learn'."
        )
    images, margin = _images(folder, region, rows, options)
    labels = np.array([options.classes.index(row["label"]) for row in rows], dtype=np.int64)
    one_hot = np.eye(len(options.classes), dtype=np.float32)
    shown = f"{region}_visible"
    # For a whole face that was cut later, the visible share is that of its parts.
    shares = [row.get(shown, min(row[f"{name}_visible"] for name in REGIONS.names)) for row in rows]
    return RegionData(
        images=images,
        labels=labels,
        targets=np.array(
            [row["votes"] or one_hot[label] for row, label in zip(rows, labels.tolist(), strict=True)],
            np.float32,
        ),
        visible=np.array(shares, np.float32),
        blendshapes=np.array([row["blendshapes"] for row in rows], dtype=np.float32),
        sources=tuple(row["source"].split("/")[0] for row in rows),
        groups=np.array([row["group"] for row in rows], dtype=np.int64),
        margin=margin,
        classes=options.classes,
    )


def not_cut_out(folder: Path, regions: Iterable[str]) -> list[str]:
    """Which of some regions a data set has no crops of.

    Raises:
        DatasetError: `folder` is no data set.
    """
    if not (folder / "dataset.json").is_file():
        read_manifest(folder)  # raises an error about what is missing
    places = read_options(folder).places
    return [name for name in regions if name not in places and not (name == FACE.name and has_faces(folder))]


def _images(
    folder: Path, region: str, rows: Sequence[dict[str, Any]], options: DatasetOptions
) -> tuple[Image, int]:
    """The crops of faces, uint8 (n, height, width), and their margin."""
    if region not in options.places:
        if region == FACE.name:
            faces = load_faces(folder)
            return faces.images[faces.rows([row["source"] for row in rows])], MARGIN
        raise DatasetError(f"{folder} holds {', '.join(options.places.names)}, not the {region}.")
    images = [read_gray(crop_path(folder, region, row)) for row in rows]
    missing = next((row for row, image in zip(rows, images, strict=True) if image is None), None)
    if missing:
        raise DatasetError(f"{crop_path(folder, region, missing)} is missing: make the data set again.")
    return np.array(images, dtype=np.uint8), options.margin


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """The rows of a data set's manifest (`schema`).

    Raises:
        DatasetError: there is none.
    """
    path = folder / "manifest.parquet"
    if not path.is_file():
        raise DatasetError(
            f"{folder} is not a data set (no manifest.parquet): make one with 'emotion dataset'."
        )
    with open(path, "rb") as file:
        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows


class LeftOut(NamedTuple):
    """A file that is not in a data set, why, and its label if it has one: a row of ``rejected.csv``."""

    source: str
    reason: str
    label: str = ""

    @property
    def kind(self) -> str:
        """The reason without what differs from file to file."""
        return self.reason.split(":")[0]


def read_rejected(folder: Path) -> list[LeftOut]:
    """The photographs that were left out of a data set."""
    with open(folder / "rejected.csv", newline="", encoding="utf-8") as file:
        return [LeftOut(**row) for row in csv.DictReader(file)]


def checksum(folder: Path, splits: Collection[Split]) -> str:
    """The SHA-256 of the faces and labels of some parts of a data set, in their order.

    Raises:
        DatasetError: `folder` is not a data set.
    """
    rows = [row for row in read_manifest(folder) if row["split"] in splits]
    told = [[row[key] for key in ("split", "id", "label", "votes", "group")] for row in rows]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def read_options(folder: Path) -> DatasetOptions:
    """The options that a data set was made with."""
    text = (folder / "dataset.json").read_text(encoding="utf-8")
    return from_mapping(DatasetOptions, json.loads(text)["options"])


def crop_path(folder: Path, region: str, face: Mapping[str, Any]) -> Path:
    """The path of a face's crop, from its row in the manifest."""
    return folder / region / str(face["label"]) / f"{face['id']}.png"
