"""The commands `emotion study`: merge the shards of a study."""

from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import console
from emotion.cli.many import say_study
from emotion.cli.parameters import with_options
from emotion.models.options import Only
from emotion.realtime.sinks.options import OutputOptions
from emotion.result_folders import check_folder
from emotion.study.options import StudyOptions
from emotion.study.planned_run import known_of
from emotion.study.shards import merge

EXAMPLES = """
Examples:

emotion annotate clips/ -o study --shard 1/3     another part on each machine

emotion study merge study

emotion study merge one/ two/ three/ -o all --metadata people.csv --by condition
"""

app = typer.Typer(name="study", help="Combine the parts of a study.", add_completion=False, epilog=EXAMPLES)


@app.callback()
def study() -> None:
    """Combine the parts of a study."""


@app.command(name="merge", epilog=EXAMPLES)
@with_options
def merge_command(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders with results of 'emotion annotate --shard'.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for the tables and the page; by default the first of the folders."
        ),
    ] = None,
    *,
    options: Annotated[StudyOptions, Only("metadata", "by", "quiet")],
    outputs: Annotated[OutputOptions, Only("overwrite")],
) -> None:
    """Make the tables and the page from all shards, or make those of a complete study again."""
    if output:
        check_folder(output)
    known = known_of(options.metadata, options.by)
    findings, outcomes = merge(folders, output or folders[0], outputs.overwrite, known, options.by)
    if not options.quiet:
        say_study(findings, outcomes, known, console)
    raise typer.Exit(next((one.code for one in outcomes if one.code), 0))
