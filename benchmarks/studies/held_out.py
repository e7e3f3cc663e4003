"""The held-out faces of a data set, and the predictions of a folder's models, for other studies."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotion.models.data.label_folders import Split
from emotion.models.evaluation.evaluate import cast_vote
from emotion.models.evaluation.predictions import faces_of_dataset, load_regions, predict
from emotion.models.manifest import schema_of
from emotion.models.regions import EYES
from emotion.models.voting.vote import VoteWeights

# Gray levels up to this one are black: outside of the face.
_BLACK = 4


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Faces that no model was trained on, and the predictions.

    Attributes:
        labels: int64 (n,), emotions by index.
        sets: str (n,), the set that each comes from.
        groups: int64 (n,); near duplicates share a number.
        eye_distance: float32 (n,), pixels between the outer eye corners in the photograph.
        alignment_error: float32 (n,), how far the head is turned aside, in canvas points.
        light: float32 (n,), the mean gray level of the eyes' crop.
        predictions: float32 (k, n, classes), of the regions and, where they count, the blendshapes.
        vote: float32 (n, classes), as the program shows it.
    """

    labels: npt.NDArray[np.int64]
    sets: npt.NDArray[np.str_]
    groups: npt.NDArray[np.int64]
    eye_distance: npt.NDArray[np.float32]
    alignment_error: npt.NDArray[np.float32]
    light: npt.NDArray[np.float32]
    predictions: npt.NDArray[np.float32]
    vote: npt.NDArray[np.float32]


def predict_held_out(
    data: Path, folder: Path, regions: tuple[str, ...] = (), part: Split = "validation"
) -> HeldOut:
    """Run a folder's models on one part of a data set.

    Args:
        data: of the data set.
        folder: of the models.
        regions: which of them; none: those that vote by default. The eyes are among them.
        part: of the data set.

    Raises:
        DatasetError, ModelFileError: the data set or a model is missing or damaged.
    """
    models = load_regions(folder, "fp32", regions)
    faces = faces_of_dataset(data, part, schema_of(model.manifest for model in models).regions)
    found = predict(faces, models)
    weights = VoteWeights.read(folder, faces.schema.regions.names)
    predictions = found.predictions
    if weights.third is not None:
        predictions = np.concatenate([predictions, weights.third(faces.blendshapes)[None]])
    return HeldOut(
        labels=faces.labels,
        sets=np.array([source.split("/")[0] for source in faces.sources]),
        groups=faces.groups,
        eye_distance=faces.eye_distance,
        alignment_error=faces.alignment_error,
        light=light_of(faces.crops[faces.schema.regions.names.index(EYES.name)]),
        predictions=predictions,
        vote=cast_vote(found, weights),
    )


def light_of(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The mean gray level of crops (n, height, width) where they are not black, float32 (n,)."""
    seen = crops > _BLACK
    return np.asarray(
        (crops * seen).sum(axis=(1, 2)) / np.maximum(seen.sum(axis=(1, 2)), 1), dtype=np.float32
    )
