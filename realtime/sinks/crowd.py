"""A message about faces beyond the maximum number."""

from emotion.models.words import counted
from emotion.realtime.messages import EmotionFrame


class Crowd:
    """Counts faces beyond the maximum number, which are searched once a second.

    Attributes:
        faces: the largest number in a picture.
        pictures: number of searched pictures with such faces.
    """

    def __init__(self) -> None:
        self.faces = 0
        self.pictures = 0

    def add(self, result: EmotionFrame) -> None:
        """Add the next result."""
        self.faces = max(self.faces, result.left_out)
        self.pictures += result.left_out > 0

    def sentence(self) -> str:
        """The message; empty if no face was left out."""
        if not self.pictures:
            return ""
        more = counted(self.faces, "more face")
        frames = counted(self.pictures, "frame")
        return f"At least {more}, in at least {frames}: see --max-faces."
