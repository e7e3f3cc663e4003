"""Colours of classes: their requirements, and how new ones are found.

A class has one colour, which is the same in the picture, on the page, in plots and timelines, light and
dark: nothing is yellow in one place and orange in another. The six that ship (`models.classes`) keep the
usual hues; lightness and chroma were searched so that any two are at least 20 apart (CIEDE2000) for people
with normal sight and with protanopia, deuteranopia and tritanopia. That needs light and dark colours: all
have 3 to 1 against `PANEL`, and on light pages an outline (`OUTLINE`) around swatches and bars makes up for
what the light ones lack. The table: ``python -m emotion.benchmarks.studies.palette``.
"""

import colorsys
from collections.abc import Collection
from itertools import cycle, islice
from typing import TypeAlias

RGB: TypeAlias = tuple[int, int, int]

EIGHT = ("#EEDC03", "#9E7FFF", "#02A093", "#CBDEBB", "#A83F50", "#00F0F7", "#A88C03", "#4D6293")
"""Any two are 20 apart at least for all sights, in the order in which classes without a colour of their own
get them. The six have colours of here, too, where there are others: two more beside their usual ones are 15
from all at best."""
PANEL = "#14161A"
"""The dark surface behind what is written in pictures."""
OUTLINE = "rgb(0 0 0 / .45)"
"""The outline of coloured areas on light pages, as CSS."""
_STEPS = 100


def rgb(colour: str) -> RGB:
    """Red, green and blue in 0..255 of a colour written as ``"#RRGGBB"``."""
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"a colour is written #RRGGBB, not {colour!r}")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def bgr(colour: str) -> RGB:
    """Blue, green and red in 0..255, OpenCV's order, of a colour written as ``"#RRGGBB"``."""
    red, green, blue = rgb(colour)
    return blue, green, red


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours by WCAG 2, from 1 to 21."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def distinct(count: int) -> list[str]:
    """Colours as far apart as a circle of hues allows, readable on `PANEL` and on white: for charts' lines.

    People with other colour vision may confuse some of more than `EIGHT`.
    """
    return [_readable(index / count) for index in range(count)]


def free(taken: Collection[str], count: int) -> list[str]:
    """So many colours that differ from those that are taken, and from one another.

    They are from `EIGHT`, repeated beyond eight: more colours cannot be distinguished by everyone, so a
    repeated colour has marks on its bars (`models.classes.Classes.marks`).
    """
    left = [colour for colour in EIGHT if colour not in taken]
    return [*left, *islice(cycle(EIGHT), max(0, count - len(left)))][:count]


def _readable(hue: float) -> str:
    """The darkest colour of a hue with a contrast of 4.5 to `PANEL`; its contrast to white is above 3."""
    colours = (_hex(hue, 0.2 + 0.8 * step / _STEPS) for step in range(_STEPS + 1))
    return next(colour for colour in colours if contrast(colour, PANEL) >= 4.5)


def _hex(hue: float, lightness: float) -> str:
    parts = colorsys.hls_to_rgb(hue, lightness, 0.7)
    return "#" + "".join(f"{round(255 * part):02X}" for part in parts)


def _luminance(colour: str) -> float:
    shares = (part / 255 for part in rgb(colour))
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
