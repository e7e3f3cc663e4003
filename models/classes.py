"""The six emotions. Their order here is the class order everywhere: labels, logits, files, plots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Labels:
    """Which classes the folders of labelled pictures stand for.

    Attributes:
        classes: their names, in lower case. Networks and vote know the six emotions; a data set may have
            others.
        names: classes by folder name, beside those in `ALIASES`.
    """

    classes: tuple[str, ...] = EMOTIONS
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, folder: str) -> str | None:
        """The class that a folder's name stands for, or None where it is none of them."""
        name = folder.strip().lower()
        meant = (self.names.get(name), name, ALIASES.get(name))
        return next((label for label in meant if label in self.classes), None)
