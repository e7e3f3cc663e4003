"""[FaceFrame] -> [PredictionFrame]: both models on all faces of the frames that wait."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np

from emotion.models.engines.session import RegionModel
from emotion.models.faces import visibility
from emotion.models.regions import REGIONS
from emotion.realtime.messages import FaceFrame, PredictionFrame


class EmotionClassifier:
    """The stage that asks the models: two runs a batch, whatever the number of frames and faces.

    It has no state, so several of them may share the work of the stage, and the models too.
    Beside the models' opinions it says how likely something hides each region.

    Args:
        eyes, lips: the models.
        batch: the most frames taken at once.
        full: wait until there are so many, which is faster for a file and late for a live picture.

    Raises:
        ModelFileError: the numbers that tell hidden regions are missing or damaged.
    """

    name = "classify"

    def __init__(self, eyes: RegionModel, lips: RegionModel, batch: int = 8, full: bool = False) -> None:
        self._eyes = eyes
        self._lips = lips
        self._free = visibility.read()
        self.batch = batch
        self.full = full

    def process(self, items: Sequence[FaceFrame]) -> Iterable[PredictionFrame]:
        """The frames with what each model says of their faces, in order."""
        faces = [face for item in items for face in item.faces]
        crops = [face.eyes.image for face in faces], [face.lips.image for face in faces]
        eyes, lips = self._eyes(crops[0]), self._lips(crops[1])
        free = np.stack([self._free[region](part) for region, part in zip(REGIONS, crops, strict=True)], 1)
        for item, rows in zip(items, _slices(items), strict=True):
            yield PredictionFrame(item.frame, item.faces, eyes[rows], lips[rows], free[rows])

    def close(self) -> None:
        """Nothing to free: the models may be shared."""


def _slices(frames: Sequence[FaceFrame]) -> Iterator[slice]:
    """Where each frame's faces stand among all faces of the batch."""
    ends = accumulate((len(frame.faces) for frame in frames), initial=0)
    return (slice(start, end) for start, end in pairwise(ends))
