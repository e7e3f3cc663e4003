"""The options of the stages: faces, and the vote on each of them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from emotion.models.errors import OptionError
from emotion.models.faces.visibility import MIN_VISIBLE
from emotion.models.options import DURATION, Option, Spelling, check
from emotion.realtime.details import DETAILS, Detail


def read_details(text: str) -> tuple[str, ...]:
    """The details in a comma-separated text, each once.

    Raises:
        ValueError: one of them is unknown.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in DETAILS:
            raise ValueError(f"{name!r} is none of {', '.join(DETAILS)}")
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceOptions:
    """Detection and tracking of faces.

    With two finders landmarks have slightly more jitter than with one, by less than a hundredth of the
    distance between the eyes; with a stride of two, at 30 frames a second, they differ by half a hundredth of
    it in the interpolated frames.
    """

    TITLE: ClassVar[str] = "Faces"

    max_faces: Annotated[int, Option(help="Maximum number of faces in a frame.", ge=1, le=20)] = 6
    finders: Annotated[
        int | None,
        Option(
            help="Number of threads that detect and follow faces; each takes a part of the frames. "
            "By default one for a video; for photographs one for each core.",
            ge=1,
            le=8,
        ),
    ] = None
    stride: Annotated[
        int | None,
        Option(
            help="Detect faces in every Nth frame of a file and interpolate their position in the frames "
            "between; the models still run on every frame. By default at least every 80 milliseconds: in "
            "every second frame at 25 to 36 frames a second, in every frame below.",
            ge=1,
            le=4,
        ),
    ] = None

    columns: Annotated[
        tuple[Detail, ...],
        Option(
            help=f"Additional columns for each face: {', '.join(DETAILS)}; landmarks only in Parquet "
            "and Python.",
            metavar="NAMES",
            spelling=Spelling(read_details, ",".join),
        ),
    ] = ()

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteOptions:
    """From the predictions for a face to its label.

    `certain` is twice the chance level. On 8,595 faces that the models were not trained on (the
    validation parts) the vote's largest probability is below 0.34 for 2%; there it is right in 30 to 38%,
    above in 78 to 79% (standard and lite). With a threshold of 0.55, 77 to 84% of RAF-DB's and FER+'s faces
    have a label, which is right for 88 to 92% of them; of web-faces' 71 to 72%, right for 73%:
    `docs/records/report.md` has the table.
    """

    TITLE: ClassVar[str] = "Vote"

    smooth: Annotated[
        float,
        Option(
            help="Time constant of the smoothing; 0: no smoothing, and the class with the largest "
            "probability in the frame is the label.",
            unit="seconds",
            ge=0,
        ),
    ] = 0.3
    baseline: Annotated[
        float,
        Option(
            help="Correct each person's probabilities by this much time of their own neutral face, "
            "for example 3s; 0: no correction.",
            unit="seconds",
            ge=0,
            metavar="TIME",
            spelling=DURATION,
        ),
    ] = 0.0
    certain: Annotated[
        float,
        Option(help="Smallest probability for a label; below it a face is uncertain.", ge=0, le=1),
    ] = 0.34
    doubtful: Annotated[
        float,
        Option(
            help="Probability below which a face that has a label becomes uncertain; between this "
            "and --certain nothing changes.",
            ge=0,
            le=1,
        ),
    ] = 0.30
    dwell: Annotated[
        float,
        Option(
            help="Dwell time: how long another class must lead, or a face must be uncertain, before "
            "the label changes. In a file the change is dated back to its beginning.",
            unit="seconds",
            ge=0,
        ),
    ] = 0.25
    lead: Annotated[
        float,
        Option(help="How far ahead the other class must be at least once during the dwell time.", ge=0, le=1),
    ] = 0.04
    margin: Annotated[
        float,
        Option(
            help="Lead in probability at which the label changes at once, without waiting for the "
            "dwell time.",
            ge=0,
            le=1,
        ),
    ] = 0.10
    causal: Annotated[
        bool,
        Option(
            help="Decide the labels of a file from past frames only, as for a live source; by "
            "default the second that follows counts too."
        ),
    ] = False
    min_visible: Annotated[
        float,
        Option(
            help="Part of a region that must lie inside the picture for half of its vote; 0.2 less: "
            "no vote, 0.2 more: the full vote.",
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
