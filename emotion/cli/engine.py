"""The options that say how the models are run, the same for all commands that run them."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path, user_config_path

from emotion.benchmarks import tuning
from emotion.cli.console import errors
from emotion.models.engines.options import LandmarksChoice
from emotion.models.engines.providers import ProviderName
from emotion.models.engines.session import CPU_ONLY
from emotion.models.manifest import LITE, ZOO, PrecisionChoice
from emotion.realtime.session import Models, Workers, default_classifiers


def model_folder(name: str | Path) -> Path:
    """The folder that ``standard`` and ``lite`` stand for, or the one that is named."""
    return {"standard": ZOO, "lite": LITE}.get(str(name), Path(name))


ModelFolder = Annotated[
    Path,
    typer.Option(
        "--models",
        "--model",
        parser=model_folder,
        metavar="standard|lite|FOLDER",
        help="Models that ship: 'lite' has a small network for the eyes too; or a folder of your own.",
    ),
]
ProviderOption = Annotated[
    ProviderName, typer.Option(help="What runs the models: asked for by name it runs, or says why not.")
]
PrecisionOption = Annotated[
    PrecisionChoice, typer.Option(help="int8: the quantised models; auto: where there are any.")
]
LandmarksOption = Annotated[
    LandmarksChoice,
    typer.Option(help="What finds faces: MediaPipe, on the CPU; or its nets in ONNX Runtime, for GPUs."),
]
ThreadsOption = Annotated[
    int | None, typer.Option(min=0, help="Threads of each model on the CPU; 0: all cores.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Threads that run the models side by side; by default as cores.")
]

FindersOption = Annotated[
    int | None,
    typer.Option(min=1, max=8, help="Threads that follow faces, each through a share of the frames."),
]
StrideOption = Annotated[
    int,
    typer.Option(
        min=1,
        max=4,
        help="Look for faces in one of so many frames and put them between in the others; the models "
        "see every frame.",
    ),
]


def load_models(
    folder: Path,
    provider: ProviderName = "auto",
    threads: int | None = None,
    precision: PrecisionChoice = "auto",
    landmarks: LandmarksChoice = "mediapipe",
) -> Models:
    """`Models.load` with the user's cache folder; says what ``auto`` chose, where there was a choice."""
    cache = user_cache_path("emotion-live", appauthor=False)
    each = 1 if threads is None else threads
    loaded = Models.load(folder, provider, each, precision, landmarks, cache=cache)
    if provider == "auto" and loaded.eyes.choice != CPU_ONLY:
        errors.print(f"The models run on {loaded.eyes.choice}")
    if provider == "auto" and loaded.nets and loaded.nets.landmarks.choice != CPU_ONLY:
        errors.print(f"The landmark nets run on {loaded.nets.landmarks.choice}")
    return loaded


def how_many(
    threads: int | None,
    workers: int | None,
    finders: int | None,
    provider: ProviderName,
    precision: PrecisionChoice,
    stride: int = 1,
) -> tuple[int, Workers]:
    """Threads of a model, and workers: what was asked for, else what was found here, else the defaults."""
    if threads is None and workers is None and finders is None:
        found = tuning.recall(tuning_path(), provider, precision)
        if found:
            return found.threads, replace(found.workers, stride=stride)
    count = workers or default_classifiers()
    return 1 if threads is None else threads, Workers(count, finders or 1, stride=stride)


def tuning_path() -> Path:
    """Where ``emotion bench --tune`` writes down what it found."""
    return user_config_path("emotion-live", appauthor=False) / "tuning.json"
