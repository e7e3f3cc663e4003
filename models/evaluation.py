"""How often the models are right: the ONNX files as they run, on labelled faces.

Two kinds of input: a data set made by `models.dataset` (its crops, one part of it), or any folder
of labelled whole photographs, which go the same road as a video's frames: landmarks, crops, models,
vote.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from models.calibration import expected_calibration_error
from models.dataset import Split, find_photographs, load_region
from models.emotions import EMOTIONS
from models.errors import DatasetError
from models.inference import RegionModel
from models.landmarks import FaceLandmarker, find_portrait
from models.pictures import read_bgr
from models.plots import save_confusion_matrix
from models.regions import EYES, LIPS, crop
from models.vote import VoteWeights

_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What both models say of labelled faces.

    Attributes:
        labels: int64 (n,), the truth.
        eyes, lips: float32 (n, 6), probabilities.
        missing: labelled photographs in which no face was found; they are in no row.
    """

    labels: npt.NDArray[np.int64]
    eyes: npt.NDArray[np.float32]
    lips: npt.NDArray[np.float32]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Scores:
    """How one opinion compares with the labels. Rates are in [0, 1], lists in class order.

    Attributes:
        faces: how many were judged.
        accuracy: share of right answers.
        balanced_accuracy: mean recall of the emotions that occur.
        expected_calibration_error: mean distance of confidence and accuracy over 15 equal bins of
            confidence, weighted by the faces in them (Guo et al. 2017).
        recall, precision, f1: by emotion.
        confusion: counts; rows are the truth, columns the answer.
    """

    faces: int
    accuracy: float
    balanced_accuracy: float
    expected_calibration_error: float
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    f1: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]


def predict_dataset(folder: Path, split: Split, eyes: RegionModel, lips: RegionModel) -> Predictions:
    """Both models on one part of a data set."""
    eyes_data = load_region(folder, "eyes", (split,))
    lips_data = load_region(folder, "lips", (split,))
    return Predictions(
        eyes_data.labels, _in_batches(eyes, eyes_data.crops()), _in_batches(lips, lips_data.crops())
    )


def predict_photographs(
    root: Path,
    eyes: RegionModel,
    lips: RegionModel,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predictions:
    """Both models on a folder of labelled whole photographs, a folder per emotion.

    Where the root has a ``test`` folder, only that part is judged.

    Raises:
        DatasetError: there is no labelled photograph with a face.
    """
    photographs = list(find_photographs(root))
    held_out = [photograph for photograph in photographs if photograph.split == "test"]
    photographs = held_out or photographs
    labels, crops = [], []
    with FaceLandmarker() as landmarker:
        for done, photograph in enumerate(photographs, start=1):
            image = read_bgr(photograph.path)
            face = None if image is None else find_portrait(landmarker, image)
            if image is not None and face is not None:
                crops.append([crop(image, face.points, region).image for region in (EYES, LIPS)])
                labels.append(EMOTIONS.index(photograph.label))
            progress(done, len(photographs))
    if not labels:
        raise DatasetError(f"Not one face was found in the {len(photographs)} photographs of {root}.")
    both = [np.stack(images) for images in zip(*crops, strict=True)]
    return Predictions(
        np.array(labels, dtype=np.int64),
        _in_batches(eyes, both[0]),
        _in_batches(lips, both[1]),
        missing=len(photographs) - len(labels),
    )


def score(labels: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> Scores:
    """Compare probabilities, float32 (n, 6), with labels, int64 (n,)."""
    answers = probabilities.argmax(axis=1)
    classes = range(len(EMOTIONS))
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, answers, labels=classes, zero_division=0
    )
    present = np.unique(labels)
    matrix = confusion_matrix(labels, answers, labels=classes)
    return Scores(
        faces=len(labels),
        accuracy=float((answers == labels).mean()),
        balanced_accuracy=float(recall[present].mean()),
        expected_calibration_error=expected_calibration_error(labels, probabilities),
        recall=tuple(recall.tolist()),
        precision=tuple(precision.tolist()),
        f1=tuple(f1.tolist()),
        confusion=tuple(map(tuple, matrix.tolist())),
    )


def evaluate(predictions: Predictions, weights: VoteWeights) -> dict[str, Scores]:
    """Scores of each model, of the equal vote, and of the vote with the given weights."""
    eyes, lips = predictions.eyes, predictions.lips
    opinions = {
        "eyes": eyes,
        "lips": lips,
        "equal vote": VoteWeights.equal().vote(eyes, lips),
        "vote": weights.vote(eyes, lips),
    }
    return {name: score(predictions.labels, opinion) for name, opinion in opinions.items()}


def report(scores: dict[str, Scores], predictions: Predictions, about: dict[str, Any]) -> dict[str, Any]:
    """Everything that was found, ready for JSON."""
    return about | {
        "classes": list(EMOTIONS),
        "faces": len(predictions.labels),
        "photographs_without_a_face": predictions.missing,
        "scores": {name: asdict(values) for name, values in scores.items()},
    }


def save_report(path: Path, values: dict[str, Any]) -> None:
    """Write a report as JSON, and its confusion matrices as PNG files beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for name, scores in values["scores"].items():
        picture = path.with_name(f"{path.stem}-{name.replace(' ', '-')}.png")
        title = f"{name}: {100 * scores['accuracy']:.1f}% of {scores['faces']} faces right"
        save_confusion_matrix(picture, np.array(scores["confusion"]), EMOTIONS, title)


def _in_batches(model: RegionModel, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    parts = [model(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH)]
    return np.concatenate(parts) if parts else model(crops)
