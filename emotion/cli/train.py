"""The command `emotion train`: a network for the eyes or the lips, or a teacher for them."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from emotion.cli.console import console, errors, shown
from emotion.cli.parameters import with_options
from emotion.cli.places import DATA, RUNS, DataFolder, needs_training
from emotion.cli.progress import counting, resumable
from emotion.models.data.fingerprints import Fingerprints, of_models
from emotion.models.engines.options import model_folder, model_folder_name
from emotion.models.errors import ModelFileError
from emotion.models.evaluation.predictions import predictions_of_models
from emotion.models.manifest import manifest_path, read_manifest
from emotion.models.options import Without
from emotion.models.shipped import refuse_shipped
from emotion.models.training.options import TITLES, TrainingOptions
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.result_folders import check_folder

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion train eyes                            the network of the eyes, on data/faces

emotion train lips --start-from lite          start from the included models
"""


@app.command(epilog=EXAMPLES)
@with_options
def train(
    data: DataFolder = DATA,
    run: Annotated[Path | None, typer.Option(help="Folder of the run; by default runs/<view>.")] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="Teacher for distillation: models (lite, standard or a folder), whose vote is used, or "
            "finished runs, each of which predicts the faces that its fold left out; may be repeated."
        ),
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Initial weights: included models (lite or standard), another model folder, or a trained "
            ".keras file; by default random weights."
        ),
    ] = None,
    *,
    options: Annotated[TrainingOptions, Without(teacher_weight=0.5)],
) -> None:
    """Train the network of the eyes, the lips or the whole face. The same command resumes a run."""
    folder = run or RUNS / options.view
    start_from = start_from and model_folder(start_from)
    teacher = [model_folder(one) for one in teacher or ()]
    _check_places(folder, [data, start_from, *teacher])
    _check_start(options, start_from)
    if not teacher:
        options = replace(options, teacher_weight=0.0)
    earlier = _seen_by(start_from, options.view)
    training = _training()
    _warn_of_sizes(options)
    if start_from and start_from.is_dir():
        start_from = _restored(options, start_from, data, folder)
    with resumable(), counting(f"Training the {options.view}") as progress:
        model = training.train(
            data,
            folder,
            options,
            start_from,
            (lambda: _teacher_predictions(teacher, data)) if teacher else None,
            lambda row: console.print(
                f"epoch {row.epoch} of {options.epochs} at {row.height}x{row.width}: loss {row.loss:.3f}, "
                f"validation {row.validation_loss:.3f}, "
                f"balanced accuracy {row.validation_balanced_accuracy:.1%} ({row.seconds:.0f} s)"
            ),
            progress,
            finish=lambda loss, balanced_accuracy: console.print(
                f"finished network: validation {loss:.3f}, balanced accuracy {balanced_accuracy:.1%}"
            ),
            earlier=earlier,
        )
    console.print(f"Trained network in {shown(model)}, curves in {shown(folder / 'curves.png')}")


def _check_places(folder: Path, inputs: list[Path | None]) -> None:
    """Refuse a folder of the run that would replace an input or included models."""
    refuse_shipped(folder)
    check_folder(folder)
    keep_apart(inputs, [folder, *(folder / name for name in ("model.keras", "checkpoint.keras"))])


def _check_start(options: TrainingOptions, start_from: Path | None) -> None:
    """Refuse initial weights that are missing or of another architecture."""
    if start_from and not start_from.exists():
        raise ModelFileError(
            f"{start_from} is missing: --start-from takes lite, standard, a model folder or a .keras file."
        )
    if start_from and start_from.is_dir():
        _check_architecture(options, start_from)


def _warn_of_sizes(options: TrainingOptions) -> None:
    """Warn where training ends with smaller pictures than the exported network gets."""
    last = options.sizes[-1][1]
    if last < 1:
        errors.print(
            f"The last passes see pictures at {last:g} of their size; the exported network "
            "sees them at their full size, which it then does not know. End with a stage like 4@1."
        )


def _seen_by(start_from: Path | None, view: str) -> Fingerprints | None:
    """What the initial weights have seen, as far as it is known."""
    if start_from is None:
        return None
    folder = start_from if start_from.is_dir() else start_from.parent
    return of_models(folder, Path(model_folder_name(start_from)).name, {view})


def _teacher_predictions(teachers: list[Path], data: Path) -> npt.NDArray[np.float32]:
    """Predictions of a model folder, or of finished runs together, for the training faces."""
    if len(teachers) == 1 and not (teachers[0] / "run.json").exists():
        return predictions_of_models(teachers[0], data)
    from emotion.models.training.distillation import predictions_of_runs  # noqa: PLC0415

    return predictions_of_runs(teachers, data)


def _check_architecture(options: TrainingOptions, models: Path) -> None:
    """Refuse to begin with a model of another architecture, before a folder is made for the run."""
    if not manifest_path(models, options.view).exists():
        return
    title = read_manifest(models, options.view).architecture
    own = next((name for name, known in TITLES.items() if known == title), options.network)
    if own != options.network:
        raise typer.BadParameter(
            f"the {options.view} model in {shown(models)} is a {own}, not a {options.network}: add "
            f"--architecture {own}"
        )


def _restored(options: TrainingOptions, models: Path, data: Path, run: Path) -> Path:
    """The model of a model folder, or face recognition, as a Keras network; made once a run."""
    path = run / "start.keras"
    if not path.exists():
        try:
            from emotion.exporters import recognition, restore  # noqa: PLC0415
        except ImportError as error:
            raise needs_training(error) from error
        if recognition.is_recognition(models):
            if options.network != "resnet29":
                raise typer.BadParameter("face recognition begins a resnet29: add --architecture resnet29")
            recognition.begin(options.view, models, data, path)
            console.print(f"Beginning with the face recognition in {shown(models)}")
        elif options.view == "face":
            raise typer.BadParameter(f"{shown(models)} has no model that sees the whole face to begin with")
        else:
            restore.restore(options.view, models, data, path)
            console.print(f"Going on from the {options.view} model in {shown(models)}")
    return path


def _training() -> ModuleType:
    errors.print("Starting Keras (some ten seconds) ...")
    try:
        from emotion.models.training import trainer  # noqa: PLC0415
    except ImportError as error:
        raise needs_training(error) from error
    return trainer
