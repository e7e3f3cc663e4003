"""A sentence on whether there were more faces than may be followed."""

from emotion.models.words import counted
from emotion.realtime.messages import EmotionFrame


class Crowd:
    """Adds up what results say of faces that there was no room for; it is looked for once a second.

    Attributes:
        faces: the most in a picture.
        pictures: how many of those that were searched showed any.
    """

    def __init__(self) -> None:
        self.faces = 0
        self.pictures = 0

    def add(self, result: EmotionFrame) -> None:
        """Take the next result."""
        self.faces = max(self.faces, result.left_out)
        self.pictures += result.left_out > 0

    def sentence(self) -> str:
        """What is to be said; empty where nobody was left out."""
        if not self.pictures:
            return ""
        more = counted(self.faces, "more face")
        frames = counted(self.pictures, "frame")
        return f"At least {more}, in at least {frames}: see --max-faces."
