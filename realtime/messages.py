"""The messages of the pipeline: VideoFrame -> FaceFrame -> PredictionFrame -> EmotionFrame.

All are immutable and compare by identity. Frames without faces pass through as well, so that the results
have all frames of the source, in the same order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor, inf
from typing import Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.classes import SIX, UNCERTAIN, Classes
from emotion.models.faces.picture import Blendshapes
from emotion.models.faces.planar import PlanarImage
from emotion.models.lazy import Lazy, value_of
from emotion.models.regions import Crop, Image, Points, extent
from emotion.models.schema import SHIPPED, Schema

Probabilities: TypeAlias = npt.NDArray[np.float32]
Planes: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
"""Y, uint8 (h, w), in [16, 235]; U and V, uint8 (h / 2, w / 2), in [16, 240]; read-only."""
Parts: TypeAlias = Sequence[tuple[int, int, int, int]]
"""Rectangles of a picture as left, top, right and bottom in whole pixels; the last two are outside."""


class Decoded(Protocol):
    """A picture in its decoder's format, which takes half the memory of an image; converted on request.

    Its methods may be called from any thread, and always give the same result.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, 3) of its images, upright and with square pixels."""

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""

    @property
    def planes(self) -> Planes | None:
        """Its own pixels, if they have the same positions as in the image; else None."""

    @property
    def to_rgb(self) -> npt.NDArray[np.float32]:
        """What makes red, green and blue of `planes` and 1: float32 (3, 4)."""

    def image(self, parts: Parts | None = None) -> Image:
        """The image, uint8 (height, width, 3), BGR. Outside of `parts`, if given, it is undefined."""

    def rgb(self, parts: Parts | None = None) -> Image:
        """The same as RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One decoded picture.

    Attributes:
        index: position in the stream, from 0.
        pts: presentation timestamp in units of `time_base`, exactly as in the source.
        time_base: seconds per unit of `pts`.
        captured_at: `time.monotonic()` when the picture was decoded.
        picture: an image, uint8 (height, width, 3), BGR: a read-only view of the array that was given, which
            must not change before the results are there. For files the decoder's picture: it takes less
            memory, and is converted to an image only where one is needed.
    """

    index: int
    pts: int
    time_base: Fraction
    captured_at: float
    picture: Image | Decoded

    def __post_init__(self) -> None:
        if not isinstance(self.picture, np.ndarray):
            return
        if self.picture.dtype != np.uint8 or self.picture.ndim != 3 or self.picture.shape[2] != 3:
            raise ValueError(f"a frame is uint8 (h, w, 3), not {self.picture.dtype} {self.picture.shape}")
        # The array itself stays writable for its owner.
        object.__setattr__(self, "picture", _read_only(self.picture))

    @property
    def image(self) -> Image:
        """uint8 (height, width, 3), BGR, read-only; of a decoder's picture a new array at each call."""
        return self.picture if isinstance(self.picture, np.ndarray) else _read_only(self.picture.image())

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, 3) of its image, without making the image."""
        height, width, channels = self.picture.shape
        return height, width, channels

    @property
    def nbytes(self) -> int:
        """The memory that its picture takes, in bytes."""
        return self.picture.nbytes

    @property
    def planes(self) -> Planes | None:
        """See `Decoded.planes`; None for an image."""
        return None if isinstance(self.picture, np.ndarray) else self.picture.planes

    @property
    def planar(self) -> PlanarImage | None:
        """Its own pixels, from which small squares are cut without an image; None where `planes` are."""
        if isinstance(self.picture, np.ndarray) or (planes := self.picture.planes) is None:
            return None
        return PlanarImage(*planes, self.picture.to_rgb)

    @property
    def seconds(self) -> float:
        """The presentation time in seconds."""
        # The same as Fraction arithmetic, in a tenth of the time.
        return self.pts * self.time_base.numerator / self.time_base.denominator

    def rgb(self, parts: Parts | None = None) -> Image:
        """The image as RGB, a new array at each call; `parts` as in `canvas`."""
        if isinstance(self.picture, np.ndarray):
            return np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_BGR2RGB), np.uint8)
        return self.picture.rgb(parts)

    def canvas(self, parts: Parts | None = None) -> Image:
        """A new array with the image, to draw on.

        Args:
            parts: the image is undefined outside of these, if they are given; that saves time.
        """
        return self.picture.copy() if isinstance(self.picture, np.ndarray) else self.picture.image(parts)

    def image_at(self, boxes: Sequence["Box"], margin: float = 0.0) -> Image:
        """The image, uint8 (height, width, 3), BGR, read-only; undefined outside of some boxes, to save time.

        Args:
            boxes: in pixels.
            margin: around each, in shares of its longer side.
        """
        if isinstance(self.picture, np.ndarray):
            return self.picture
        height, width = self.shape[:2]
        parts = (box.inside(width, height, margin) for box in boxes)
        return _read_only(self.picture.image([part for part in parts if part]))

    def with_image(self, image: Image) -> "VideoFrame":
        """The same with another image."""
        return replace(self, picture=image)

    def without_picture(self) -> "VideoFrame":
        """The same frame with only the size of its picture, see `no_picture`."""
        return replace(self, picture=no_picture(*self.shape[:2]))

    @property
    def has_picture(self) -> bool:
        """Whether more than the size of its picture is known, see `no_picture`."""
        return not isinstance(self.picture, np.ndarray) or any(self.picture.strides)

    def __reduce__(self) -> tuple[Callable[..., "VideoFrame"], tuple[object, ...]]:
        # A decoder's picture cannot be pickled.
        image = self.image if self.has_picture else self.shape
        return _received, (self.index, self.pts, self.time_base, self.captured_at, image)

    def __repr__(self) -> str:
        height, width = self.shape[:2]
        return f"VideoFrame({self.index}, {self.seconds:.3f} s, {width}x{height})"


def _received(
    index: int, pts: int, time_base: Fraction, captured_at: float, image: Image | tuple[int, ...]
) -> VideoFrame:
    """A frame that another process has sent, see `VideoFrame.__reduce__`."""
    whole = no_picture(*image[:2]) if isinstance(image, tuple) else image
    return VideoFrame(index, pts, time_base, captured_at, whole)


def no_picture(height: int, width: int) -> Image:
    """A black image that takes no memory, in place of a picture of which only the size is known."""
    image: Image = np.broadcast_to(np.uint8(0), (height, width, 3))
    return image


class Drawn(np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]):
    """A frame's image with something drawn on it, which knows where: an array like any other.

    Attributes:
        parts: rectangles, as left, top, right and bottom in whole pixels inside the picture. Outside of them
            it is the frame's own image. A copy or a part of it has none, and is a plain picture.
        picture: that of the frame that was drawn on. If faces are hidden it is not the source's own, of which
            nothing may be shown then.
    """

    parts: Parts | None = None
    picture: Image | Decoded | None = None

    @classmethod
    def on(
        cls,
        canvas: Image,
        parts: Parts,
        picture: Image | Decoded | None = None,
    ) -> "Drawn":
        """The same pixels, drawn on in these parts."""
        drawn = canvas.view(cls)
        drawn.parts, drawn.picture = tuple(parts), picture
        return drawn


def _read_only(image: Image) -> Image:
    view = image.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Box:
    """A face's upright rectangle in pixels; it may reach beyond the picture."""

    left: float
    top: float
    width: float
    height: float

    def inside(self, width: int, height: int, margin: float = 0.0) -> tuple[int, int, int, int] | None:
        """The pixels of a picture that it covers, as of `Parts`; None where there are none.

        Args:
            width, height: of the picture, in pixels.
            margin: more on every side, in shares of its longer side.
        """
        away = margin * max(self.width, self.height)
        edges = (
            self.left - away,
            self.top - away,
            self.left + self.width + away,
            self.top + self.height + away,
        )
        if not np.isfinite(edges).all():
            return None
        left, top = (max(0, floor(edge)) for edge in edges[:2])
        right, bottom = (min(most, ceil(edge)) for edge, most in zip(edges[2:], (width, height), strict=True))
        return (left, top, right, bottom) if left < right and top < bottom else None

    @classmethod
    def around(cls, points: Points) -> "Box":
        """The smallest box around landmarks, float32 (n, 2)."""
        left, top, right, bottom = extent(points)
        return cls(float(left), float(top), float(right - left), float(bottom - top))


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face detected in one frame, with the inputs of the models.

    Attributes:
        box: around all landmarks.
        points: float32 (478, 2), MediaPipe's landmarks in pixels.
        crops: an aligned crop of each region, in the order of the models; for a video they are cut on
            first use, by one thread.
        shapes: its blendshapes, or a lazy value, as in `Landmarks`; None if they were not requested.
        turn: its rotation in the picture, clockwise, in degrees from -180 to 180; 0 is upright.
        readable: whether points, crops and blendshapes are valid; those of an upside-down face
            in a picture of upright ones are not.
        matrix: float32 (4, 4), from MediaPipe's canonical face to the camera's space; None if it was
            not requested.
    """

    box: Box
    points: Points
    crops: Sequence[Crop]
    shapes: Blendshapes | Lazy[Blendshapes] | None = None
    turn: float = 0.0
    readable: bool = True
    matrix: npt.NDArray[np.float32] | None = None

    @property
    def blendshapes(self) -> Blendshapes | None:
        """float32 (52,) in [0, 1], computed on first use, or None if they were not requested."""
        return value_of(self.shapes)


@dataclass(frozen=True, slots=True, eq=False)
class FaceFrame:
    """A frame and its faces; an empty tuple if there are none.

    `left_out` is the number of faces beyond the maximum; they are counted at intervals.
    """

    frame: VideoFrame
    faces: tuple[Face, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PredictionFrame:
    """A frame, its faces, and the predictions of each region's model for them.

    Attributes:
        frame, faces: as in `FaceFrame`.
        predictions: float32 (regions, n, classes), a row per face; that of a hidden region may be
            anything.
        free: float32 (n, regions), the probability that nothing covers each region; by default ones.
        schema: the regions and classes.
        left_out: as in `FaceFrame`.
    """

    frame: VideoFrame
    faces: tuple[Face, ...]
    predictions: Probabilities
    free: npt.NDArray[np.float32] = field(default_factory=lambda: np.ones((0, 0), np.float32))
    schema: Schema = SHIPPED
    left_out: int = 0

    def __post_init__(self) -> None:
        count, regions = len(self.faces), len(self.schema.regions)
        if not self.free.size:
            object.__setattr__(self, "free", np.ones((count, regions), np.float32))
        shapes = {"predictions": (regions, count, len(self.schema.classes)), "free": (count, regions)}
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value.shape != shape or value.dtype != np.float32:
                raise ValueError(f"{name} is float32 {shape}, not {value.dtype} {value.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class FaceEmotion:
    """The result of one face in one frame.

    All probabilities are float32 (classes,).

    Attributes:
        track_id: the same number for the same person from frame to frame, from 1.
        box: as in `Face`.
        regions: by region, in the order of the models, its prediction, smoothed over time like the vote,
            so that they agree; None if the region is hidden.
        probabilities_frame: this frame's vote alone, of the visible regions; None if all are hidden.
        probabilities: the votes, smoothed over time in its track, which are shown and determine the label;
            None if unknown: there was no vote yet, or none for a second.
        blendshapes: their prediction, smoothed in the same way, if the rule of the vote uses it; else None.
        label: a class or `UNCERTAIN`, as shown; it does not flicker. By default `emotion`, or
            `UNCERTAIN` if unknown.
        since: the time in the stream, in seconds, since which the label holds.
        points: as in `Face`; None if unknown, as in results read from a file.
        seen: by region, its visibility, in [0, 1], which is the weight of its vote. By default 1, and 0
            for a region without a prediction.
        classes: of the probabilities.
        age: seconds since the last vote of the face, in a file also until the next one: the age of
            the probabilities. Infinite if unknown.
        predictions_frame: by region, and as ``blendshapes``, the predictions for this frame alone, without
            smoothing; a region that is not visible is left out.
        turn: as in `Face`.
        shapes: float32 (52,), MediaPipe's blendshapes themselves; None if unknown.
        matrix: as in `Face`.
        details: the additional columns; see `stages.details`.
    """

    track_id: int
    box: Box
    regions: Mapping[str, Probabilities | None]
    probabilities_frame: Probabilities | None
    probabilities: Probabilities | None
    blendshapes: Probabilities | None = None
    label: str = ""
    since: float = 0.0
    points: Points | None = None
    seen: Mapping[str, float] = field(default_factory=dict)
    classes: Classes = SIX
    age: float = 0.0
    predictions_frame: Mapping[str, Probabilities] = field(default_factory=dict)
    turn: float = 0.0
    shapes: npt.NDArray[np.float32] | None = None
    matrix: npt.NDArray[np.float32] | None = None
    details: Mapping[str, float | str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        said = (*self.regions.values(), self.probabilities_frame, self.probabilities, self.blendshapes)
        said += tuple(self.predictions_frame.values())
        shape = (len(self.classes),)
        for values in said:
            if values is not None and (values.shape != shape or values.dtype != np.float32):
                raise ValueError(
                    f"probabilities are float32 ({len(self.classes)},), not {values.dtype} {values.shape}"
                )
        seen = {
            name: 0.0 if values is None else self.seen.get(name, 1.0) for name, values in self.regions.items()
        }
        object.__setattr__(self, "seen", seen)
        if self.probabilities is None or self.age == inf:
            object.__setattr__(self, "probabilities", None)
            object.__setattr__(self, "age", inf)
        if not self.label:
            object.__setattr__(self, "label", self.emotion or UNCERTAIN)
        if self.label not in self.classes and self.label != UNCERTAIN:
            raise ValueError(f"a label is one of {self.classes} or {UNCERTAIN}, not {self.label!r}")

    @property
    def emotion(self) -> str | None:
        """The class with the largest of `probabilities`; None if unknown."""
        return None if self.probabilities is None else self.classes[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float | None:
        """The probability of `emotion`, in [0, 1]; None if unknown."""
        return None if self.probabilities is None else float(self.probabilities.max())

    @property
    def label_share(self) -> float | None:
        """The probability of `label`, in [0, 1]; None if it is `UNCERTAIN`."""
        if self.label == UNCERTAIN or self.probabilities is None:
            return None
        return float(self.probabilities[self.classes.index(self.label)])

    @property
    def known(self) -> bool:
        """Whether it has probabilities."""
        return self.probabilities is not None

    @property
    def old(self) -> bool:
        """Whether the face is hidden in this frame, with probabilities of an earlier or later one."""
        return self.known and self.probabilities_frame is None

    @property
    def prediction_names(self) -> tuple[str, ...]:
        """The names of the predictions: the regions, and the blendshapes."""
        return (*self.regions, "blendshapes")

    def probabilities_of(self, name: str) -> Probabilities | None:
        """The probabilities of a row of results: a region's, or the field of that name; None if unknown.

        Raises:
            KeyError: there is neither.
        """
        if name in _ROWS:
            values: Probabilities | None = getattr(self, name)
            return values
        return self.regions[name]


_ROWS = frozenset({"blendshapes", "probabilities_frame", "probabilities"})


@dataclass(frozen=True, slots=True, eq=False)
class EmotionFrame:
    """A frame and the results of its faces, in the order of `FaceFrame.faces`.

    `schema` has the classes and regions, also without faces; `left_out` is as in
    `FaceFrame`; `details` are the requested additional columns.
    """

    frame: VideoFrame
    faces: tuple[FaceEmotion, ...]
    schema: Schema = SHIPPED
    left_out: int = 0
    details: tuple[str, ...] = ()
