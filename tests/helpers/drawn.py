"""What stands in a drawn picture, measured from its pixels: where a text is and where a colour is.

Text is set here once more, without the program's own functions, so that a text that is misplaced,
of another size or another word is not found.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
# So much free space around a text belongs to it: "1%" is not a part of "31%".
_FREE = 3


@dataclass(frozen=True)
class Area:
    """A rectangle of pixels; `right` and `bottom` are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def middle(self):
        """Column and row of its middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def width(self):
        return self.right - self.left

    @property
    def height(self):
        return self.bottom - self.top

    def of(self, image):
        """The part of a picture."""
        return image[self.top : self.bottom, self.left : self.right]


def bounds(mask):
    """The smallest area that holds all of a mask, bool (h, w); None where it is empty."""
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return None
    return Area(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def of_colour(image, colour, tolerance=0):
    """Where a picture has a colour (BGR): bool (h, w)."""
    return np.abs(image.astype(int) - np.array(colour)).max(axis=2) <= tolerance


def largest(mask):
    """The area of the largest piece of a mask that hangs together; None where it is empty."""
    count, _, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count == 1:
        return None
    left, top, width, height, _ = boxes[1:][boxes[1:, cv2.CC_STAT_AREA].argmax()].tolist()
    return Area(left, top, left + width, top + height)


def letters(string, size, bold=False):
    """A text's letters alone: gray levels, uint8 (h, w), cut to where there is any ink."""
    font = ImageFont.truetype(FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size)
    mask = Pillow.new("L", (int(font.getlength(string)) + 2 * size, 3 * size))
    ImageDraw.Draw(mask).text((size // 2, 2 * size), string, fill=255, font=font, anchor="ls")
    return bounds(np.asarray(mask) > 40).of(np.asarray(mask))


def find_text(image, string, size, bold=False, least=0.97):
    """The areas of a text's letters in a picture, from the top: bright letters on something flat."""
    wanted = np.pad(letters(string, size, bold), _FREE)
    around = cv2.copyMakeBorder(image.max(axis=2), *[_FREE] * 4, cv2.BORDER_REPLICATE)
    if min(np.subtract(around.shape, wanted.shape)) < 0:
        return []
    scores = cv2.matchTemplate(around, wanted, cv2.TM_CCOEFF_NORMED)
    height, width = (length - 2 * _FREE for length in wanted.shape)
    found = []
    while scores.max() >= least:
        top, left = map(int, np.unravel_index(scores.argmax(), scores.shape))
        found.append(Area(left, top, left + width, top + height))
        scores[max(0, top - size) : top + size, max(0, left - size) : left + size] = -1
    return sorted(found, key=lambda area: area.top)


def text_area(image, string, size, bold=False):
    """The area of a text that stands in a picture once."""
    found = find_text(image, string, size, bold)
    assert len(found) == 1, f"{string!r} stands {len(found)} times in the picture"
    return found[0]


def ink(image, area):
    """The colour of a text's strongest strokes, BGR, as integers."""
    part = area.of(image).reshape(-1, 3).astype(int)
    return tuple(part[part.sum(axis=1).argmax()].tolist())
