"""The command `emotion dataset`: labelled photographs and videos to eyes and lips."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from emotion.cli.console import console, errors, shown
from emotion.cli.parameters import with_options
from emotion.cli.places import DATA
from emotion.cli.progress import counting
from emotion.models.data.dataset import make_dataset
from emotion.models.data.options import DatasetOptions
from emotion.models.shipped import refuse_shipped
from emotion.realtime.sinks.overwrite_guard import keep_apart

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion dataset photographs/ -o data/faces         a folder an emotion in it

emotion dataset photographs/ clips/ --workers 4    of both, four at a time
"""


@app.command(epilog=EXAMPLES)
@with_options
def dataset(
    roots: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of labelled faces: a folder per class, or train/validation/test of such."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The data set's folder.")] = DATA,
    workers: Annotated[
        int | None, typer.Option(help="Processes; all cores by default.", min=1, max=256)
    ] = None,
    parts: Annotated[
        Path | None,
        typer.Option(help="A manifest whose faces keep their part: models/zoo/parts.parquet to train on."),
    ] = None,
    *,
    options: DatasetOptions,
) -> None:
    """Cut eyes and lips out of labelled photographs and videos, and split them to train and measure."""
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
