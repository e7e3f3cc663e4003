"""The options of custom models. Plain data: neither Keras nor onnx is loaded for them."""

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
    """Initial weights, training and evaluation of a custom model."""

    TITLE: ClassVar[str] = "Learning"

    start_from: Annotated[
        Path,
        Option(
            help="Initial weights: included models, another model folder, random weights "
            "('scratch'), or your own network (a .keras file).",
            metavar="lite|standard|scratch|FOLDER|FILE",
            spelling=Spelling(model_folder, model_folder_name),
        ),
    ] = DEFAULT
    layers: Annotated[
        Learning,
        Option(
            help="Which layers are trained: the last, the upper or all; auto: depends on the number "
            "of photographs. All but 'last' need TensorFlow.",
        ),
    ] = "auto"
    regions: Annotated[
        tuple[str, ...],
        Option(
            help="Add a region to those of the initial models: 'face', or NAME=LEFT,TOP,WIDTH,HEIGHT "
            "on the canvas of 128 by 160 points, for example brows=8,12,112,36; may be "
            "repeated.",
            metavar="REGION",
            flags=("--region",),
        ),
    ] = ()
    size: Annotated[float, Option(help="Size of the crops, as a factor on the usual size.", ge=0.5, le=4)] = (
        1.0
    )
    architecture: Annotated[
        Architecture | None,
        Option(help="Network architecture of all regions; by default that of the initial models."),
    ] = None
    epochs: Annotated[
        int | None,
        Option(
            help="Maximum number of epochs when more than the last layers are trained; training "
            "stops earlier if the score no longer improves.",
            ge=1,
            le=1000,
        ),
    ] = None
    neutral: Annotated[
        str,
        Option(
            help="Class of a face at rest, for --baseline; by default 'neutral' if there is such a class."
        ),
    ] = ""
    group_by: Annotated[
        Path | None,
        Option(
            help="A CSV with the columns path and person. All photographs of a person stay on one "
            "side of a split."
        ),
    ] = None
    person: Annotated[
        str,
        Option(
            help="Regular expression for file names whose first group is the person, for example "
            "'([a-z]+)_'.",
            metavar="PATTERN",
        ),
    ] = ""
    hold_out: Annotated[
        float,
        Option(
            help="Part of each class that is held out for testing, if every class has 100 "
            "photographs; with fewer, all are tested by cross-validation.",
            ge=0,
            le=0.5,
        ),
    ] = 0.2
    every: Annotated[
        float,
        Option(
            help="Time between two frames that are taken from a video; 0: every frame.", unit="seconds", ge=0
        ),
    ] = 0.5
    int8: Annotated[bool, Option(help="Also write int8 models, if their predictions agree.")] = True
    about_data: Annotated[
        str, Option(help="Text for the model card: source and licence of the photographs.")
    ] = ""
    seed: Annotated[int, Option(help="Random seed for the choice of held-out faces.", ge=0, le=2**32 - 1)] = 0

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
        """Whether initial weights are random."""
        return self.start_from == SCRATCH

    @property
    def caution(self) -> str:
        """A caveat about the scores; empty with the included models or random weights."""
        if self.from_nothing or model_folder_name(self.start_from) != str(self.start_from):
            return ""
        return (
            f"If {self.start_from.name}, which it begins with, was trained on some of these photographs, "
            "the scores are too high."
        )

    @property
    def file(self) -> Path | None:
        """The initial network, if it is one file."""
        return self.start_from if self.start_from.suffix == ".keras" else None
