"""The six emotions. Their order here is the class order everywhere: labels, logits, files, plots."""

from collections.abc import Mapping
from enum import IntEnum


class Emotion(IntEnum):
    """An apparent facial expression; the value is the class index of every model."""

    HAPPINESS = 0
    SADNESS = 1
    FEAR = 2
    ANGER = 3
    NEUTRAL = 4
    SURPRISE = 5

    @property
    def label(self) -> str:
        """The lower-case name used in folders, files and on screen, for example ``"happiness"``."""
        return self.name.lower()


EMOTIONS: tuple[str, ...] = tuple(emotion.label for emotion in Emotion)

# Folder names that other data sets use for the same six classes.
ALIASES: dict[str, str] = {
    "angry": "anger",
    "afraid": "fear",
    "fearful": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "neutrality": "neutral",
    "sad": "sadness",
    "surprised": "surprise",
}


def canonical_label(name: str, labels: Mapping[str, str] | None = None) -> str | None:
    """The class that a folder name stands for, or None where it is none of the six.

    Args:
        name: of the folder.
        labels: emotions by folder name, beside those in `ALIASES`.
    """
    name = name.strip().lower()
    name = (labels or {}).get(name, ALIASES.get(name, name))
    return name if name in EMOTIONS else None
