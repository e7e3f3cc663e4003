"""Landmarks to aligned crops of a face's regions: the eyes, the lips, the face, or those of other models.

This is the only cropping code: `emotion.models.data.dataset` uses it to make training data and
`emotion.realtime.stages.faces` to feed the models, so both see the same picture.

A similarity transform (rotation, uniform scale, translation) takes eye corners, nose bridge and
the base of the nose to fixed positions on a canvas 128 points wide and 160 high. Because it does not
stretch, an open mouth still looks open, unlike in a bounding box resized to the input.
Everything outside the face oval is painted black: it carries no expression.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
Points: TypeAlias = npt.NDArray[np.float32]

# What else a face has in results; see `realtime.sinks.columns`.
_RESERVED = frozenset(
    {"blendshapes", "box", "confidence", "emotion", "label", "probabilities", "since", "track_id", "vote"}
)
_NAME = re.compile(r"[a-z][a-z0-9]*")

CANVAS = (128, 160)
"""Its width and height in points."""
# Indices into MediaPipe's 478 face landmarks (canonical face model), and their canvas places:
# the outer and inner corners of both eyes, the nose bridge, the base of the nose.
ANCHORS = np.array([33, 133, 362, 263, 168, 2])
ANCHOR_PLACES = np.array([(24, 52), (50, 53), (78, 53), (104, 52), (64, 46), (64, 90)], dtype=np.float64)
# The same as complex numbers.
_COMPLEX = np.array([1, 1j])
_PLACES = ANCHOR_PLACES @ _COMPLEX
_MIDDLE = _PLACES.mean()

# MediaPipe's FACE_OVAL contour, in drawing order.
# fmt: off
FACE_OVAL = np.array([
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
])
# fmt: on

OUTLINE = np.concatenate([ANCHORS, FACE_OVAL])
"""The landmarks needed to align and cut out a face: enough to cut other crops of it later."""

LONGEST_SIDE = 32_766
"""Pixels of the longest side that OpenCV samples."""
# Sampling a picture more coarsely than this many source pixels a crop pixel would alias.
_MAX_STRIDE = 2.0
_GUARD = 64  # pixels; holds the whole oval of a face that fits its places


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the canvas and the size in pixels at which a model takes it.

    Attributes:
        name: in lower case, letters and digits.
        left, top, width, height: canvas points.
        pixels_per_point: of the crop.

    Raises:
        ValueError: the name is reserved in results, or the crop has no pixels.
    """

    name: str
    left: float
    top: float
    width: float
    height: float
    pixels_per_point: float = 0.75

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _RESERVED:
            raise ValueError(f"{self.name!r} is no name for a region")
        if not min(self.size) > 0:
            raise ValueError(f"the region {self.name} has a size of {self.size} pixels")

    def covers(self, other: "Region") -> bool:
        """Whether it shows most of another region: three quarters of its area at least."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(across, 0) * max(down, 0) >= 0.75 * other.width * other.height

    def shows_as(self, other: "Region") -> bool:
        """Whether another one is the same rectangle, in however many pixels."""
        here = (self.left, self.top, self.width, self.height)
        return here == (other.left, other.top, other.width, other.height)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the crop in pixels, without margin."""
        return round(self.height * self.pixels_per_point), round(self.width * self.pixels_per_point)

    def padded_size(self, margin: int) -> tuple[int, int]:
        """(height, width) of the crop in pixels with `margin` pixels more on every side."""
        height, width = self.size
        return height + 2 * margin, width + 2 * margin


EYES = Region("eyes", left=0, top=12, width=128, height=64)
LIPS = Region("lips", left=16, top=86, width=96, height=64)
FACE = Region("face", left=8, top=12, width=112, height=128, pixels_per_point=1.0)
"""The whole face, from the forehead to the chin of an open mouth: (128, 112) pixels."""


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions of a set of models, in the order of their votes; names are unique.

    Raises:
        ValueError: there is none, or two have the same name.
    """

    places: tuple[Region, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", tuple(self.places))
        if not self.places or len(set(self.names)) < len(self.places):
            raise ValueError(f"regions have different names, not {', '.join(self.names) or 'none at all'}")

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(place.name for place in self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Region]:
        return iter(self.places)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Region:
        """The region of a name.

        Raises:
            KeyError: there is none.
        """
        for place in self.places:
            if place.name == name:
                return place
        raise KeyError(name)


RegionName: TypeAlias = Literal["eyes", "lips"]
REGIONS = Regions((EYES, LIPS))
"""The regions of every data set, and the default of model folders."""
KNOWN = Regions((EYES, LIPS, FACE))
"""The regions that are known by their name, in the order in which they vote."""

_PLACE = re.compile(
    r"(?P<name>[^=]+)=(?P<left>[^,]+),(?P<top>[^,]+),(?P<width>[^,]+),(?P<height>[^,@]+)(?:@(?P<scale>.+))?"
)


def write_region(region: Region) -> str:
    """The text that `read_region` reads."""
    if region in KNOWN.places:
        return region.name
    place = (region.left, region.top, region.width, region.height)
    return f"{region.name}={','.join(map(_exactly, place))}@{_exactly(region.pixels_per_point)}"


def _exactly(number: float) -> str:
    """A number in the fewest digits that identify it."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))


def read_region(text: str) -> Region:
    """The region that a text describes: a name of `KNOWN`, or one with its place on the canvas.

    Args:
        text: as ``face``, or ``brows=8,12,112,36``: left, top, width and height in canvas points; ``@1.5``
            at the end is the number of pixels per point in the crop.

    Raises:
        ValueError: it is of neither form, or the region lies outside the canvas.
    """
    if text in KNOWN:
        return KNOWN[text]
    parts = _PLACE.fullmatch(text.replace(" ", ""))
    if parts is None:
        raise ValueError(
            f"{text!r} is no region: write {', '.join(KNOWN.names)}, or a name with left, top, width and "
            "height on the canvas, as brows=8,12,112,36"
        )
    left, top, width, height = (float(parts[name]) for name in ("left", "top", "width", "height"))
    if not (left >= 0 and top >= 0 and left + width <= CANVAS[0] and top + height <= CANVAS[1]):
        raise ValueError(f"{text!r} reaches beyond the canvas of {CANVAS[0]} by {CANVAS[1]} points")
    return Region(parts["name"], left, top, width, height, float(parts["scale"] or 0.75))


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One region cut out of a picture.

    Attributes:
        image: uint8 (height, width) gray; 0 outside the face oval and outside the picture.
        visible: share [0, 1] of the region's part of the face that lies inside the picture.
    """

    image: Image
    visible: float

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 2:
            raise ValueError(f"a crop is uint8 (h, w), not {self.image.dtype} {self.image.shape}")


def align(landmarks: Points) -> npt.NDArray[np.float64]:
    """The similarity transform, float64 (2, 3), that takes picture pixels to canvas points.

    Least squares over the six anchors; with points as complex numbers z the transform is
    w = a z + b and `a` a plain ratio (Umeyama 1991 in two dimensions, without reflection).

    Args:
        landmarks: float32 (478, 2), picture pixels.
    """
    source = landmarks[ANCHORS].astype(np.float64) @ _COMPLEX
    middle = np.add.reduce(source) / len(source)
    centred = source - middle
    spread = float(np.vdot(centred, centred).real)
    if spread == 0.0:
        raise ValueError("all anchor landmarks fall on one point")
    a = np.vdot(centred, _PLACES - _MIDDLE) / spread
    b = _MIDDLE - a * middle
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def alignment_error(landmarks: Points) -> float:
    """The alignment error of the anchors: root mean square, canvas points.

    About 1 to 4 for a face seen from the front; it grows as the head turns away.
    """
    transform = align(landmarks)
    off = landmarks[ANCHORS] @ transform[:, :2].T + transform[:, 2] - ANCHOR_PLACES
    across, down = (off * off).T
    return math.sqrt(np.add.reduce(across + down) / len(ANCHORS))


def extent(landmarks: Points) -> npt.NDArray[np.float32]:
    """Left, top, right and bottom of the smallest box around landmarks, float32 (4,).

    Args:
        landmarks: float32 (n, 2).
    """
    # NumPy takes ten times as long along columns as along rows.
    rows = np.ascontiguousarray(landmarks.T)
    return np.concatenate([rows.min(axis=1), rows.max(axis=1)])


def eye_distance(landmarks: Points) -> float:
    """The distance between the outer eye corners in picture pixels: the size of a face."""
    return float(np.linalg.norm(landmarks[ANCHORS[0]] - landmarks[ANCHORS[3]]))


def leaning(landmarks: Points) -> float:
    """How far a face is turned in the picture, clockwise, in degrees from -180 to 180; 0 is upright."""
    across = landmarks[ANCHORS[3]] - landmarks[ANCHORS[0]]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def crop(
    image: Image,
    landmarks: Points,
    region: Region,
    margin: int = 0,
    rgb: bool = False,
    placed: npt.NDArray[np.float64] | None = None,
) -> Crop:
    """Cut one region of one face out of a picture.

    Args:
        image: uint8 (h, w, 3) BGR or (h, w) gray.
        landmarks: float32 (478, 2), pixels of `image`.
        region: what to cut.
        margin: pixels more on every side, for augmentation; the middle stays the same.
        rgb: the picture has red first.
        placed: the result of `align` for these landmarks, if several regions are cut.

    Returns:
        The crop of `region.padded_size(margin)`.
    """
    height, width = region.padded_size(margin)
    scale = region.pixels_per_point
    transform = (align(landmarks) if placed is None else placed) * scale
    transform[:, 2] += margin - scale * np.array([region.left, region.top])
    warped = warp_gray(image, transform, (height, width), rgb)
    oval = fill(landmarks[FACE_OVAL] @ transform[:, :2].T + transform[:, 2], height, width)
    whole = inside = float(np.count_nonzero(oval))
    if _reaches_beyond(image, transform, height, width):
        frame = np.array([(0, 0), (image.shape[1], 0), image.shape[1::-1], (0, image.shape[0])])
        oval = oval & fill(frame @ transform[:, :2].T + transform[:, 2], height, width)
        inside = float(np.count_nonzero(oval))
    return Crop(warped & oval, inside / max(whole, 1.0))


def _reaches_beyond(image: Image, transform: npt.NDArray[np.float64], height: int, width: int) -> bool:
    """Whether a crop may extend beyond the picture."""
    (a, b, left), (_, _, top) = transform.tolist()
    scale = a * a + b * b
    # Corners, and the two pixels by which a filled polygon may be smaller than it is.
    for x, y in ((-2, -2), (width + 2, -2), (-2, height + 2), (width + 2, height + 2)):
        across, down = x - left, y - top
        if not 0 <= a * across - b * down <= scale * image.shape[1]:
            return True
        if not 0 <= b * across + a * down <= scale * image.shape[0]:
            return True
    return False


def warp_gray(
    image: Image, transform: npt.NDArray[np.float64], size: tuple[int, int], rgb: bool = False
) -> Image:
    """Warp into `size` (height, width) and make gray, averaging where the crop is much coarser."""
    stride = 1.0 / float(np.hypot(transform[0, 0], transform[1, 0]))
    factor = int(stride / _MAX_STRIDE) + 1
    if factor > 1 or max(image.shape[:2]) > LONGEST_SIDE:
        image, transform = _shrink(image, transform, size, factor)
    warped = cv2.warpAffine(image, transform, size[::-1], flags=cv2.INTER_LINEAR)
    gray = cv2.COLOR_RGB2GRAY if rgb else cv2.COLOR_BGR2GRAY
    return _as_uint8(cv2.cvtColor(warped, gray) if warped.ndim == 3 else warped)


def _shrink(
    image: Image, transform: npt.NDArray[np.float64], size: tuple[int, int], factor: int
) -> tuple[Image, npt.NDArray[np.float64]]:
    """Box-average the part of the picture that the crop shows by a whole factor."""
    inverse = cv2.invertAffineTransform(transform)
    corners = np.array([(0, 0), (size[1], 0), (size[1], size[0]), (0, size[0])])
    across, down = (corners @ inverse[:, :2].T + inverse[:, 2]).T.tolist()
    left, columns = _parts(across, factor, image.shape[1])
    top, rows = _parts(down, factor, image.shape[0])
    if min(columns, rows) < 1:
        return image, transform
    part = image[top : top + rows * factor, left : left + columns * factor]
    shrunk = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    # A shrunk pixel's centre lies (factor - 1) / 2 source pixels right of and below its first one.
    first = np.array([left, top]) + (factor - 1) / 2
    coarser = transform * factor
    coarser[:, 2] = transform[:, :2] @ first + transform[:, 2]
    return _as_uint8(shrunk), coarser


def _parts(corners: Sequence[float], factor: int, limit: int) -> tuple[int, int]:
    """The first of the blocks of so many pixels that contain all corners, and their number in a picture."""
    low = min(max(math.floor(min(corners)) - factor, 0), limit)
    high = min(max(math.ceil(max(corners)) + factor, 0), limit)
    return low, (high - low) // factor


def fill(polygon: npt.NDArray[np.floating], height: int, width: int) -> Image:
    """A polygon's mask, uint8 (height, width): 255 inside the polygon, 0 outside."""
    # Clipped at the picture's edge, fillPoly's outline depends on where the edge is: fill a larger
    # picture and cut the middle out, so that a margin changes nothing inside.
    mask = np.zeros((height + 2 * _GUARD, width + 2 * _GUARD), dtype=np.uint8)
    bounded = np.minimum(np.maximum(np.floor(polygon + 0.5), -(2**14)), 2**14).astype(np.int32)
    cv2.fillPoly(mask, [bounded + _GUARD], 255)
    return mask[_GUARD:-_GUARD, _GUARD:-_GUARD]


def _as_uint8(image: object) -> Image:
    return np.asarray(image, dtype=np.uint8)
