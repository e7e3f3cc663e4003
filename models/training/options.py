"""The options of a training run. Plain data: Keras is not loaded for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.errors import OptionError
from emotion.models.options import Option, Spelling, check
from emotion.models.training.inputs import View, view_size

Architecture: TypeAlias = Literal["densenet201", "densenet121", "mobilenet", "resnet29"]
Precision: TypeAlias = Literal["float32", "bfloat16"]

TITLES: dict[Architecture, str] = {
    "densenet201": "DenseNet201",
    "densenet121": "DenseNet121",
    "mobilenet": "MobileNet",
    "resnet29": "ResNet-29",
}
"""What manifests call them."""
STANDARD: dict[View, Architecture] = {"eyes": "densenet201", "lips": "resnet29", "face": "resnet29"}
"""The default architecture of each view."""
LAST_FROZEN_BLOCK = 9
"""The last block of a whole-face MobileNet that is not trained where only the upper ones are."""


def read_sizes(text: str) -> tuple[tuple[int, float], ...]:
    """(epochs, share of the side) of a text such as ``8@0.667,4@1``.

    Raises:
        ValueError: it is of another form.
    """
    try:
        pairs = [stage.split("@") for stage in text.split(",")]
        return tuple((int(count), float(size)) for count, size in pairs)
    except ValueError as error:
        raise ValueError(f"{text!r} is not of the form 8@0.667,4@1") from error


def _write_sizes(sizes: Sequence[tuple[int, float]]) -> str:
    return ",".join(f"{count}@{size:g}" for count, size in sizes)


def read_caps(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """(set, most faces) of texts such as ``web-faces=500``.

    Raises:
        ValueError: one of them is of another form.
    """
    try:
        pairs = [text.rsplit("=", 1) for text in texts]
        return tuple((name, int(count)) for name, count in pairs)
    except ValueError as error:
        raise ValueError(f"{' '.join(texts)!r} is not of the form SET=COUNT") from error


def _write_caps(caps: Sequence[tuple[str, int]]) -> list[str]:
    return [f"{name}={count}" for name, count in caps]


def read_fold(text: str) -> tuple[int, int]:
    """(index, count) of a text such as ``0/4``.

    Raises:
        ValueError: it is of another form.
    """
    try:
        index, count = map(int, text.split("/"))
    except ValueError as error:
        raise ValueError(f"{text!r} is not of the form 0/4") from error
    return index, count


def _write_fold(fold: tuple[int, int]) -> str:
    return "{}/{}".format(*fold)


def _read_bfloat16(wanted: bool) -> Precision:
    return "bfloat16" if wanted else "float32"


def _write_bfloat16(precision: Precision) -> bool:
    return precision == "bfloat16"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How a network is trained.

    `caps` are for sets that would outweigh the others; the faces of each epoch are drawn separately.
    Of `share`, a smaller one is part of every larger one.
    """

    TITLE: ClassVar[str] = "Training"

    view: Annotated[
        View,
        Option(
            help="Part of the face that the network sees; the whole face is for teachers of the others.",
            positional=True,
        ),
    ]
    sizes: Annotated[
        tuple[tuple[int, float], ...],
        Option(
            help="Epochs at each image size, as COUNT@SIZE: 8@0.667,4@1 trains 8 epochs at two "
            "thirds of the size, then 4 at the full size.",
            gt=0,
            flags=("--epochs",),
            spelling=Spelling(read_sizes, _write_sizes),
        ),
    ] = ((8, 0.667), (4, 1.0))
    caps: Annotated[
        tuple[tuple[str, int], ...],
        Option(
            help="SET=COUNT: use at most COUNT faces of each class from SET in an epoch; may be repeated.",
            ge=1,
            flags=("--cap",),
            spelling=Spelling(read_caps, _write_caps, many=True),
        ),
    ] = ()
    batch: Annotated[int, Option(help="Batch size.", ge=1, le=65536)] = 64
    learning_rate: Annotated[
        float,
        Option(
            help="Peak learning rate of AdamW (Loshchilov & Hutter 2019), after warm-up and before decay.",
            gt=0,
        ),
    ] = 2e-3
    warm_up: Annotated[
        float, Option(help="Part of all steps in which the learning rate rises.", ge=0, le=1, expert=True)
    ] = 0.05
    weight_decay: Annotated[float, Option(help="Weight decay, on kernels only.", ge=0, expert=True)] = 0.05
    label_smoothing: Annotated[
        float,
        Option(
            help="Label smoothing: part of each target that is spread over all classes.",
            ge=0,
            lt=1,
            expert=True,
        ),
    ] = 0.1
    mixup: Annotated[
        float, Option(help="Parameter of the beta distribution of mixup; 0: no mixup.", ge=0)
    ] = 0.0
    blendshape_weight: Annotated[
        float,
        Option(
            help="Weight of the loss on blendshapes, relative to that on classes; 0: none.",
            ge=0,
            flags=("--blendshapes",),
        ),
    ] = 1.0
    teacher_weight: Annotated[
        float, Option(help="Weight of the teacher's prediction in the training target.", ge=0, le=1)
    ] = 0.0
    fold: Annotated[
        tuple[int, int],
        Option(
            help="INDEX/COUNT: leave out one of COUNT parts of the training faces, for predictions "
            "on faces that the network was not trained on; 0/1: leave out none.",
            ge=0,
            spelling=Spelling(read_fold, _write_fold),
        ),
    ] = (0, 1)
    share: Annotated[
        float, Option(help="Train on this part of the faces only, for learning curves.", gt=0, le=1)
    ] = 1.0
    architecture: Annotated[
        Architecture | None,
        Option(help="Network architecture; by default densenet201 for the eyes and resnet29 for the others."),
    ] = None
    precision: Annotated[
        Precision,
        Option(
            help="Compute in bfloat16; faster on GPUs and on processors with AMX.",
            flags=("--bfloat16",),
            spelling=Spelling(_read_bfloat16, _write_bfloat16, switch=True),
        ),
    ] = "float32"
    seed: Annotated[
        int, Option(help="Random seed for initial weights, order and augmentation.", ge=0, le=2**32 - 1)
    ] = 0

    def __post_init__(self) -> None:
        check(self)
        if not self.sizes or any(count < 1 or scale > 1 for count, scale in self.sizes):
            raise OptionError(
                "sizes", "sizes are passes, one at least, at a share of the side, above 0 and at most 1."
            )
        if self.fold[0] >= self.fold[1]:
            raise OptionError("fold", "a fold is one of several, counted from 0: 0/4 to 3/4.")

    @property
    def network(self) -> Architecture:
        """The architecture; by default the view's own."""
        return self.architecture or STANDARD[self.view]

    @property
    def epochs(self) -> int:
        """Passes over the training part in all."""
        return sum(count for count, _ in self.sizes)

    def size_of_epoch(self, epoch: int) -> tuple[int, int]:
        """(height, width) in pixels that epoch `epoch` (from 0) is trained at."""
        height, width = view_size(self.view)
        for count, scale in self.sizes:
            if epoch < count:
                return round(height * scale), round(width * scale)
            epoch -= count
        return height, width
