"""The options of measuring models and of fitting their vote."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.data.options import LABELS
from emotion.models.options import Option, Spelling, check, read_names

Part: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """Which faces models are scored on, and what becomes of the scores."""

    TITLE: ClassVar[str] = "Evaluation"

    from_set: Annotated[
        str | None, Option(help="Of a data set: only the faces from this root.", flags=("--set",))
    ] = None
    part: Annotated[Part, Option(help="Of a data set: which part.")] = "test"
    title: Annotated[str, Option(help="What the faces are; the folder's name by default.")] = ""
    labels: Annotated[dict[str, str], LABELS] = field(default_factory=dict)
    record: Annotated[bool, Option(help="Write the scores into the model folder, one of your own.")] = False
    smaller: Annotated[
        int, Option(help="How many photographs to look at from afar as well; 0: none.", ge=0)
    ] = 600
    overwrite: Annotated[
        bool, Option(help="Replace files that are there, also those that are no results of this program.")
    ] = False

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsOptions:
    """How the rules of the vote are fitted."""

    TITLE: ClassVar[str] = "Vote"

    explain: Annotated[bool, Option(help="Only say in words what the weights are and why.")] = False
    rule: Annotated[
        str | None,
        Option(help="Use this rule, whatever the comparison says: source, equal, product, stacking ..."),
    ] = None
    by_default: Annotated[
        tuple[str, ...],
        Option(
            help="The regions that vote where no --regions are named, as eyes,lips; by default all.",
            metavar="NAMES",
            flags=("--by-default",),
            spelling=Spelling(read_names, ",".join),
        ),
    ] = ()
    blendshapes: Annotated[
        bool, Option(help="Let a small classifier of the blendshapes compete as a third opinion.")
    ] = True

    def __post_init__(self) -> None:
        check(self)
