"""The options on how the models are run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.engines.providers import ProviderName
from emotion.models.manifest import DEFAULT, LITE, ZOO, PrecisionChoice
from emotion.models.options import Option, Spelling, check, read_names

LandmarksChoice: TypeAlias = Literal["mediapipe", "onnx"]
"""What finds faces: MediaPipe itself, or its nets in ONNX Runtime."""

_SHIPPED = {"lite": LITE, "standard": ZOO}


def user_models() -> Path:
    """The user's folder for models, where each has a folder of its own; it need not be there."""
    from platformdirs import user_data_path  # noqa: PLC0415  not needed where nobody looks

    return user_data_path("emotion-live", appauthor=False) / "models"


def known_models() -> dict[str, Path]:
    """The folders of models that have names: those that ship, and those in the user's folder."""
    own = user_models()
    folders = sorted(path for path in own.iterdir() if path.is_dir()) if own.is_dir() else []
    return {path.name: path for path in folders} | _SHIPPED


def model_folder(name: str | Path) -> Path:
    """The folder that ``lite`` and ``standard`` stand for, or the one that is named.

    A name alone that is no folder here is one of the user's folder for models, where that has it.
    """
    if str(name) in _SHIPPED:
        return _SHIPPED[str(name)]
    path = Path(name)
    if len(path.parts) == 1 and not path.exists() and (user_models() / path).is_dir():
        return user_models() / path
    return path


def model_folder_name(folder: Path) -> str:
    """The word for a folder that ships, or its path."""
    return next((name for name, shipped in _SHIPPED.items() if shipped == folder), str(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which models run, on what, and in how many threads."""

    TITLE: ClassVar[str] = "Models"

    models: Annotated[
        Path,
        Option(
            help="Models that ship: 'lite'; 'standard', with DenseNet201 for the eyes; or your own folder.",
            metavar="lite|standard|FOLDER",
            flags=("--models", "--model"),
            spelling=Spelling(model_folder, model_folder_name),
        ),
    ] = DEFAULT
    regions: Annotated[
        tuple[str, ...],
        Option(
            help="Only these regions of the face vote, as eyes,lips; by default all that the folder weighs.",
            metavar="NAMES",
            spelling=Spelling(read_names, ",".join),
        ),
    ] = ()
    provider: Annotated[
        ProviderName, Option(help="What runs the models: asked for by name it runs, or says why not.")
    ] = "auto"
    precision: Annotated[
        PrecisionChoice, Option(help="int8: the quantised models; auto: where there are any.")
    ] = "auto"
    landmarks: Annotated[
        LandmarksChoice,
        Option(help="What finds faces: MediaPipe, on the CPU; or its nets in ONNX Runtime, for GPUs."),
    ] = "mediapipe"
    threads: Annotated[
        int | None, Option(help="Threads of each model on the CPU; 0: all cores.", ge=0, le=256)
    ] = None
    workers: Annotated[
        int | None,
        Option(help="Threads that run the models side by side; by default as cores.", ge=1, le=256),
    ] = None
    batch: Annotated[
        int,
        Option(help="The most pictures of a file that a worker takes at once.", ge=1, le=1024, expert=True),
    ] = 8

    def __post_init__(self) -> None:
        check(self)
