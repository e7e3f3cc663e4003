"""The options of the exporters. Plain data: no training library is loaded for them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.options import Option, Spelling, check

Storage: TypeAlias = Literal["fp32", "fp16"]


def _read_storage(plain: bool) -> Storage:
    return "fp32" if plain else "fp16"


def _write_storage(storage: Storage) -> bool:
    return storage == "fp32"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """How a trained network is stored; computation is always float32."""

    TITLE: ClassVar[str] = "Export"

    storage: Annotated[
        Storage,
        Option(
            help="Store weights as float32 in place of float16; files are twice as large.",
            flags=("--fp32",),
            spelling=Spelling(_read_storage, _write_storage, switch=True),
        ),
    ] = "fp16"
    about_data: Annotated[
        str, Option(help="Text for the manifest: source and licence of the training photographs.")
    ] = ""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantiseOptions:
    """How int8 models are calibrated."""

    TITLE: ClassVar[str] = "Quantising"

    crops: Annotated[int, Option(help="Number of training crops for calibration.", ge=32, le=1_000_000)] = 512
    seed: Annotated[
        int, Option(help="Random seed for the choice of crops.", ge=0, le=2**32 - 1, expert=True)
    ] = 0

    def __post_init__(self) -> None:
        check(self)
