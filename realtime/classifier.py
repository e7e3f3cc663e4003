"""[FaceFrame] -> [EmotionFrame]: both models on all faces of the frames that wait."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from models.inference import RegionModel
from realtime.ensemble import Ensemble
from realtime.frames import EmotionFrame, FaceFrame


class EmotionClassifier:
    """The stage that asks the models: two runs a batch, whatever the number of frames and faces.

    Args:
        eyes, lips: the models.
        ensemble: the vote and its smoothing; belongs to this stream alone.
        batch: the most frames taken at once.
    """

    name = "classify"

    def __init__(self, eyes: RegionModel, lips: RegionModel, ensemble: Ensemble, batch: int = 8) -> None:
        self._eyes = eyes
        self._lips = lips
        self._ensemble = ensemble
        self.batch = batch

    def process(self, items: Sequence[FaceFrame]) -> Iterable[EmotionFrame]:
        """The frames with what is thought of their faces, in order."""
        faces = [face for frame in items for face in frame.faces]
        eyes = self._eyes([face.eyes.image for face in faces])
        lips = self._lips([face.lips.image for face in faces])
        for frame, rows in zip(items, _slices(items), strict=True):
            yield self._ensemble.decide(frame, eyes[rows], lips[rows])

    def close(self) -> None:
        """Nothing to free: the models may be shared."""


def _slices(frames: Sequence[FaceFrame]) -> Iterator[slice]:
    """Where each frame's faces stand among all faces of the batch."""
    ends = accumulate((len(frame.faces) for frame in frames), initial=0)
    return (slice(start, end) for start, end in pairwise(ends))
