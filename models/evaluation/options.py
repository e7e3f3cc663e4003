"""The options of evaluation, and of fitting the vote."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.data.options import LABELS
from emotion.models.options import Option, Spelling, check, read_names

Part: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """The faces for the evaluation, and the use of the scores."""

    TITLE: ClassVar[str] = "Evaluation"

    from_set: Annotated[
        str | None, Option(help="Score only the faces of this root folder of a data set.", flags=("--set",))
    ] = None
    part: Annotated[Part, Option(help="Part to score, of a data set or of a folder with such parts.")] = (
        "test"
    )
    title: Annotated[str, Option(help="Title of the report; by default the folder's name.")] = ""
    labels: Annotated[dict[str, str], LABELS] = field(default_factory=dict)
    record: Annotated[
        bool, Option(help="Write the scores into the model folder, which must be your own.")
    ] = False
    smaller: Annotated[
        int, Option(help="Number of photographs that are also scored at smaller sizes; 0: none.", ge=0)
    ] = 600
    overwrite: Annotated[
        bool, Option(help="Replace existing files, including files that this program did not write.")
    ] = False

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsOptions:
    """How the rules of the vote are fitted."""

    TITLE: ClassVar[str] = "Vote"

    explain: Annotated[bool, Option(help="Only explain the present rule in words.")] = False
    rule: Annotated[
        str | None,
        Option(
            help="Use this rule, not the best one: equal, source, product, stacking, 'equal of three', "
            "'product of three' or 'stacking of three'."
        ),
    ] = None
    by_default: Annotated[
        tuple[str, ...],
        Option(
            help="Regions that vote when --regions is not given, for example eyes,lips; by default all.",
            metavar="NAMES",
            flags=("--by-default",),
            spelling=Spelling(read_names, ",".join),
        ),
    ] = ()
    blendshapes: Annotated[
        bool, Option(help="Also try rules with a classifier of the blendshapes as third predictor.")
    ] = True

    def __post_init__(self) -> None:
        check(self)
