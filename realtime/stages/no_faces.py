"""VideoFrame -> EmotionFrame without faces, for pictures that are too small to have any."""

from collections.abc import Iterable, Sequence

from emotion.models.schema import Schema
from emotion.realtime.messages import EmotionFrame, VideoFrame

SMALLEST_PICTURE = 24
"""The shorter side, in pixels, from which on a picture is looked at.

Of 48 faces of FER+ that fill a picture of 24x24 MediaPipe finds 58 in 100, and the vote of `lite` is right
about 82 in 100 of these; of 20x20 it finds 44, with 67 right, of 16x16 25, of 12x12 10, with 20 right.
"""


def is_too_small(height: int, width: int) -> bool:
    """Whether pictures of this size hold no face that could be read."""
    return min(height, width) < SMALLEST_PICTURE


class NoFaces:
    """The stage that replaces all others where pictures are too small for faces.

    Args:
        schema: of the models.
    """

    name = "no faces"
    batch = 16

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def process(self, items: Sequence[VideoFrame]) -> Iterable[EmotionFrame]:
        """The frames, without faces."""
        return [EmotionFrame(item, (), self._schema) for item in items]

    def close(self) -> None:
        """Nothing to free."""
