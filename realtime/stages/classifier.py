"""[FaceFrame] -> [PredictionFrame]: each region's model on all faces of the frames that wait."""

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
        """What the model says, in order."""
        ...


class EmotionClassifier:
    """The stage that asks the models: a run each a batch, whatever the number of frames and faces.

    It has no state, so several of them may share the work of the stage, and the models too.
    Beside what the models say it tells how likely something hides each region.

    Args:
        models: one a region.
        batch: the most frames taken at once.
        full: wait until there are so many, which is faster for a file and late for a live picture.
        schema: which regions and classes these are.

    Raises:
        ModelFileError: the numbers that tell hidden regions are missing or damaged.
    """

    name = "classify"

    def __init__(
        self, models: Sequence[Model], batch: int = 8, full: bool = False, schema: Schema = SHIPPED
    ) -> None:
        self._models = models
        self._schema = schema
        visibility.nets_for(schema.regions)  # before the first picture, where the file is missing
        self.batch = batch
        self.full = full

    def process(self, items: Sequence[FaceFrame]) -> Iterable[PredictionFrame]:
        """The frames with what each model says of their faces, in order."""
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
    """Compute what was left for later, here, where several threads work side by side.

    Whatever that raises names its frame, and not all that are taken at once.
    """
    with noting(lambda: f"looking at the faces{at([item])}"):
        for face in item.faces:
            _ = face.blendshapes, face.crops[:]


def _slices(frames: Sequence[FaceFrame]) -> Iterator[slice]:
    """Where each frame's faces stand among all faces of the batch."""
    ends = accumulate((len(frame.faces) for frame in frames), initial=0)
    return (slice(start, end) for start, end in pairwise(ends))
