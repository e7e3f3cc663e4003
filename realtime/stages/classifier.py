"""[FaceFrame] -> [PredictionFrame]: runs each region's model on all faces of a batch of frames."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Protocol

import numpy as np

from emotion.models.faces import visibility
from emotion.models.regions import Image
from emotion.models.schema import SHIPPED, Schema
from emotion.realtime.messages import FaceFrame, PredictionFrame, Probabilities
from emotion.realtime.pipeline.notes import at, noting


class Model(Protocol):
    """Crops in, uint8 (height, width) each; probabilities out, float32 (n, classes)."""

    def __call__(self, crops: Sequence[Image], /) -> Probabilities:
        """The predictions, in order."""
        ...


class EmotionClassifier:
    """The stage that runs the models: one run per model and batch, for any number of frames and faces.

    It has no state, so that several workers can share its work, and the models. In addition to the
    predictions it computes the probability that each region is visible.

    Args:
        models: one per region.
        batch: maximum number of frames in a batch.
        full: wait for full batches, which is faster for files, but adds delay to live pictures.
        schema: the regions and classes.

    Raises:
        ModelFileError: the model of hidden regions is missing or damaged.
    """

    name = "classify"

    def __init__(
        self, models: Sequence[Model], batch: int = 8, full: bool = False, schema: Schema = SHIPPED
    ) -> None:
        self._models = models
        self._schema = schema
        visibility.nets_for(schema.regions)  # an error of a missing file is raised before the first picture
        self.batch = batch
        self.full = full

    def process(self, items: Sequence[FaceFrame]) -> Iterable[PredictionFrame]:
        """The frames with the predictions for their faces, in order."""
        for item in items:
            _look(item)
        faces = [face for item in items for face in item.faces]
        crops = [[face.crops[index].image for face in faces] for index in range(len(self._models))]
        predictions = np.array([model(part) for model, part in zip(self._models, crops, strict=True)])
        free = visibility.free_of(self._schema.regions, crops)
        for item, rows in zip(items, _slices(items), strict=True):
            said = predictions[:, rows], free[rows]
            yield PredictionFrame(item.frame, item.faces, *said, self._schema, item.left_out)

    def close(self) -> None:
        """Nothing to free: the models may be shared."""


def _look(item: FaceFrame) -> None:
    """Compute lazy values here, in several parallel threads.

    An error names its frame, not all frames of the batch.
    """
    with noting(lambda: f"classifying the faces{at([item])}"):
        for face in item.faces:
            _ = face.blendshapes, face.crops[:]


def _slices(frames: Sequence[FaceFrame]) -> Iterator[slice]:
    """The slice of each frame's faces among all faces of the batch."""
    ends = accumulate((len(frame.faces) for frame in frames), initial=0)
    return (slice(start, end) for start, end in pairwise(ends))
