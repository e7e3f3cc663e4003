"""Predictions of trained networks, as targets for others."""

import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from emotion.models.data.stored import RegionData
from emotion.models.errors import DatasetError, ModelFileError
from emotion.models.training import networks
from emotion.models.training.inputs import load_view
from emotion.models.training.trainer import left_out, whole_batches

_BATCH = 128


def predictions_of_runs(runs: Sequence[Path], data: Path) -> npt.NDArray[np.float32]:
    """The mean predictions of finished runs for the training part, float32 (n, 6), in the manifest's order.

    A network memorises its training faces, wrong labels included. So a run that
    left a fold out predicts only that fold; runs of all folds together predict every face out of fold.

    Raises:
        ModelFileError: a run is not finished, or not one of this program.
        DatasetError: the runs leave out some faces between them, and others not.
    """
    parts = []
    for run in runs:
        try:
            options = json.loads((run / "run.json").read_text(encoding="utf-8"))["options"]
            network = keras.saving.load_model(run / "model.keras", compile=False)
            view, fold = options["view"], tuple(options["fold"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelFileError(f"{run} is not a finished run of 'emotion train': {error}") from error
        faces = load_view(data, view, ("train",))
        rows = np.flatnonzero(left_out(faces.groups, fold)) if fold[1] > 1 else np.arange(len(faces))
        parts.append(np.zeros((len(faces), faces.targets.shape[1]), np.float32))
        parts[-1][rows] = probabilities(network, faces[rows])
    predictions = np.sum(parts, axis=0)
    asked = predictions.sum(axis=1, keepdims=True)
    if np.min(asked) < 0.5:
        raise DatasetError("These runs' folds do not cover all faces: name a run for each fold.")
    return np.asarray(predictions / asked, dtype=np.float32)


def probabilities(network: keras.Model, faces: RegionData) -> npt.NDArray[np.float32]:
    """Probabilities of a trained network, mean over each face and its mirror image; float32 (n, 6)."""
    crops = faces.crops()
    views = [
        np.concatenate(
            [
                np.asarray(
                    keras.ops.softmax(network.predict_on_batch(chunk[..., None])[networks.EMOTION_HEAD])
                )
                for chunk in whole_batches(view, _BATCH)
            ]
        )[: len(crops)]
        for view in (crops, crops[:, :, ::-1])
    ]
    return np.asarray((views[0] + views[1]) / 2, dtype=np.float32)
