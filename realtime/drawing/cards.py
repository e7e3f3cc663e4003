"""A card: a line with the label, and below it one thin bar with the shares of all classes.

It shows most of a panel's content on a tenth of its area.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from emotion.models.regions import Image
from emotion.realtime.drawing.panels import (
    SURFACE,
    TRACK,
    Label,
    colours,
    label_for,
    label_room,
    paint_line,
    steady,
)
from emotion.realtime.drawing.sprites import BGR, plate, press
from emotion.realtime.messages import FaceEmotion


@dataclass(frozen=True, slots=True)
class Card:
    """The layout of a card, in pixels.

    Attributes:
        label: its line.
        width, height: of the whole card, for any label.
        bar_left, bar_top, bar_width, bar_height: of the bar, from the card's left top corner.
    """

    label: Label
    width: int
    height: int
    bar_left: int
    bar_top: int
    bar_width: int
    bar_height: int


def card_for(face: FaceEmotion, size: int, numbered: bool) -> Card:
    """The card of a face's probabilities, with text of this size in pixels."""
    label = label_for(face, size, numbered, bold=True)
    width, line = label_room(face, size, numbered, bold=True)
    pad, thick = round(0.55 * size), round(0.42 * size)
    return Card(label, width, line + thick + round(0.45 * size), pad, line, width - 2 * pad, thick)


def paint_card(canvas: Image, card: Card, left: int, top: int, face: FaceEmotion, opacity: float) -> None:
    """Draw a card into a picture, in place.

    Args:
        canvas: uint8 (h, w, 3), BGR.
        card: what to write.
        left, top: of the card, in pixels.
        face: whose shares the bar shows.
        opacity: of the dark surface, in [0, 1].
    """
    size = card.label.size
    press(canvas, plate(card.width, card.height, 0.45 * size, SURFACE, opacity), left, top)
    paint_line(canvas, card.label, left, top, card.width)
    left, top = left + card.bar_left, top + card.bar_top
    if face.probabilities is None:
        press(canvas, plate(card.bar_width, card.bar_height, 0, TRACK, 0.55), left, top)
        return
    stack(canvas, left, top, card.bar_width, card.bar_height, face.probabilities, colours(face.classes))


def stack(
    canvas: Image,
    left: int,
    top: int,
    width: int,
    height: int,
    shares: npt.NDArray[np.floating],
    palette: tuple[BGR, ...],
) -> None:
    """Draw shares side by side, each in its colour, with a pixel of the surface between neighbours.

    Args:
        canvas: uint8 (h, w, 3), BGR.
        left, top, width, height: where, in pixels.
        shares: float (n,); what they lack to one stays as it is.
        palette: a colour each, BGR.
    """
    ends = np.rint(np.cumsum([0.0, *map(steady, shares.tolist())]) * width).astype(int)
    for colour, (start, end) in zip(palette, pairwise(np.minimum(ends, width).tolist()), strict=False):
        # Narrower than that there would be nothing between two gaps.
        if end - start >= 2:
            press(canvas, plate(end - start - 1, height, 0, colour), left + start, top)
