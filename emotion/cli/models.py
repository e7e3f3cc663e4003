"""The commands `emotion models`: folders of models, those that ship and your own."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import console, shown
from emotion.models.engines.options import model_folder
from emotion.models.errors import ModelFileError
from emotion.models.manifest import read_schema, voting_regions
from emotion.models.shipped import refuse_shipped, workshop
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.partial_file import writing

app = typer.Typer(
    name="models", help="Model folders: copy those that ship, to change them.", no_args_is_help=True
)

# What may be there beside what a folder needs; landmark nets are the program's own.
_MORE = ("*.int8.onnx", "*.int8.json", "blendshapes.npz", "MODEL_CARD.md")


@app.callback()
def models() -> None:
    """Keep typer from taking the only command for the group itself."""


@app.command(name="copy")
def copy_command(
    name: Annotated[
        Path, typer.Argument(parser=model_folder, metavar="standard|lite|FOLDER", help="What to copy.")
    ],
    folder: Annotated[Path, typer.Argument(help="Where to; it may not hold anything yet.")],
) -> None:
    """Copy a model folder, whole and checked, to weigh, score, quantise or replace its models."""
    refuse_shipped(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise SinkError(f"{folder} is there already: name a folder that is not.")
    files = _files(name)
    read_schema(name)
    with writing(folder), workshop(folder) as making:
        for file in files:
            shutil.copyfile(file, making / file.name)
        for made in making.iterdir():
            made.rename(folder / made.name)
    console.print(f"Copied to {shown(folder)}: use it with --models {shown(folder)}")


def _files(folder: Path) -> list[Path]:
    regions = voting_regions(folder)
    needed = [f"{region}.{suffix}" for region in regions for suffix in ("onnx", "json")] + ["weights.json"]
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise ModelFileError(f"{folder} lacks {', '.join(missing)}: it is no whole model folder.")
    return [folder / name for name in needed] + [path for more in _MORE for path in folder.glob(more)]
