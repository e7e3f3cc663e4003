"""Things in front of a face, made up: hands, masks, sunglasses, objects; on crops, with what they cover."""

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.regions import Image

Mask: TypeAlias = npt.NDArray[np.bool_]
Rng: TypeAlias = np.random.Generator
Look: TypeAlias = npt.NDArray[np.float32]
Occluder: TypeAlias = Callable[[Image, Image, Rng], tuple[Look, Mask]]
"""From a face's crop, another one's, and chance: what it looks like, and where it is."""

# Where a region's expression is, as (top, bottom, left, right) shares of its crop.
CORE: dict[str, tuple[float, float, float, float]] = {
    "eyes": (0.25, 0.85, 0.08, 0.92),
    "lips": (0.15, 0.75, 0.15, 0.85),
}


def covered(mask: Mask, region: str) -> float:
    """The share of a region's core that is covered."""
    height, width = mask.shape
    top, bottom, left, right = CORE[region]
    core = mask[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    return float(core.mean())


def cover(crop: Image, occluder: Occluder, other: Image, rng: Rng) -> tuple[Image, Mask]:
    """A crop behind an occluder, and where that is; only the face is covered.

    Args:
        crop: uint8 (h, w), 0 outside the face.
        occluder: one of `KINDS`.
        other: another face's crop of the same size, out of which skin or texture may be taken.
        rng: chance.
    """
    look, mask = occluder(crop, other, rng)
    # The edge is a little soft, as a camera sees it.
    soft = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)
    mixed = np.clip(soft * np.clip(look, 1, 255) + (1 - soft) * crop, 1, 255)
    return np.where(crop > 0, np.rint(mixed), 0).astype(np.uint8), mask & (crop > 0)


def hand(crop: Image, other: Image, rng: Rng) -> tuple[Look, Mask]:
    """One to four fingers side by side, of the same person's skin, dark where they meet."""
    size = crop.shape
    height, width = size
    where = np.zeros(size, np.uint8)
    shade = np.ones(size, np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = np.array([np.cos(angle), np.sin(angle)])
    along = np.array([-across[1], across[0]])
    middle = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height])
    thick = rng.uniform(0.14, 0.36) * height
    count = int(rng.integers(2, 6))
    dark = rng.uniform(0.1, 0.4)
    for finger in range(count):
        spread = rng.normal(0, 0.12)
        way = along * np.cos(spread) + across * np.sin(spread)
        tip = middle + across * (finger - (count - 1) / 2) * thick * rng.uniform(0.85, 1.1)
        tip = tip + way * rng.uniform(-0.2, 0.4) * width
        stroke = np.zeros(size, np.uint8)
        cv2.line(stroke, _point(tip - way * 2 * width), _point(tip), 1, max(3, round(thick)), cv2.LINE_8)
        edge = np.minimum(cv2.distanceTransform(stroke, cv2.DIST_L2, 3) / (thick / 2) * 1.6, 1)
        shade = np.where(stroke > 0, 1 - dark + dark * edge, shade).astype(np.float32)
        where |= stroke
    shade = cv2.GaussianBlur(shade, (0, 0), rng.uniform(0.5, 1.5)).astype(np.float32)
    skin = _skin(crop if rng.random() < 0.8 else other, rng)
    return _grain(skin * shade, rng, rng.uniform(0.5, 3)), where > 0


def solid(crop: Image, other: Image, rng: Rng) -> tuple[Look, Mask]:
    """A smooth thing of one brightness: a cup, a phone, a sheet of paper."""
    size = crop.shape
    return _grain(_ramp(size, rng), rng, rng.uniform(0.5, 4)), _shape(size, rng)


def mask(crop: Image, other: Image, rng: Rng) -> tuple[Look, Mask]:
    """A cloth over the lower face, with pleats."""
    size = crop.shape
    height, width = size
    top = rng.uniform(-0.6, 0.15) * height
    bow = rng.uniform(-0.2, 0.2) * height
    columns = np.linspace(-1, 1, width)
    edge = top + bow * columns**2
    where = np.arange(height)[:, None] >= edge[None, :]
    look = _ramp(size, rng)
    for _ in range(int(rng.integers(0, 4))):
        row = rng.uniform(0, height)
        pleat = np.exp(-(((np.arange(height)[:, None] - row - 3 * columns**2) / 1.5) ** 2))
        look = (look - 14 * pleat).astype(np.float32)
    return _grain(look, rng, rng.uniform(0.5, 4)), where


def sunglasses(crop: Image, other: Image, rng: Rng) -> tuple[Look, Mask]:
    """Two dark glasses, a bridge and sometimes a reflection."""
    size = crop.shape
    height, width = size
    glass = np.zeros(size, np.uint8)
    middle, reach = rng.uniform(0.52, 0.68) * height, rng.uniform(0.17, 0.22) * width
    rise = rng.uniform(0.24, 0.36) * height
    for side in (0.29, 0.71):
        centre = (round((side + rng.normal(0, 0.01)) * width), round(middle))
        cv2.ellipse(glass, centre, (round(reach), round(rise)), 0, 0, 360, 1, -1)
    cv2.line(glass, (round(0.4 * width), round(middle)), (round(0.6 * width), round(middle)), 1, 2)
    look = (rng.uniform(8, 70) + 0.12 * _ramp(size, rng)).astype(np.float32)
    if rng.random() < 0.5:
        look = (look + 60 * np.exp(-((_ramp(size, rng) - 120) ** 2) / 400)).astype(np.float32)
    return _grain(look, rng, 2), glass > 0


def photo(crop: Image, other: Image, rng: Rng) -> tuple[Look, Mask]:
    """A thing that looks like a part of another photograph, turned: hair, cloth, somebody's head."""
    size = crop.shape
    turned = np.rot90(other, 2) if rng.random() < 0.5 else np.flipud(other)
    scale = rng.uniform(0.8, 2.0)
    large = cv2.resize(np.ascontiguousarray(turned), None, fx=scale * 1.3, fy=scale * 1.3)
    top = rng.integers(0, max(1, large.shape[0] - size[0] + 1))
    left = rng.integers(0, max(1, large.shape[1] - size[1] + 1))
    part = large[top : top + size[0], left : left + size[1]].astype(np.float32)
    full = cv2.resize(part, size[::-1])
    return np.where(full > 0, full, np.float32(60)), _shape(size, rng)


def stripes(crop: Image, other: Image, rng: Rng) -> tuple[Look, Mask]:
    """A patterned cloth."""
    size = crop.shape
    rows, columns = np.mgrid[: size[0], : size[1]]
    angle, wave = rng.uniform(0, np.pi), rng.uniform(4, 16)
    pattern = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * 2 * np.pi / wave)
    return _grain(_ramp(size, rng) + rng.uniform(15, 60) * pattern, rng, 4), _shape(size, rng)


KINDS: dict[str, dict[str, Occluder]] = {
    "eyes": {"hand": hand, "solid": solid, "sunglasses": sunglasses, "photo": photo, "stripes": stripes},
    "lips": {"hand": hand, "solid": solid, "mask": mask, "photo": photo, "stripes": stripes},
}


def vary(crop: Image, rng: Rng) -> Image:
    """The same face in other light, seen from farther away, in a noisier picture: no occlusion."""
    face = crop > 0
    gray: npt.NDArray[Any] = crop.astype(np.float32)
    if rng.random() < 0.5:
        gray = 255 * (gray / 255) ** rng.uniform(0.6, 1.7)
    if rng.random() < 0.5:
        gray = gray * rng.uniform(0.5, 1.1) + rng.uniform(-10, 40)
    if rng.random() < 0.5:
        size = crop.shape[::-1]
        factor = rng.uniform(0.3, 1.0)
        small = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        gray = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        gray = gray + rng.normal(0, rng.uniform(1, 7), gray.shape)
    return np.where(face, np.clip(gray, 1, 255), 0).astype(np.uint8)


def dim(crop: Image, rng: Rng, contrast: float | None = None) -> Image:
    """The same crop, whatever lies in it, in flat light before a coarse camera.

    Args:
        crop: 0 outside the face.
        rng: for noise, and for the contrast where none is given.
        contrast: what is left of it.
    """
    left = rng.uniform(0.12, 0.6) if contrast is None else contrast
    gray: npt.NDArray[Any] = crop.astype(np.float32)
    level = gray[crop > 0].mean() if crop.any() else 0.0
    gray = rng.uniform(60, 130) + (gray - level) * left + rng.normal(0, rng.uniform(0.2, 1.2), crop.shape)
    return np.where(crop > 0, np.clip(gray, 1, 255), 0).astype(np.uint8)


def _point(place: npt.NDArray[np.float64]) -> tuple[int, int]:
    return round(float(place[0])), round(float(place[1]))


def _skin(face: Image, rng: Rng) -> Look:
    """Skin without features: a face, strongly blurred."""
    filled = np.where(face > 0, face, face[face > 0].mean() if face.any() else 128).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), 10) * rng.uniform(0.85, 1.2), np.float32)


def _ramp(size: tuple[int, ...], rng: Rng) -> Look:
    rows, columns = np.mgrid[: size[0], : size[1]]
    slope = rng.normal(0, 0.35, 2)
    return np.asarray(rng.uniform(25, 235) + slope[0] * rows + slope[1] * columns, np.float32)


def _grain(look: Look, rng: Rng, strength: float) -> Look:
    return np.asarray(look + rng.normal(0, strength, look.shape), np.float32)


def _shape(size: tuple[int, ...], rng: Rng) -> Mask:
    """A blob: an ellipse or a polygon of four to seven corners."""
    height, width = size
    shape = np.zeros(size, np.uint8)
    centre = np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height])
    reach = rng.uniform(0.25, 0.75)
    if rng.random() < 0.5:
        axes = (round(reach * width * rng.uniform(0.5, 1)), round(reach * height * rng.uniform(0.8, 1.6)))
        cv2.ellipse(shape, _point(centre), axes, rng.uniform(0, 180), 0, 360, 1, -1)
    else:
        turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 8))))
        corners = centre + np.column_stack([np.cos(turns) * width, np.sin(turns) * height * 1.5]) * reach
        cv2.fillPoly(shape, [corners.round().astype(np.int32)], 1)
    return shape > 0
