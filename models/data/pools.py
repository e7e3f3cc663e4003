"""Faces of several data sets in memory, with their labels and a teacher's predictions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from emotion.models.atomic_files import atomic_output
from emotion.models.classes import EMOTIONS
from emotion.models.data import face_crops
from emotion.models.data.label_folders import Split
from emotion.models.data.stored import RegionData, load_region, read_manifest
from emotion.models.errors import DatasetError

RegionName: TypeAlias = Literal["eyes", "lips", "face"]
"""The region whose crops a network takes; the face is the whole face, not eyes above lips."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Faces for training or evaluation.

    Attributes:
        images: uint8 (n, height, width), gray crops with a margin.
        labels: int64 (n,), emotions by index.
        targets: float32 (n, 6), votes where there are any, else one-hot labels.
        teacher_predictions: float32 (n, 6), a teacher's probabilities; the targets where there is no teacher.
        blendshapes: float32 (n, 52).
        sets: str (n,), the set that each comes from.
        groups: int64 (n,); near duplicates share a number.
        sources: of the photographs.
        margin: pixels around the crop proper.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    targets: npt.NDArray[np.float32]
    teacher_predictions: npt.NDArray[np.float32]
    blendshapes: npt.NDArray[np.float32]
    sets: npt.NDArray[np.str_]
    groups: npt.NDArray[np.int64]
    sources: tuple[str, ...]
    margin: int

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> "Pool":
        """Some of the faces, by their indices."""
        arrays = ("images", "labels", "targets", "teacher_predictions", "blendshapes", "sets", "groups")
        picked = {name: getattr(self, name)[rows] for name in arrays}
        return replace(self, sources=tuple(self.sources[row] for row in rows.tolist()), **picked)

    def at_most(self, faces: int, per_class: bool = False) -> "Pool":
        """At most so many faces of each set, or of each class of each set; always the same ones."""
        order = np.random.default_rng(0).permutation(len(self))
        classes = self.labels if per_class else np.zeros_like(self.labels)
        kept = [
            order[(self.sets[order] == name) & (classes[order] == label)][:faces]
            for name in np.unique(self.sets)
            for label in np.unique(classes)
        ]
        return self[np.sort(np.concatenate(kept))]

    def crops(self) -> npt.NDArray[np.uint8]:
        """uint8 (n, height, width): without the margin, as a model sees them."""
        inner = slice(self.margin, -self.margin or None)
        return self.images[:, inner, inner]


def load_pool(data: Path, region: RegionName, splits: Iterable[Split]) -> Pool:
    """Read some parts of a data set, in the manifest's order.

    Raises:
        DatasetError: as `emotion.models.data.stored.load_region`, or there are no whole faces.
    """
    parts = tuple(splits)
    stored: RegionData = load_region(data, "lips" if region == "face" else region, parts)
    sources = tuple(str(row["source"]) for row in read_manifest(data) if row["split"] in parts)
    images, margin = stored.images, stored.margin
    if region == "face":
        faces = face_crops.load_faces(data)
        images, margin = faces.images[faces.rows(sources)], face_crops.MARGIN
    return Pool(
        images=images,
        labels=stored.labels,
        targets=stored.targets,
        teacher_predictions=stored.targets,
        blendshapes=stored.blendshapes,
        sets=np.array(stored.sources),
        groups=stored.groups,
        sources=sources,
        margin=margin,
    )


def write_teacher_predictions(path: Path, sources: Iterable[str], logits: npt.NDArray[np.float32]) -> None:
    """Keep a teacher's predictions for faces by their sources: Parquet, its logits (n, 6) as float16."""
    columns = {name: logits[:, i].astype(np.float16) for i, name in enumerate(EMOTIONS)}
    table = pa.table({"source": pa.array(sources, pa.string())} | columns).sort_by("source")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path) as made, open(made, "wb") as file:
        pq.write_table(table, file, compression="zstd", compression_level=19)


def with_teacher_predictions(pool: Pool, path: Path, temperature: float = 1.0) -> Pool:
    """The pool with a teacher's predictions; faces without any keep their targets.

    Args:
        pool: faces.
        path: written by `write_teacher_predictions`.
        temperature: by which the logits are divided (Hinton et al. 2015).

    Raises:
        DatasetError: `path` is not such a file, or has none of the faces.
    """
    try:
        with open(path, "rb") as file:
            table = pq.read_table(file)
        logits = np.stack([table[name].to_numpy() for name in EMOTIONS], axis=1).astype(np.float32)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DatasetError(f"{path} holds no teacher's predictions: {error}") from error
    places = {source: place for place, source in enumerate(table["source"].to_pylist())}
    rows = np.array([places.get(source, -1) for source in pool.sources])
    if len(rows) and rows.max() < 0:
        raise DatasetError(f"{path} knows none of these faces: it is of other sets.")
    shares = softmax(logits[rows] / temperature)
    teacher_predictions = np.where(rows[:, None] >= 0, shares, pool.targets)
    return replace(pool, teacher_predictions=teacher_predictions.astype(np.float32))


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities, float32 (n, 6), of logits."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
