"""The command `emotion dataset`: labelled photographs and videos to crops of eyes and lips."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from emotion.cli.console import console, errors, shown
from emotion.cli.parameters import with_options
from emotion.cli.places import DATA
from emotion.cli.progress import counting, resumable
from emotion.models.data.dataset import make_dataset
from emotion.models.data.labelled import describe_others, describe_votes
from emotion.models.data.options import DatasetOptions
from emotion.models.shipped import refuse_shipped
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.result_folders import check_folder

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion dataset photographs/ -o data/faces         one folder per class in it

emotion dataset photographs/ clips/ --workers 4    both folders, four processes
"""


@app.command(epilog=EXAMPLES)
@with_options
def dataset(
    roots: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of labelled faces: one folder per class, or such folders in train, "
            "validation and test; or CSV tables with the columns image and label."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the data set.")] = DATA,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; by default the number of cores.", min=1, max=256)
    ] = None,
    parts: Annotated[
        Path | None,
        typer.Option(
            help="A table whose photographs keep their part (columns source and split), such as the "
            "manifest.parquet of another data set; the data card names those of the included models."
        ),
    ] = None,
    *,
    options: DatasetOptions,
) -> None:
    """Make a data set of eyes and lips from labelled photographs and videos, in three parts."""
    results = [output, *(output / name for name in ("manifest.parquet", "rejected.csv"))]
    refuse_shipped(output)
    check_folder(output)
    keep_apart([*roots, parts], results)
    with resumable(), counting("Detecting faces") as progress:
        summary = make_dataset(roots, output, options, workers, progress, parts, errors.print)
    table = Table("faces", *options.classes, "all")
    for part, counts in summary.faces.items():
        table.add_row(part, *map(str, counts.values()), str(sum(counts.values())))
    console.print(table)
    for reason, count in summary.rejected.items():
        console.print(f"left out, {reason}: {count}")
    for root in roots:
        for sentence in (*describe_others(root, options.meaning), *describe_votes(root, options.meaning)):
            errors.print(sentence)
    empty = [name for name in options.classes if not any(part[name] for part in summary.faces.values())]
    if empty:
        errors.print(f"There is not one face of {', '.join(empty)}.")
    console.print(f"Crops of each emotion: {shown(output / 'montage')}")
    console.print(
        f"Data set in {shown(output)}; what was left out, and why, in {shown(output / 'rejected.csv')}"
    )
