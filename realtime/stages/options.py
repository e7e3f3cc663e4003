"""The options of the stages: faces, and the vote on each of them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from emotion.models.errors import OptionError
from emotion.models.faces.visibility import MIN_VISIBLE
from emotion.models.options import DURATION, Option, Spelling, check
from emotion.realtime.details import DETAILS, Detail


def read_details(text: str) -> tuple[str, ...]:
    """The details named with commas between, each once.

    Raises:
        ValueError: one of them is none.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in DETAILS:
            raise ValueError(f"{name!r} is none of {', '.join(DETAILS)}")
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceOptions:
    """How faces are found and followed.

    With more than one finder landmarks tremble a little more than with one, by less than a hundredth of
    the distance between the eyes; with a stride of two, at 30 frames a second, they lie half a hundredth
    of it away in the frames between.
    """

    TITLE: ClassVar[str] = "Faces"

    max_faces: Annotated[int, Option(help="The most faces in a picture.", ge=1, le=20)] = 6
    finders: Annotated[
        int | None,
        Option(help="Threads that follow faces, each through a share of the frames.", ge=1, le=8),
    ] = None
    stride: Annotated[
        int,
        Option(
            help="Look for faces in one of so many frames and put them between in the others; the models "
            "see every frame.",
            ge=1,
            le=4,
        ),
    ] = 1

    columns: Annotated[
        tuple[Detail, ...],
        Option(
            help=f"What else to tell of each face, of {', '.join(DETAILS)}; landmarks in Parquet and Python.",
            metavar="NAMES",
            spelling=Spelling(read_details, ",".join),
        ),
    ] = ()

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteOptions:
    """How what the models say of a face becomes an answer.

    `certain` is twice what chance gives. On 8,595 faces that the models did not learn from (the
    validation parts) the vote's largest share is below 0.34 on 2 of 100; there it is right in 30 to 38%,
    above in 78 to 79% (standard and lite). From 0.55 on, 77 to 84% of RAF-DB's and FER+'s faces are named,
    and 88 to 92% of those rightly; of web-faces' 71 to 72%, 73% rightly: `docs/records/report.md` has the
    table.
    """

    TITLE: ClassVar[str] = "Vote"

    smooth: Annotated[
        float,
        Option(
            help="Time constant of the smoothing; 0: each picture alone, and its largest share is the label.",
            unit="seconds",
            ge=0,
        ),
    ] = 0.3
    baseline: Annotated[
        float,
        Option(
            help="Measure each person by so much of their own neutral face, for example 3s; 0: nobody.",
            unit="seconds",
            ge=0,
            metavar="TIME",
            spelling=DURATION,
        ),
    ] = 0.0
    certain: Annotated[
        float,
        Option(help="The share from which a face is given a name; below it is uncertain.", ge=0, le=1),
    ] = 0.34
    doubtful: Annotated[
        float,
        Option(help="That below which the name is withdrawn; between the two what was, stays.", ge=0, le=1),
    ] = 0.30
    dwell: Annotated[
        float,
        Option(
            help="So long another emotion must lead, or a face be certain or uncertain, before the label, "
            "subtitles and events say so. Of a file it is known beforehand.",
            unit="seconds",
            ge=0,
        ),
    ] = 0.25
    lead: Annotated[
        float,
        Option(help="How far it must be ahead at some time while it leads.", ge=0, le=1),
    ] = 0.04
    margin: Annotated[
        float,
        Option(
            help="How far the longest bar may be ahead of the label's; beyond, the label changes at once.",
            ge=0,
            le=1,
        ),
    ] = 0.10
    causal: Annotated[
        bool,
        Option(help="Decide about a file by what was alone, as live; not by what follows, too."),
    ] = False
    min_visible: Annotated[
        float,
        Option(
            help="The share of a region that must lie inside the picture for half of its vote; 0.2 less "
            "silence it, 0.2 more give it its full vote.",
            ge=0,
            le=1,
            expert=True,
        ),
    ] = MIN_VISIBLE

    def __post_init__(self) -> None:
        check(self)
        if self.lead > self.margin:
            raise OptionError("lead", f"lead is at most margin ({self.margin:g}), not {self.lead:g}.")
        if self.doubtful > self.certain:
            raise OptionError(
                "doubtful", f"doubtful is at most certain ({self.certain:g}), not {self.doubtful:g}."
            )
