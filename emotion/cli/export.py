"""The command `emotion export`: a trained network as a model that ships."""

from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import console, shown
from emotion.cli.parameters import with_options
from emotion.cli.places import DATA, MODELS, RUNS, DataFolder, needs_training
from emotion.exporters.options import ExportOptions
from emotion.models.regions import RegionName
from emotion.models.shipped import refuse_shipped
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.result_folders import check_folder

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion export eyes                                      the run in runs/eyes, into my-model/

emotion export lips runs/lips/model.keras -o my-model    a given file
"""


@app.command(epilog=EXAMPLES)
@with_options
def export(
    region: Annotated[RegionName, typer.Argument(help="Region of the face that the network sees.")],
    trained: Annotated[
        Path | None,
        typer.Argument(help="The trained network, a model.keras; by default that of runs/<region>."),
    ] = None,
    data: DataFolder = DATA,
    output: Annotated[Path, typer.Option("--output", "-o", help="Your model folder.")] = MODELS,
    *,
    options: ExportOptions,
) -> None:
    """Convert a trained network to ONNX, and check on real crops that the predictions agree."""
    try:
        from emotion.exporters.export import export as run_export  # noqa: PLC0415
    except ImportError as error:
        raise needs_training(error) from error
    path = trained or RUNS / region / "model.keras"
    refuse_shipped(output)
    check_folder(output)
    keep_apart([path, data / "manifest.parquet"], [output / f"{region}.{kind}" for kind in ("onnx", "json")])
    made = run_export(region, path, data, output, options.storage, options.about_data, console.print)
    console.print(f"{shown(made.model)}, with {shown(made.manifest)}")
