"""The types that all landmarkers share: the picture to search, and the landmarks of a face."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models import regions
from emotion.models.faces.planar import PlanarImage
from emotion.models.lazy import Lazy, value_of
from emotion.models.regions import Image, Points

Blendshapes: TypeAlias = npt.NDArray[np.float32]
"""float32 (52,) in [0, 1], in the order of `BLENDSHAPES`."""

_NAMES = """
    neutral brow_down_left brow_down_right brow_inner_up brow_outer_up_left brow_outer_up_right
    cheek_puff cheek_squint_left cheek_squint_right eye_blink_left eye_blink_right eye_look_down_left
    eye_look_down_right eye_look_in_left eye_look_in_right eye_look_out_left eye_look_out_right
    eye_look_up_left eye_look_up_right eye_squint_left eye_squint_right eye_wide_left eye_wide_right
    jaw_forward jaw_left jaw_open jaw_right mouth_close mouth_dimple_left mouth_dimple_right
    mouth_frown_left mouth_frown_right mouth_funnel mouth_left mouth_lower_down_left
    mouth_lower_down_right mouth_press_left mouth_press_right mouth_pucker mouth_right mouth_roll_lower
    mouth_roll_upper mouth_shrug_lower mouth_shrug_upper mouth_smile_left mouth_smile_right
    mouth_stretch_left mouth_stretch_right mouth_upper_up_left mouth_upper_up_right nose_sneer_left
    nose_sneer_right
"""
BLENDSHAPES: tuple[str, ...] = tuple(_NAMES.split())
"""MediaPipe's 52 blendshapes, in the order of its net."""


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """One face, as MediaPipe's nets see it.

    Attributes:
        points: float32 (478, 2), pixels of the picture; may lie outside it.
        depth: float32 (478,), same scale as x, smaller is nearer.
        shapes: its blendshapes, or what computes them: a stream's next picture does not wait for that.
        matrix: float32 (4, 4), from MediaPipe's canonical face to the camera's space; None where it was
            not asked for.
    """

    points: Points
    depth: Points
    shapes: Blendshapes | Lazy[Blendshapes]
    matrix: npt.NDArray[np.float32] | None = None

    @property
    def blendshapes(self) -> Blendshapes:
        """See `BLENDSHAPES`; computed on first access."""
        return value_of(self.shapes)

    def turned_over(self, width: int, height: int) -> "Landmarks":
        """The same face in a picture of that size that is turned by 180 degrees."""
        matrix = None if self.matrix is None else leant(self.matrix, 180.0)
        points = np.array([width, height], np.float32) - self.points
        return Landmarks(points, self.depth, self.shapes, matrix)


def leant(matrix: npt.NDArray[np.float32], degrees: float) -> npt.NDArray[np.float32]:
    """A head's pose, float32 (4, 4), in a picture that is turned against the clock."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    turn = np.eye(4, dtype=np.float32)
    turn[:2, :2] = (cosine, -sine), (sine, cosine)
    return np.asarray(turn @ matrix, np.float32)


class Picture:
    """A picture, or a part of one, in which faces are looked for. It can be looked at several times.

    Positions found in a part are in pixels of the whole.

    Attributes:
        rgb: uint8 (height, width, 3), made when it is asked for first.
        width, height: in pixels.
        left, top: where a part begins in the whole.
        native: what MediaPipe makes of it, kept so that it is made once.
    """

    native: Any
    _rgb: Image | None
    _make: Callable[[], Image] | None
    _planar: PlanarImage | None

    def __init__(self, image: Image) -> None:
        """Args: image: uint8 (h, w, 3), BGR."""
        self._hold(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8), 0, 0)

    @classmethod
    def lazy(
        cls, make: Callable[[], Image], width: int, height: int, planar: PlanarImage | None = None
    ) -> "Picture":
        """A picture whose image is made when it is asked for.

        Args:
            make: the image, uint8 (height, width, 3), red first.
            width, height: in pixels.
            planar: the same picture, from which squares are cut so that no image is needed.
        """
        picture = object.__new__(cls)
        picture._begin(width, height, 0, 0)
        picture._make, picture._planar = make, planar
        return picture

    @classmethod
    def of_rgb(cls, rgb: Image) -> "Picture":
        """The same of an image that has red first already, which is kept as it is."""
        picture = object.__new__(cls)
        picture._hold(np.ascontiguousarray(rgb), 0, 0)
        return picture

    @property
    def rgb(self) -> Image:
        """uint8 (height, width, 3)."""
        with self._lock:
            if self._rgb is None:
                assert self._make is not None
                self._rgb = np.ascontiguousarray(self._make())
            return self._rgb

    @property
    def looked_at(self) -> bool:
        """Whether its image is there."""
        return self._rgb is not None

    @property
    def step(self) -> int:
        """One of so many rows and columns is looked at: of a picture that is too long, not all."""
        return -(-max(self.width, self.height) // regions.LONGEST_SIDE)

    def part(self, left: int, top: int, right: int, bottom: int) -> "Picture":
        """A rectangle of this picture, which has to reach into it; what lies outside is cut off."""
        left, top = max(0, left), max(0, top)
        right, bottom = min(right, self.width), min(bottom, self.height)
        part = object.__new__(Picture)
        part._begin(right - left, bottom - top, self.left + left, self.top + top)
        part._make = lambda: self.rgb[top:bottom, left:right]
        part._planar = self._planar.part(left, top, right, bottom) if self._planar else None
        return part

    def turned_over(self) -> "Picture":
        """The same picture or part turned by 180 degrees, as a whole of its own."""
        turned = object.__new__(Picture)
        if self._planar:
            turned._begin(self.width, self.height, 0, 0)
            turned._make, turned._planar = (lambda: _flipped(self.rgb)), self._planar.turned_over()
        else:
            turned._hold(_flipped(self.rgb), 0, 0)
        return turned

    def only(self, left: int, top: int, right: int, bottom: int) -> "Picture":
        """The same picture, black outside a rectangle."""
        left, top, right, bottom = (max(0, edge) for edge in (left, top, right, bottom))
        right, bottom = min(right, self.width), min(bottom, self.height)
        masked = object.__new__(Picture)
        masked._begin(self.width, self.height, self.left, self.top)
        masked._make = lambda: _masked(self.rgb, np.s_[top:bottom, left:right])
        masked._planar = self._planar.only(left, top, right, bottom) if self._planar else None
        return masked

    def cut(self, matrix: npt.NDArray[np.float64], side: int, border: int) -> Image:
        """A square of it, with bilinear interpolation as in MediaPipe; see `PlanarImage.cut`."""
        step = self.step
        if self._planar and step == 1:
            return self._planar.cut(matrix, side, border)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        shown = self.rgb[::step, ::step]
        return np.asarray(
            cv2.warpAffine(shown, matrix / step, (side, side), flags=flags, borderMode=border), np.uint8
        )

    def _hold(self, rgb: Image, left: int, top: int) -> None:
        self._begin(rgb.shape[1], rgb.shape[0], left, top)
        self._rgb = rgb

    def _begin(self, width: int, height: int, left: int, top: int) -> None:
        self.width, self.height = width, height
        self.left, self.top = left, top
        self.native = self._rgb = self._make = self._planar = None
        # Several threads may look at parts of a picture.
        self._lock = threading.Lock()


def _flipped(rgb: Image) -> Image:
    # The same as of both axes backwards, which numpy copies twenty times as slowly.
    return np.asarray(cv2.flip(rgb, -1), dtype=np.uint8)


def _masked(rgb: Image, shown: tuple[slice, slice]) -> Image:
    masked = np.zeros_like(rgb)
    masked[shown] = rgb[shown]
    return masked


class Landmarker(Protocol):
    """What finds faces with their landmarks: MediaPipe, or its nets in ONNX Runtime."""

    def detect(self, image: Picture, seconds: float, /) -> tuple[Landmarks, ...]:
        """The faces in a stream's next picture; time in seconds, which may not go back.

        While there are fewer than it was made for, it searches every picture.
        """

    def close(self) -> None:
        """Free what it holds."""


class BatchLandmarker(Protocol):
    """What finds faces in several pictures at a time.

    Attributes:
        turns: a face is followed from the picture so many pictures before.
    """

    turns: int

    def detect_all(
        self, pictures: Sequence[Picture], seconds: Sequence[float], /
    ) -> list[tuple[Landmarks, ...]]:
        """The faces in each of a stream's next pictures; the first of them has the first turn."""

    def close(self) -> None:
        """Free what it holds."""


class Detector(Protocol):
    """What finds faces without their landmarks."""

    def detect(self, picture: Picture, /) -> npt.NDArray[np.float32]:
        """float32 (n, 4): left, top, right, bottom in pixels, the largest first."""

    def surest(self, picture: Picture, /) -> float:
        """How sure the surest of them is, in [0, 1]; 0 where there is none."""

    def close(self) -> None:
        """Free what it holds."""
