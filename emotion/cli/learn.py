"""The command `emotion learn`: from folders of photographs to a custom model."""

from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import console, errors, shown, typed
from emotion.cli.parameters import with_options
from emotion.cli.places import MODELS
from emotion.cli.progress import counting, resumable
from emotion.cli.scores import scores_table
from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install
from emotion.own_model.options import LearnOptions
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.result_folders import check_folder

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion learn photographs/                        one folder per class in it, into my-model/

emotion learn one/ two/ -o my-model --workers 2   both folders, two processes
"""


@app.command(epilog=EXAMPLES)
@with_options
def learn(
    roots: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of photographs or videos: one folder per class, named after the class; or CSV "
            "tables with the columns image and label."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Your model folder; it may exist already.")
    ] = MODELS,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; by default the number of cores.", min=1, max=256)
    ] = None,
    *,
    options: LearnOptions,
) -> None:
    """Make your own model, with your own classes, from folders of photographs.

    The same command resumes a run that was stopped.
    """
    try:
        from emotion.own_model.build import learn as run  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(
            f"Learning needs the package onnx ({error}): {pip_install('learn')}"
        ) from error
    check_folder(output)
    keep_apart(roots, [output])
    with resumable():
        made = run(roots, output, options, counting, errors.print, workers)
    table = scores_table(made.evaluation)
    table.title = (
        f"{made.evaluation.vote.faces} faces "
        + ("held out" if made.held_out else "that were predicted by models that were not trained on them")
        + "; by class: recall"
    )
    console.print(table)
    console.print(f"About the photographs: {shown(made.page)}")
    console.print(f"Report: {shown(made.report)}; model card: {shown(made.folder / 'MODEL_CARD.md')}")
    console.print(f"Your model is in {shown(made.folder)}: emotion live --models {typed(made.folder)}")
