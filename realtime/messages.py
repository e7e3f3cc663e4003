"""The messages of the pipeline: VideoFrame -> FaceFrame -> PredictionFrame -> EmotionFrame.

All are immutable and compare by identity. A frame without faces still travels, so that what comes
out has every frame that went in, in the same order.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.classes import EMOTIONS
from emotion.models.regions import Crop, Image, Points

Probabilities: TypeAlias = npt.NDArray[np.float32]

UNCERTAIN = "uncertain"
"""The label of a face on which no emotion is clear enough to be named."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One decoded picture.

    Attributes:
        index: position in the stream, from 0.
        pts: presentation timestamp in units of `time_base`, exactly as the source had it.
        time_base: seconds a unit of `pts`.
        captured_at: `time.monotonic()` when the picture was decoded.
        image: uint8 (height, width, 3), BGR: a read-only view of what was given. Whoever may still write
            there lets the results come first, or gives a copy.
    """

    index: int
    pts: int
    time_base: Fraction
    captured_at: float
    image: Image

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"a frame is uint8 (h, w, 3), not {self.image.dtype} {self.image.shape}")
        # The array itself stays as its owner has it.
        view = self.image.view()
        view.flags.writeable = False
        object.__setattr__(self, "image", view)

    @property
    def seconds(self) -> float:
        """The presentation time in seconds."""
        return float(self.pts * self.time_base)

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        return f"VideoFrame({self.index}, {self.seconds:.3f} s, {width}x{height})"


@dataclass(frozen=True, slots=True)
class Box:
    """A face's upright rectangle in pixels; it may reach beyond the picture."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def around(cls, points: Points) -> "Box":
        """The smallest box around landmarks, float32 (n, 2)."""
        low, high = points.min(axis=0), points.max(axis=0)
        return cls(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face found in one frame, with what the models will look at.

    Attributes:
        box: around all landmarks.
        points: float32 (478, 2), MediaPipe's landmarks in pixels.
        eyes: aligned crop of the eyes with the brows.
        lips: aligned crop of the mouth with the chin.
        blendshapes: float32 (52,) in [0, 1], or None where nobody looked.
    """

    box: Box
    points: Points
    eyes: Crop
    lips: Crop
    blendshapes: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FaceFrame:
    """A frame and its faces; an empty tuple means that nobody is there."""

    frame: VideoFrame
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PredictionFrame:
    """A frame, its faces, and what each model says of them.

    Attributes:
        frame, faces: as in `FaceFrame`.
        eyes, lips: float32 (n, 6), a row a face; that of a region which is not seen may be anything.
        free: float32 (n, 2), how likely nothing hides the eyes and the lips; by default ones.
    """

    frame: VideoFrame
    faces: tuple[Face, ...]
    eyes: Probabilities
    lips: Probabilities
    free: npt.NDArray[np.float32] = field(default_factory=lambda: np.ones((0, 2), np.float32))

    def __post_init__(self) -> None:
        if not self.free.size:
            object.__setattr__(self, "free", np.ones((len(self.faces), 2), np.float32))
        for name, width in (("eyes", len(EMOTIONS)), ("lips", len(EMOTIONS)), ("free", 2)):
            value, shape = getattr(self, name), (len(self.faces), width)
            if value.shape != shape or value.dtype != np.float32:
                raise ValueError(f"{name} is float32 {shape}, not {value.dtype} {value.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class FaceEmotion:
    """What is thought of one face in one frame.

    Attributes:
        track_id: the same number for the same person from frame to frame, from 1.
        box: as in `Face`.
        eyes, lips: each model's own opinion; None where the region is not seen.
        probabilities: what is shown and decided on: the votes, smoothed over time in its track.
        probabilities_frame: this frame's vote alone, of the regions that are seen; None where neither is.
        blendshapes: the third opinion, where the rule of the vote counts it; else None.
        label: what is shown, an emotion or `UNCERTAIN`; it does not flicker. By default `emotion`.
        since: the time in the stream, in seconds, since which the label holds.
        points: as in `Face`; None where they are not known, as in results read from a file.
        eyes_seen, lips_seen: how surely each region is seen, in [0, 1]: how much its vote counts. By
            default 1, and 0 for a region without an opinion.
    """

    track_id: int
    box: Box
    eyes: Probabilities | None
    lips: Probabilities | None
    probabilities_frame: Probabilities | None
    probabilities: Probabilities
    blendshapes: Probabilities | None = None
    label: str = ""
    since: float = 0.0
    points: Points | None = None
    eyes_seen: float = 1.0
    lips_seen: float = 1.0

    def __post_init__(self) -> None:
        for name in ("eyes", "lips", "probabilities_frame", "probabilities", "blendshapes"):
            value = getattr(self, name)
            if value is not None and (value.shape != (len(EMOTIONS),) or value.dtype != np.float32):
                raise ValueError(f"{name} is float32 ({len(EMOTIONS)},), not {value.dtype} {value.shape}")

        for region in ("eyes", "lips"):
            if getattr(self, region) is None:
                object.__setattr__(self, f"{region}_seen", 0.0)
        if not self.label:
            object.__setattr__(self, "label", self.emotion)
        if self.label not in (*EMOTIONS, UNCERTAIN):
            raise ValueError(f"a label is an emotion or {UNCERTAIN!r}, not {self.label!r}")

    @property
    def emotion(self) -> str:
        """The emotion with the largest of `probabilities`."""
        return EMOTIONS[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """The share of `emotion` in `probabilities`, in [0, 1]."""
        return float(self.probabilities.max())

    @property
    def label_share(self) -> float | None:
        """The share of `label` in `probabilities`, in [0, 1]; None where that is `UNCERTAIN`."""
        return None if self.label == UNCERTAIN else float(self.probabilities[EMOTIONS.index(self.label)])


@dataclass(frozen=True, slots=True, eq=False)
class EmotionFrame:
    """A frame and what is thought of each of its faces, in the order of `FaceFrame.faces`."""

    frame: VideoFrame
    faces: tuple[FaceEmotion, ...]
