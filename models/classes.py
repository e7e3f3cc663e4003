"""The classes of a model folder. No other module contains their names.

They are data: names, order and colours come from the manifests of the model folder (`models.manifest`)
and travel with the results. `SIX` are those of the models that ship.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from emotion.models.names import composed
from emotion.models.palette import free, rgb

UNCERTAIN = "uncertain"
"""The label of a face on which no class is clear enough to be named."""

# Words that occur beside the names of classes in labels, shares of time and columns.
RESERVED = frozenset({UNCERTAIN, "no_face", "seen"})
_FRAME = "frame_"


class Emotion(IntEnum):
    """The six that ship: apparent facial expressions; the value is the index in `SIX`."""

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


# One for pictures, pages and plots alike; their requirements are in `models.palette`.
_COLOURS: dict[str, str] = {
    "happiness": "#F5B50A",
    "sadness": "#6FC4FA",
    "fear": "#9450F0",
    "anger": "#D81E10",
    "neutral": "#C9CCC8",
    "surprise": "#1F8575",
}


# For other classes than the six: from `palette.EIGHT`, with similar hues.
_AMONG_OTHERS: dict[str, str] = {
    "happiness": "#EEDC03",
    "sadness": "#4D6293",
    "fear": "#9E7FFF",
    "anger": "#A83F50",
    "neutral": "#CBDEBB",
    "surprise": "#02A093",
    "disgust": "#A88C03",
    "contempt": "#00F0F7",
}


@dataclass(frozen=True, slots=True)
class Classes:
    """An ordered, immutable set of classes; the order is that of every model's outputs.

    Attributes:
        names: two at least, in lower case, none twice and none of `RESERVED`.
        on_dark: a colour each, as ``"#RRGGBB"``, for pictures and dark surfaces (`palette.PANEL`); by
            default the usual ones where there are none but the six, else those of `palette.EIGHT`.
        on_white: the same for white paper and pages; by default the very same colours.
        neutral: the class of a face at rest, the reference of `--baseline`; by default
            ``"neutral"`` if there is such a class, else `--baseline` is not available.

    Raises:
        ValueError: the names or colours are invalid.
    """

    names: tuple[str, ...]
    on_dark: tuple[str, ...] = ()
    on_white: tuple[str, ...] = ()
    neutral: str | None = None
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        _check_names(self.names)
        object.__setattr__(self, "_index", {name: index for index, name in enumerate(self.names)})
        for key in ("on_dark", "on_white"):
            colours = tuple(getattr(self, key)) or _colours(self.names)
            if len(colours) != len(self.names):
                raise ValueError(f"{len(self.names)} classes have {len(colours)} colours in {key}")
            for colour in colours:
                rgb(colour)
            object.__setattr__(self, key, colours)
        if self.neutral is None and "neutral" in self.names:
            object.__setattr__(self, "neutral", "neutral")
        if self.neutral is not None and self.neutral not in self.names:
            raise ValueError(f"the class of a face at rest, {self.neutral!r}, is none of {self}")

    @property
    def marks(self) -> tuple[int, ...]:
        """For each class, the number of earlier classes with the same colour; then its bars are marked."""
        return tuple(self.on_dark[:at].count(colour) for at, colour in enumerate(self.on_dark))

    @property
    def labels(self) -> tuple[str, ...]:
        """The possible labels of a face: the classes, and `UNCERTAIN` last."""
        return (*self.names, UNCERTAIN)

    def index(self, name: str) -> int:
        """The index of a class.

        Raises:
            ValueError: there is no class of this name.
        """
        try:
            return self._index[name]
        except KeyError:
            raise ValueError(f"{name!r} is none of {self}") from None

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, index: int) -> str:
        return self.names[index]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __str__(self) -> str:
        return ", ".join(self.names)


def _check_names(names: tuple[str, ...]) -> None:
    if len(names) < 2:
        raise ValueError(f"there are two classes at least, not {len(names)}")
    if len(set(names)) < len(names):
        raise ValueError(f"a class is there twice: {', '.join(names)}")
    for name in names:
        if name != name.lower() or not _is_name(name):
            raise ValueError(f"{name!r} is no name for a class: lower-case letters, digits, _ and - are")
        # "frame_" would make a column of probabilities_... look like one of probabilities_frame_...
        if name in RESERVED or name.startswith(_FRAME):
            raise ValueError(f"{name!r} is no name for a class: it means something else in results")


def folder_name(text: str) -> str:
    """A folder's name in the form in which it is compared with classes: lower case, accents composed (NFC).

    macOS, and archives made there, use decomposed accents.
    """
    return composed(text.strip().lower())


def class_name(folder: str) -> str:
    """The class of a user's folder, from its name: hyphens replace all but letters, digits, _ and -."""
    kept = "".join(one if one == "-" or _in_word(one) else " " for one in folder_name(folder))
    return "-".join(kept.split())


def _is_name(text: str) -> bool:
    words = text.replace("-", "")
    return text[:1].isalnum() and _in_word(text[-1]) and all(map(_in_word, words))


def _in_word(character: str) -> bool:
    """Whether a character is part of a word; vowels and accents of many scripts are marks, not letters."""
    return character.isalnum() or character == "_" or unicodedata.category(character).startswith("M")


def _colours(names: tuple[str, ...]) -> tuple[str, ...]:
    known = _COLOURS if set(names) <= set(_COLOURS) else _AMONG_OTHERS
    others = [name for name in names if name not in known]
    taken = {known[name] for name in names if name in known}
    made = dict(zip(others, free(taken, len(others)), strict=True))
    return tuple(known.get(name) or made[name] for name in names)


SIX = Classes(tuple(emotion.label for emotion in Emotion))
"""The classes of the models that ship."""
EMOTIONS: tuple[str, ...] = SIX.names
"""Their names: the default classes of data sets."""

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
    """The classes of folders of labelled pictures.

    Attributes:
        classes: their names, in lower case.
        names: classes by folder name, beside those in `ALIASES`.
    """

    classes: tuple[str, ...] = EMOTIONS
    names: Mapping[str, str] = field(default_factory=dict)

    def of(self, folder: str) -> str | None:
        """The class of a folder's name, or None if it is none of them."""
        name = folder_name(folder)
        meant = (self.names.get(name), name, class_name(folder), ALIASES.get(name))
        return next((label for label in meant if label in self.classes), None)
