"""The commands that make models: dataset, train, export."""

from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.table import Table

from emotion.cli.console import console, counting, errors, shown
from emotion.cli.engine import ModelFolder
from emotion.models.classes import EMOTIONS
from emotion.models.data.dataset import DatasetOptions, make_dataset
from emotion.models.engines.session import RegionModel
from emotion.models.errors import MissingDependencyError
from emotion.models.evaluation.predictions import predictions_of_models
from emotion.models.manifest import ZOO, PrecisionChoice
from emotion.models.shipped import refuse_shipped
from emotion.realtime.sinks.overwrite_guard import keep_apart

app = typer.Typer()

DATA = Path("data/faces")
RUNS = Path("runs")
MODELS = Path("my-model")

DataFolder = Annotated[Path, typer.Option("--data", help="Data set made by 'emotion dataset'.")]


class Architecture(StrEnum):
    """A network that a region can be looked at with."""

    DENSENET201 = "densenet201"
    RESNET29 = "resnet29"


class Region(StrEnum):
    """What a model looks at."""

    EYES = "eyes"
    LIPS = "lips"


class View(StrEnum):
    """What a network looks at while it learns."""

    EYES = "eyes"
    LIPS = "lips"
    FACE = "face"


@app.command()
def dataset(
    roots: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of labelled faces: a folder per class, or train/validation/test of such."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The data set's folder.")] = DATA,
    validation: Annotated[float, typer.Option(help="Share held out for choosing.")] = 0.1,
    test: Annotated[
        float, typer.Option(help="Share held out for measuring, where no root has a test folder.")
    ] = 0.1,
    margin: Annotated[int, typer.Option(help="Pixels around each crop, for augmentation.")] = 16,
    names: Annotated[
        list[str] | None,
        typer.Option("--map", help="A class for a folder of another name, as joyful=happiness."),
    ] = None,
    classes: Annotated[
        str,
        typer.Option(
            help="Sort faces into these, separated by commas; networks and vote know the six emotions only."
        ),
    ] = ",".join(EMOTIONS),
    every: Annotated[float, typer.Option(help="Of videos: seconds between two frames; 0: all.")] = 0.5,
    min_size: Annotated[
        float, typer.Option(help="Pixels between the outer eye corners; smaller faces are left out.")
    ] = 8.0,
    max_turn: Annotated[
        float, typer.Option(help="How badly a face may fit the front view; more turned ones are left out.")
    ] = 12.0,
    workers: Annotated[int | None, typer.Option(help="Processes; all cores by default.")] = None,
    parts: Annotated[
        Path | None,
        typer.Option(help="A manifest whose faces keep their part: models/zoo/parts.parquet to train on."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which faces are held out.")] = 0,
) -> None:
    """Cut eyes and lips out of labelled photographs and videos, and split them to train and measure."""
    try:
        options = DatasetOptions(
            margin=margin,
            validation=validation,
            test=test,
            min_eye_distance=min_size,
            max_alignment_error=max_turn,
            every=every,
            labels=folder_labels(names or []),
            classes=tuple(name.strip().lower() for name in classes.split(",")),
            seed=seed,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    results = [output, *(output / name for name in ("manifest.parquet", "rejected.csv"))]
    refuse_shipped(output)
    keep_apart([*roots, parts], results)
    with counting("Looking at faces") as progress:
        summary = make_dataset(roots, output, options, workers, progress, parts, errors.print)
    table = Table("faces", *options.classes, "all")
    for part, counts in summary.faces.items():
        table.add_row(part, *map(str, counts.values()), str(sum(counts.values())))
    console.print(table)
    for reason, count in summary.rejected.items():
        console.print(f"left out, {reason}: {count}")
    console.print(f"A look at each emotion: {shown(output / 'montage')}")
    console.print(
        f"Data set in {shown(output)}; what was left out, and why, in {shown(output / 'rejected.csv')}"
    )


@app.command()
def train(
    view: Annotated[
        View, typer.Argument(help="What the network looks at; one of the face is a teacher for the others.")
    ],
    data: DataFolder = DATA,
    run: Annotated[Path | None, typer.Option(help="The run's folder; runs/<view> by default.")] = None,
    epochs: Annotated[
        str,
        typer.Option(help="Passes at each image size, as COUNT@SIZE: 8@0.667,4@1 trains 8 at two thirds."),
    ] = "8@0.667,4@1",
    cap: Annotated[
        list[str] | None,
        typer.Option(help="SET=COUNT: an epoch takes at most COUNT faces of each emotion from SET."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Faces a step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="AdamW's peak.")] = 2e-3,
    blendshapes: Annotated[
        float, typer.Option(help="Weight of the blendshapes' loss beside the emotions'; 0: none.")
    ] = 1.0,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="Mix opinions into the labels: the vote of a model folder, or the mean of finished runs, "
            "each asked about the faces that its fold left out."
        ),
    ] = None,
    teacher_weight: Annotated[float, typer.Option(help="Share of the teacher in a target.")] = 0.5,
    mixup: Annotated[
        float, typer.Option(help="Let pictures show through others, by a beta distribution; 0: never.")
    ] = 0.0,
    fold: Annotated[
        str, typer.Option(help="INDEX/COUNT: leave one of COUNT parts of the training faces out.")
    ] = "0/1",
    share: Annotated[
        float, typer.Option(help="Learn from this share of the faces only: for learning curves.")
    ] = 1.0,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Compute in bfloat16; pays on GPUs and processors with AMX.")
    ] = False,
    architecture: Annotated[
        Architecture | None,
        typer.Option(help="The network; densenet201 for the eyes and resnet29 for the others by default."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of first weights, order and augmentation.")] = 0,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Begin with a trained .keras file, or with the model of a model folder (models/zoo), "
            "in place of random weights."
        ),
    ] = None,
) -> None:
    """Train the eyes' or the lips' network, or a teacher. A run that was stopped goes on where it was."""
    folder = run or RUNS / view.value
    results = [folder, *(folder / name for name in ("model.keras", "checkpoint.keras"))]
    refuse_shipped(folder)
    keep_apart([data, start_from, *(teacher or ())], results)
    training = _training()
    try:
        options = training.TrainingOptions(
            view.value,
            sizes=_sizes(epochs),
            caps=_caps(cap or []),
            batch=batch,
            learning_rate=learning_rate,
            blendshape_weight=blendshapes,
            mixup=mixup,
            teacher_weight=teacher_weight if teacher else 0.0,
            fold=_fold(fold),
            share=share,
            architecture=architecture.value if architecture else None,
            precision="bfloat16" if bfloat16 else "float32",
            seed=seed,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if options.sizes[-1][1] < 1:
        errors.print(
            f"The last passes see pictures at {options.sizes[-1][1]:g} of their size; the exported network "
            "sees them at their full size, which it then does not know. End with a stage like 4@1."
        )
    if start_from and start_from.is_dir():
        start_from = _restored(view, options.network, start_from, data, folder)
    with counting(f"Training the {view.value}") as progress:
        model = training.train(
            data,
            folder,
            options,
            start_from,
            (lambda: _opinions(teacher, data)) if teacher else None,
            lambda row: console.print(
                f"epoch {row.epoch} of {options.epochs} at {row.height}x{row.width}: loss {row.loss:.3f}, "
                f"validation {row.validation_loss:.3f}, "
                f"balanced accuracy {row.validation_balanced_accuracy:.1%} ({row.seconds:.0f} s)"
            ),
            progress,
        )
    console.print(f"Trained network in {shown(model)}, curves in {shown(folder / 'curves.png')}")


@app.command()
def export(
    region: Region,
    trained: Annotated[
        Path | None, typer.Argument(help="A model.keras; that of runs/<region> by default.")
    ] = None,
    data: DataFolder = DATA,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder of your own.")] = MODELS,
    fp32: Annotated[bool, typer.Option("--fp32", help="Store weights as float32: twice the size.")] = False,
    about_data: Annotated[str, typer.Option(help="Which photographs it learnt from; for the manifest.")] = "",
) -> None:
    """Turn a trained network into ONNX, and prove that both say the same on real crops."""
    try:
        from emotion.exporters.export import export as run_export  # noqa: PLC0415
    except ImportError as error:
        raise _needs_training(error) from error
    refuse_shipped(output)
    path = trained or RUNS / region.value / "model.keras"
    keep_apart(
        [path, data / "manifest.parquet"], [output / f"{region.value}.{kind}" for kind in ("onnx", "json")]
    )
    made = run_export(region.value, path, data, output, "fp32" if fp32 else "fp16", about_data, console.print)
    console.print(f"{shown(made.model)}, with {shown(made.manifest)}")


@app.command()
def quantise(
    regions: Annotated[list[Region] | None, typer.Argument(help="Which models; both by default.")] = None,
    data: DataFolder = DATA,
    models: ModelFolder = ZOO,
    crops: Annotated[int, typer.Option(min=32, help="Training crops to calibrate with.")] = 512,
) -> None:
    """Make the models of your own folder in int8 as well, faster on a CPU, where they say the same."""
    refuse_shipped(models)
    try:
        from emotion.exporters.quantise import quantise as run_quantise  # noqa: PLC0415
    except ImportError as error:
        raise _needs_training(error) from error
    for region in regions or list(Region):
        made = run_quantise(region.value, models, data, crops, say=console.print)
        console.print(f"{shown(made.model)}, with {shown(made.manifest)}")


def load_models(folder: Path, precision: PrecisionChoice = "fp32") -> tuple[RegionModel, RegionModel]:
    """The eyes' and the lips' model of a folder, on all cores."""
    eyes, lips = (RegionModel(folder, region, "cpu", 0, precision) for region in ("eyes", "lips"))
    return eyes, lips


def folder_labels(pairs: list[str]) -> dict[str, str]:
    """Emotions by folder name, of texts like ``joyful=happiness``."""
    broken = next((pair for pair in pairs if pair.count("=") != 1), None)
    if broken is not None:
        raise typer.BadParameter(f"{broken!r} is not of the form joyful=happiness")
    split = (pair.lower().split("=") for pair in pairs)
    return {folder.strip(): emotion.strip() for folder, emotion in split}


def _sizes(text: str) -> tuple[tuple[int, float], ...]:
    try:
        pairs = [stage.split("@") for stage in text.split(",")]
        return tuple((int(count), float(size)) for count, size in pairs)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not of the form 8@0.667,4@1") from error


def _caps(texts: list[str]) -> tuple[tuple[str, int], ...]:
    try:
        pairs = [text.rsplit("=", 1) for text in texts]
        return tuple((name, int(count)) for name, count in pairs)
    except ValueError as error:
        raise typer.BadParameter(f"{' '.join(texts)!r} is not of the form SET=COUNT") from error


def _fold(text: str) -> tuple[int, int]:
    try:
        index, count = map(int, text.split("/"))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not of the form 0/4") from error
    return index, count


def _opinions(teachers: list[Path], data: Path) -> npt.NDArray[np.float32]:
    """What a model folder says of the training faces, or finished runs together."""
    if len(teachers) == 1 and not (teachers[0] / "run.json").exists():
        return predictions_of_models(teachers[0], data)
    from emotion.models.training.distillation import predictions_of_runs  # noqa: PLC0415

    return predictions_of_runs(teachers, data)


def _restored(view: View, architecture: str, models: Path, data: Path, run: Path) -> Path:
    """The model of a model folder, or face recognition, as a Keras network; made once a run."""
    path = run / "start.keras"
    if not path.exists():
        try:
            from emotion.exporters import recognition, restore  # noqa: PLC0415
        except ImportError as error:
            raise _needs_training(error) from error
        if recognition.is_recognition(models):
            if architecture != Architecture.RESNET29:
                raise typer.BadParameter("face recognition begins a resnet29: add --architecture resnet29")
            recognition.begin(view.value, models, data, path)
            console.print(f"Beginning with the face recognition in {shown(models)}")
        elif view is View.FACE:
            raise typer.BadParameter(f"{shown(models)} has no model that sees the whole face to begin with")
        else:
            restore.restore(Region(view).value, models, data, path)
            console.print(f"Going on from the {view.value} model in {shown(models)}")
    return path


def _training() -> ModuleType:
    errors.print("Starting Keras (some ten seconds) ...")
    try:
        from emotion.models.training import trainer as training  # noqa: PLC0415
    except ImportError as error:
        raise _needs_training(error) from error
    return training


def _needs_training(error: ImportError) -> MissingDependencyError:
    return MissingDependencyError(
        f"This command needs TensorFlow, which only training needs ({error}). "
        "Install it with: pip install 'emotion-live[cpu,train]'"
    )
