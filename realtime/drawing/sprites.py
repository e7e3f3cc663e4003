"""Small pictures with transparency, made once and blended onto every frame.

A stamp has premultiplied alpha: blending is one multiplication and one addition over its rectangle,
done in place by OpenCV. Text is set in DejaVu Sans, which is part of matplotlib, because
OpenCV's own stroke fonts are hard to read at small sizes. Characters that it lacks (Chinese, Korean) are
those of a font of the system that has them, or question marks if there is none.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from emotion.models.errors import MissingDependencyError
from emotion.models.regions import Image

BGR: TypeAlias = tuple[int, int, int]

# Pixels of shadow around the line of a corner.
CORNER_EDGE = 2

# Enough for a picture, and for changing numbers. A larger cache would keep sizes that are not used
# again: some ten megabytes after a quarter of an hour, with a camera that changes its size.
_KEPT_TEXTS, _KEPT_FRAMES = 512, 32

# Letters up to here are all in the font.
_LATIN = 0x250
_FONTS = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A premultiplied sprite: how much of the picture is kept, and what is added.

    Attributes:
        keep: uint8 (h, w, 3); 255 keeps the picture, 0 hides it.
        ink: uint8 (h, w, 3), BGR, already weighted; never more than 255 - `keep`.
    """

    keep: Image
    ink: Image

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.keep.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.keep.shape[0])

    def part(self, width: int) -> "Sprite":
        """The first `width` columns."""
        return Sprite(self.keep[:, :width], self.ink[:, :width])


def press(canvas: Image, stamp: Sprite, left: int, top: int) -> None:
    """Blend a stamp into a picture, in place; parts outside the picture are left out.

    Args:
        canvas: uint8 (h, w, 3), BGR.
        stamp: what to blend in.
        left, top: where its first column and row go, in pixels; may be negative.
    """
    x, y = max(0, -left), max(0, -top)
    target = canvas[top + y : max(0, top + stamp.height), left + x : max(0, left + stamp.width)]
    if target.size == 0:
        return
    rows, columns = slice(y, y + target.shape[0]), slice(x, x + target.shape[1])
    cv2.multiply(target, stamp.keep[rows, columns], dst=target, scale=1 / 255)
    cv2.add(target, stamp.ink[rows, columns], dst=target)


def merge(below: Sprite, above: Sprite, left: int, top: int) -> None:
    """Blend one stamp onto another, in place, so that both can be blended as one."""
    press(below.keep, Sprite(above.keep, np.zeros_like(above.ink)), left, top)
    press(below.ink, above, left, top)


@lru_cache(_KEPT_TEXTS)
def text(string: str, size: int, colour: BGR, bold: bool = False) -> Sprite:
    """A line of text; all lines of one size and weight are equally high, with one baseline.

    Args:
        string: what to write.
        size: of the font, in pixels.
        colour: BGR.
        bold: the heavier weight.
    """
    ascent, descent = _font(size, bold).getmetrics()
    mask = Pillow.new("L", (max(1, text_width(string, size, bold)), ascent + descent))
    left = 0.0
    for part, file in _runs(string, bold):
        font = ImageFont.truetype(file, size)
        ImageDraw.Draw(mask).text((left, ascent), part, fill=255, font=font, anchor="ls")
        left += font.getlength(part)
    return _tint(np.asarray(mask), colour)


@lru_cache(_KEPT_TEXTS)
def text_width(string: str, size: int, bold: bool = False) -> int:
    """The width of a line of text in pixels."""
    runs = _runs(string, bold)
    return int(np.ceil(sum(ImageFont.truetype(file, size).getlength(part) for part, file in runs)))


@cache
def ascent(size: int, bold: bool = False) -> int:
    """Pixels from the top of a line of text to its baseline."""
    return _font(size, bold).getmetrics()[0]


@lru_cache(_KEPT_TEXTS)
def plate(width: int, height: int, radius: float, colour: BGR, opacity: float = 1.0, mark: int = 0) -> Sprite:
    """A rectangle with round corners of one colour.

    Args:
        width, height: pixels.
        radius: of the corners, in pixels; half the height makes a pill.
        colour: BGR.
        opacity: in [0, 1].
        mark: 1: diagonal stripes are left out; 2: those in the other direction; 3 and more: both.
    """
    # Half a pixel is a sharp corner.
    radius = max(0.5, min(radius, width / 2, height / 2))
    across = _beyond(width, radius)[np.newaxis, :]
    down = _beyond(height, radius)[:, np.newaxis]
    cover = np.clip(radius + 0.5 - np.hypot(across, down), 0, 1)
    cover = cover * _stripes(width, height, mark)
    return _tint(np.rint(cover * opacity * 255).astype(np.uint8), colour)


def _stripes(width: int, height: int, mark: int) -> npt.NDArray[np.float64]:
    """The mask of a rectangle with marks, (height, width): 0 in the stripes."""
    across, down = np.arange(width)[np.newaxis, :], np.arange(height)[:, np.newaxis]
    period = max(4, round(0.7 * height))
    kept = np.ones((height, width))
    for number, slope in ((1, across + down), (2, across - down)):
        if mark == number or mark > 2:
            kept[slope % period < period // 3] = 0
    return kept


@lru_cache(_KEPT_FRAMES)
def corners(arm: int, thickness: int, colour: BGR) -> tuple[Sprite, Sprite, Sprite, Sprite]:
    """The four corners of a frame: left top, right top, left bottom, right bottom.

    Each is square. Its line runs `CORNER_EDGE + thickness / 2` pixels inside the outer edges; what
    is left outside the line is a soft shadow, which shows the line on bright pictures.

    Args:
        arm: length of a corner's arms in pixels.
        thickness: of the line in pixels.
        colour: BGR.
    """
    distance = _distance(arm, thickness)
    shadow = np.clip((thickness / 2 + CORNER_EDGE - distance) / CORNER_EDGE, 0, 1)
    corner = copy(_tint(np.rint(shadow * 170).astype(np.uint8), (16, 14, 12)))
    line = np.clip(thickness / 2 + 0.5 - distance, 0, 1)
    merge(corner, _tint(np.rint(line * 255).astype(np.uint8), colour), 0, 0)
    return corner, _flip(corner, 1), _flip(corner, 0), _flip(corner, -1)


def _distance(arm: int, thickness: int) -> npt.NDArray[np.float64]:
    """Distance of each pixel's centre to the left top corner's line: an arm down, an arc, an arm across."""
    place = np.arange(arm + CORNER_EDGE) + 0.5 - CORNER_EDGE - thickness / 2
    x, y = place[np.newaxis, :], place[:, np.newaxis]
    radius = 0.38 * arm
    reach = arm - thickness - CORNER_EDGE
    across = np.where(x >= radius, np.hypot(np.maximum(x - reach, 0), y), np.inf)
    arc = np.abs(np.hypot(x - radius, y - radius) - radius)
    straight: npt.NDArray[np.float64] = np.minimum(across, across.T)
    return np.where((x < radius) & (y < radius), arc, straight)


def _flip(stamp: Sprite, axis: int) -> Sprite:
    keep, ink = cv2.flip(stamp.keep, axis), cv2.flip(stamp.ink, axis)
    return Sprite(np.asarray(keep, dtype=np.uint8), np.asarray(ink, dtype=np.uint8))


def copy(stamp: Sprite) -> Sprite:
    """An empty stamp, to merge others into."""
    return Sprite(stamp.keep.copy(), stamp.ink.copy())


def _beyond(length: int, radius: float) -> npt.NDArray[np.float64]:
    """The distance of each pixel's centre beyond the straight part of an edge of this length."""
    centres = np.arange(length) + 0.5
    beyond: npt.NDArray[np.float64] = np.abs(centres - length / 2) - (length / 2 - radius)
    return np.maximum(beyond, 0)


def _tint(mask: npt.NDArray[np.uint8], colour: BGR) -> Sprite:
    """A stamp of one colour with the mask as its opacity."""
    cover = mask[:, :, np.newaxis].astype(np.float32)
    ink = np.rint(cover * np.array(colour, dtype=np.float32) / 255).astype(np.uint8)
    keep = np.repeat(255 - mask[:, :, np.newaxis], 3, axis=2)
    keep.flags.writeable = ink.flags.writeable = False
    return Sprite(keep, ink)


def not_drawn(text: str) -> str:
    """The characters of a text that no font on this machine has, and that are drawn as question marks."""
    drawn = "".join(part for part, _ in _runs(text, False))
    return "".join(dict.fromkeys(one for one, shown in zip(text, drawn, strict=True) if one != shown))


def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_own_font(bold), size)


def _own_font(bold: bool) -> str:
    return str(_fonts() / _FONTS[bold])


@lru_cache(_KEPT_TEXTS)
def _runs(string: str, bold: bool) -> list[tuple[str, str]]:
    """The parts of a text, each with the file of its font."""
    own = _own_font(bold)
    if all(ord(one) < _LATIN or one == "…" for one in string):
        return [(string, own)]
    drawn = [_drawn(one, own) for one in string]
    runs = itertools.groupby(drawn, key=itemgetter(1))
    return [("".join(one for one, _ in run), file) for file, run in runs]


@lru_cache(_KEPT_TEXTS)
def _drawn(character: str, own: str) -> tuple[str, str]:
    """A character, or a question mark if no font has it, and the file of its font."""
    if _has(own, character):
        return character, own
    return next(((character, file) for file in _system_fonts() if _has(file, character)), ("?", own))


def _has(file: str, character: str) -> bool:
    """Whether a font has a character; not if it cannot be used."""
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415  a fifth of a second; most pictures need none

    try:
        font = FT2Font(file)
        return bool(font.scalable and font.get_char_index(ord(character)))
    except (OSError, RuntimeError):
        return False


@cache
def _system_fonts() -> Sequence[str]:
    """The files of the system's fonts, those without serifs first."""
    from matplotlib.font_manager import findSystemFonts  # noqa: PLC0415  a second

    return sorted(findSystemFonts(), key=lambda file: ("sans" not in Path(file).name.lower(), file))


@cache
def _fonts() -> Path:
    """The folder of matplotlib's fonts. Importing it takes a fifth of a second."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise MissingDependencyError("matplotlib, whose fonts are drawn with, is not installed: install it.")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
