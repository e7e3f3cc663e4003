"""The options of a data set: which faces are taken, how they are cut out and held out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from emotion.models.classes import EMOTIONS, Labels, folder_name
from emotion.models.data.duplicates import MAX_DISTANCE, MIN_CORRELATION
from emotion.models.errors import DatasetError, OptionError
from emotion.models.options import Option, Spelling, check
from emotion.models.regions import REGIONS, Regions, read_region


def read_labels(pairs: Sequence[str]) -> dict[str, str]:
    """Classes by folder name, of texts like ``joyful=happiness``.

    Raises:
        ValueError: one of them is of another form.
    """
    broken = next((pair for pair in pairs if pair.count("=") != 1), None)
    if broken is not None:
        raise ValueError(f"{broken!r} is not of the form joyful=happiness")
    split = (pair.split("=") for pair in pairs)
    return {folder_name(folder): folder_name(emotion) for folder, emotion in split}


def _write_labels(labels: dict[str, str]) -> list[str]:
    return [f"{folder}={label}" for folder, label in labels.items()]


def _read_classes(text: str) -> tuple[str, ...]:
    return tuple(map(folder_name, text.split(",")))


LABELS = Option(
    help="Class of a folder with another name, for example joyful=happiness; may be repeated.",
    flags=("--map",),
    spelling=Spelling(read_labels, _write_labels, many=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetOptions:
    """How a data set is made."""

    TITLE: ClassVar[str] = "Data set"

    validation: Annotated[
        float,
        Option(help="Part held out for validation, if a root folder has no validation folder.", ge=0, lt=1),
    ] = 0.1
    test: Annotated[
        float, Option(help="Part held out for testing, if no root folder has a test folder.", ge=0, lt=1)
    ] = 0.1
    margin: Annotated[
        int, Option(help="Margin around each crop, for augmentation.", unit="pixels", ge=0, le=256)
    ] = 16
    labels: Annotated[dict[str, str], LABELS] = field(default_factory=dict)
    classes: Annotated[
        tuple[str, ...],
        Option(
            help="Classes, separated by commas.",
            spelling=Spelling(_read_classes, ",".join),
        ),
    ] = EMOTIONS
    regions: Annotated[
        tuple[str, ...],
        Option(
            help="Add a region to eyes and lips: 'face', or NAME=LEFT,TOP,WIDTH,HEIGHT on the canvas "
            "of 128 by 160 points, for example brows=8,12,112,36, with @1.5 at the end for 1.5 "
            "pixels per point; may be repeated.",
            metavar="REGION",
            flags=("--region",),
        ),
    ] = ()
    every: Annotated[
        float,
        Option(
            help="Time between two frames that are taken from a video; 0: every frame.", unit="seconds", ge=0
        ),
    ] = 0.5
    min_eye_distance: Annotated[
        float,
        Option(
            help="Smallest distance between the outer corners of the eyes; smaller faces are left out.",
            unit="pixels",
            ge=0,
            flags=("--min-size",),
        ),
    ] = 8.0
    max_alignment_error: Annotated[
        float,
        Option(
            help="Largest error of alignment to the frontal view; faces turned further are left out.",
            unit="canvas points",
            ge=0,
            flags=("--max-turn",),
        ),
    ] = 12.0
    max_hash_distance: Annotated[
        int,
        Option(
            help="Largest distance of the perceptual hashes of near duplicates.",
            unit="bits of 256",
            ge=0,
            le=256,
            expert=True,
        ),
    ] = MAX_DISTANCE
    min_correlation: Annotated[
        float,
        Option(
            help="Smallest correlation of fine structure that also makes two faces near duplicates.",
            ge=-1,
            le=1,
            expert=True,
        ),
    ] = MIN_CORRELATION
    seed: Annotated[int, Option(help="Random seed for the choice of held-out faces.", ge=0, le=2**32 - 1)] = 0

    def __post_init__(self) -> None:
        check(self)
        if self.validation + self.test >= 1:
            raise OptionError("test", "validation and test together leave nothing to train on.")
        if len(set(self.classes)) < max(2, len(self.classes)) or not all(map(_is_name, self.classes)):
            raise OptionError(
                "classes", "classes are two different names at least, in lower case, fit for folders."
            )
        try:
            self.places  # noqa: B018  regions that are none are found here
        except ValueError as error:
            raise OptionError("regions", f"{error}.") from error
        unknown = [name for name in self.labels.values() if name not in self.classes]
        if unknown:
            raise DatasetError(f"{unknown[0]!r} is none of the classes {', '.join(self.classes)}.")

    @property
    def places(self) -> Regions:
        """All regions that are cut out: eyes, lips, and the requested ones, which may redefine these."""
        asked = list(map(read_region, self.regions))
        moved = {region.name: region for region in asked if region.name in REGIONS}
        others = (region for region in asked if region.name not in REGIONS)
        return Regions((*(moved.get(region.name, region) for region in REGIONS), *others))

    @property
    def middle(self) -> tuple[slice, slice]:
        """A crop without its margin."""
        inner = slice(self.margin, -self.margin or None)
        return inner, inner

    @property
    def meaning(self) -> Labels:
        """The classes of the folders."""
        return Labels(self.classes, self.labels)


def _is_name(text: str) -> bool:
    return bool(text.strip(".")) and text == text.strip().lower() and not set(text) & set('/\\:*?"<>|,')
