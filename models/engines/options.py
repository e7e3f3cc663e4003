"""The options on how the models are run."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

from emotion.models.engines.providers import ProviderName
from emotion.models.manifest import DEFAULT, LITE, ZOO, PrecisionChoice
from emotion.models.names import expanded
from emotion.models.options import Option, Spelling, check, read_names
from emotion.models.user_folders import user_folder

LandmarksChoice: TypeAlias = Literal["auto", "onnx", "mediapipe"]
"""The landmark detectors: MediaPipe's nets in ONNX Runtime, or MediaPipe itself."""

_SHIPPED = {"lite": LITE, "standard": ZOO}


def user_models() -> Path:
    """The user's folder for models, where each has a folder of its own; it need not be there."""
    return user_folder("data") / "models"


def known_models() -> dict[str, Path]:
    """The folders of models that have names: those that ship, and those in the user's folder."""
    try:
        folders = sorted(path for path in user_models().iterdir() if path.is_dir())
    except OSError:  # it is not there, or is another user's, as after `sudo -u`
        folders = []
    return {path.name: path for path in folders} | _SHIPPED


def model_folder(name: str | Path) -> Path:
    """The folder of ``lite`` or ``standard``, or the one that is named.

    A name alone that is no folder here is one of the user's folder for models, where that has it.
    """
    if str(name) in _SHIPPED:
        return _SHIPPED[str(name)]
    path = Path(expanded(str(name)))
    if len(path.parts) == 1 and not path.exists() and os.path.isdir(user_models() / path):
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
            help="Models to use: 'lite' or 'standard' (DenseNet201 for the eyes), which are "
            "included, or your own model folder.",
            metavar="lite|standard|FOLDER",
            flags=("--models", "--model"),
            spelling=Spelling(model_folder, model_folder_name),
        ),
    ] = DEFAULT
    regions: Annotated[
        tuple[str, ...],
        Option(
            help="Regions of the face that vote, for example eyes,lips; by default those that the "
            "model folder names.",
            metavar="NAMES",
            spelling=Spelling(read_names, ",".join),
        ),
    ] = ()
    provider: Annotated[
        ProviderName,
        Option(
            help="ONNX Runtime execution provider; auto: the first that works. If a "
            "named one does not work, the run ends with an error."
        ),
    ] = "auto"
    precision: Annotated[
        PrecisionChoice,
        Option(
            help="Numeric precision of the models; int8: the quantised models; "
            "auto: int8 where the folder has it."
        ),
    ] = "auto"
    landmarks: Annotated[
        LandmarksChoice,
        Option(
            help="Face detector and landmarks: MediaPipe's networks in ONNX Runtime (onnx: on the "
            "provider), or MediaPipe itself; auto: the networks on the CPU, and MediaPipe for poses."
        ),
    ] = "auto"
    threads: Annotated[
        int | None,
        Option(help="Number of CPU threads for each model; by default 1; 0: all cores.", ge=0, le=256),
    ] = None
    workers: Annotated[
        int | None,
        Option(
            help="Number of threads that run the models in parallel; by default the number of cores.",
            ge=1,
            le=256,
        ),
    ] = None
    batch: Annotated[
        int,
        Option(help="Maximum number of frames of a file in one batch.", ge=1, le=1024, expert=True),
    ] = 8

    def __post_init__(self) -> None:
        check(self)
