"""Colours of classes: what they must hold, and how new ones are found.

The hues of the six that ship (`models.classes`) start from Okabe and Ito's palette. Lightness and
chroma were then tuned so that any two stay apart for people with normal sight and with simulated
protanopia, deuteranopia and tritanopia. There are two sets, because no one colour reads well on dark
and on white alike: at least 4.5 to 1 against `PANEL`, and 3 to 1 against white.
"""

import colorsys
from typing import TypeAlias

RGB: TypeAlias = tuple[int, int, int]

PANEL = "#14161A"
"""The dark surface that colours for dark surfaces are made for."""
_WHITE = "#FFFFFF"
_STEPS = 20


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


def distinct(count: int) -> list[tuple[str, str]]:
    """Colours as far apart as a circle of hues allows, each for dark surfaces and for white ones.

    People with other colour vision may confuse some: who names their own classes may name colours, too.
    """
    hues = [index / count for index in range(count)]
    return [(_readable(hue, PANEL, 4.5, 0.6, 1.0), _readable(hue, _WHITE, 3.0, 0.45, 0.0)) for hue in hues]


def _readable(hue: float, ground: str, least: float, lightness: float, end: float) -> str:
    """The first colour from a lightness on towards an end that has this contrast with its ground."""
    colours = (_hex(hue, lightness + (end - lightness) * step / _STEPS) for step in range(_STEPS + 1))
    return next(colour for colour in colours if contrast(colour, ground) >= least)


def _hex(hue: float, lightness: float) -> str:
    parts = colorsys.hls_to_rgb(hue, lightness, 0.7)
    return "#" + "".join(f"{round(255 * part):02X}" for part in parts)


def _luminance(colour: str) -> float:
    shares = (part / 255 for part in rgb(colour))
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
