"""The options of a model of the user's own. Plain data: neither Keras nor onnx is loaded for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.engines.options import model_folder, model_folder_name
from emotion.models.errors import OptionError
from emotion.models.manifest import DEFAULT
from emotion.models.options import Option, Spelling, check
from emotion.models.regions import read_region
from emotion.models.training.options import Architecture

Learning: TypeAlias = Literal["auto", "last", "upper", "all"]

SCRATCH = Path("scratch")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOptions:
    """What a model of one's own begins with, and how it is judged."""

    TITLE: ClassVar[str] = "Learning"

    start_from: Annotated[
        Path,
        Option(
            help="What networks begin with: the models that ship, a folder of models, nothing ('scratch'), "
            "or a network of yours (a .keras file).",
            metavar="lite|standard|scratch|FOLDER|FILE",
            spelling=Spelling(model_folder, model_folder_name),
        ),
    ] = DEFAULT
    layers: Annotated[
        Learning,
        Option(
            help="What learns: the last layers alone, the upper ones, or all; auto: by how many photographs "
            "there are. More than the last layers needs TensorFlow.",
        ),
    ] = "auto"
    regions: Annotated[
        tuple[str, ...],
        Option(
            help="Look at this, too, beside what the models it begins with look at: 'face', or a name with "
            "left, top, width and height on the canvas of 128 by 160 points, as brows=8,12,112,36; may be "
            "repeated.",
            metavar="REGION",
            flags=("--region",),
        ),
    ] = ()
    size: Annotated[
        float, Option(help="Times the usual size of the crops that networks see.", ge=0.5, le=4)
    ] = 1.0
    architecture: Annotated[
        Architecture | None,
        Option(help="The network of all regions; by default each keeps the one that it begins with."),
    ] = None
    epochs: Annotated[
        int | None,
        Option(
            help="Passes at most where more than the last layers learns; they end where they help no more.",
            ge=1,
            le=1000,
        ),
    ] = None
    neutral: Annotated[
        str, Option(help="The class of a face at rest, for --baseline; 'neutral' where there is one.")
    ] = ""
    group_by: Annotated[
        Path | None,
        Option(help="Who is who: a CSV with columns path and person. A person stays on one side of a split."),
    ] = None
    person: Annotated[
        str,
        Option(
            help="Who is who by the file's name: a pattern whose first group is the person, as '([a-z]+)_'.",
            metavar="PATTERN",
        ),
    ] = ""
    hold_out: Annotated[
        float,
        Option(
            help="Share of each class that is kept to judge on, where each has 100 photographs; with fewer, "
            "all are judged by models that did not learn from them.",
            ge=0,
            le=0.5,
        ),
    ] = 0.2
    every: Annotated[
        float, Option(help="Of videos: the time between two frames; 0: all.", unit="seconds", ge=0)
    ] = 0.5
    int8: Annotated[bool, Option(help="Offer int8 models too, where they say the same.")] = True
    about_data: Annotated[str, Option(help="Which photographs these are, and their terms; for the card.")] = (
        ""
    )
    seed: Annotated[int, Option(help="Decides which faces are held out.", ge=0, le=2**32 - 1)] = 0

    def __post_init__(self) -> None:
        check(self)
        try:
            list(map(read_region, self.regions))
        except ValueError as error:
            raise OptionError("regions", f"{error}.") from error
        if self.from_nothing and self.layers == "last":
            raise OptionError(
                "layers", "what begins with nothing has no layers to keep: leave --layers away."
            )

    @property
    def from_nothing(self) -> bool:
        """Whether networks begin with random weights."""
        return self.start_from == SCRATCH

    @property
    def file(self) -> Path | None:
        """The network to begin with, where it is one file."""
        return self.start_from if self.start_from.suffix == ".keras" else None
