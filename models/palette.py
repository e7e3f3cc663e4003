"""One colour per emotion, the same in the overlay, in plots and on the web page.

The hues start from Okabe and Ito's palette. Lightness and chroma were then tuned so that any two
stay apart for people with normal sight and with simulated protanopia, deuteranopia and
tritanopia. Two sets share the hues, because no one colour reads well on dark and on white alike.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

RGB: TypeAlias = tuple[int, int, int]

# For pictures and dark surfaces: at least 4.5 to 1 against `PANEL`.
ON_DARK: Mapping[str, str] = MappingProxyType(
    {
        "happiness": "#F6EC34",
        "sadness": "#6CB0FF",
        "fear": "#A068E6",
        "anger": "#FA4220",
        "neutral": "#BCC3CC",
        "surprise": "#17997F",
    }
)

# For white paper and pages: at least 3 to 1 against white.
ON_WHITE: Mapping[str, str] = MappingProxyType(
    {
        "happiness": "#D67E2B",
        "sadness": "#0E9AD0",
        "fear": "#7420AC",
        "anger": "#BE2C15",
        "neutral": "#333333",
        "surprise": "#1F7378",
    }
)

# The dark surface that `ON_DARK` is made for.
PANEL = "#14161A"


def rgb(colour: str) -> RGB:
    """Red, green and blue in 0..255 of a colour written as ``"#RRGGBB"``."""
    if len(colour) != 7 or colour[0] != "#":
        raise ValueError(f"a colour is written #RRGGBB, not {colour!r}")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def bgr(colour: str) -> RGB:
    """Blue, green and red in 0..255, OpenCV's order, of a colour written as ``"#RRGGBB"``."""
    red, green, blue = rgb(colour)
    return blue, green, red
