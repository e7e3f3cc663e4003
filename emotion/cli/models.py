"""The commands `emotion models`: folders of models, those that ship and your own."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion.cli.console import console, shown, typed
from emotion.models.atomic_files import write_atomically
from emotion.models.checksums import FILE, FINGERPRINTS, changed, damaged
from emotion.models.engines.options import known_models, model_folder, user_models
from emotion.models.errors import EmotionError, ModelFileError
from emotion.models.evaluation.records import COPIES
from emotion.models.manifest import (
    manifest_path,
    model_path,
    read_manifest,
    read_schema,
    regions_there,
    voting_regions,
)
from emotion.models.shipped import is_shipped, refuse_shipped, workshop
from emotion.models.small_files import read_json
from emotion.models.words import in_bytes
from emotion.realtime.errors import SinkError
from emotion.realtime.session import Models
from emotion.realtime.sinks.partial_file import writing
from emotion.result_folders import check_folder

EXAMPLES = """
Examples:

emotion models                      list all model folders

emotion models copy lite my-model   a copy of your own

emotion models check my-model       check its files and run it

emotion models remove my-model      ask, and remove it from your folder for models
"""

app = typer.Typer(
    name="models",
    help="List, check, copy and remove model folders.",
    invoke_without_command=True,
    add_completion=False,
    epilog=EXAMPLES,
)

# Files that may be present in addition to networks; landmark nets belong to the program.
_MORE = ("blendshapes.npz", "MODEL_CARD.md", FINGERPRINTS)
_Name = Annotated[
    Path,
    typer.Argument(
        parser=model_folder, metavar="NAME|FOLDER", help="A name that 'emotion models' lists, or a folder."
    ),
]


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """List, check, copy and remove model folders."""
    if context.invoked_subcommand is None:
        list_command()


@app.command(name="list", epilog=EXAMPLES)
def list_command() -> None:
    """List the included model folders, those in your folder for models, and those in the current folder."""
    for name, folder in (_here() | known_models()).items():
        try:
            console.print("\n  ".join([name, *_about(folder)]))
        except EmotionError as error:
            console.print(f"{name}\n  cannot be used: {error}")
    console.print(f"Your own folders of models are found by name in {shown(user_models())}")


def _here() -> dict[str, Path]:
    """The model folders in the current one, by name."""
    found = sorted(path.parent for path in Path().glob("*/weights.json"))
    return {str(folder): folder for folder in found if regions_there(folder)}


@app.command(name="check", epilog=EXAMPLES)
def check_command(name: _Name) -> None:
    """Check that all files of a model folder are present and unchanged, and that the models run."""
    for file in _files(name):
        if not file.stat().st_size:
            raise ModelFileError(f"{file} is empty: copy it again.")
    # A run takes one of the precisions: the others are checked here only.
    for region in _regions(name):
        read_manifest(name, region)
        if manifest_path(name, region, "int8").exists():
            read_manifest(name, region, "int8")
    loaded = Models.load(models=name, provider="cpu", regions=_regions(name))
    if is_shipped(name) and (other := changed()):
        raise ModelFileError(f"Changed since the release: {', '.join(other)}. Install emotion-live again.")
    if not is_shipped(name) and (other := damaged(name)):
        raise ModelFileError(f"Not as the program wrote it: {', '.join(other)}. Copy {name} again.")
    console.print(f"{shown(name)} is complete and runs: {', '.join(loaded.schema.classes)}")


@app.command(name="remove", epilog=EXAMPLES)
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of a folder in your folder for models.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove a model folder from your folder for models."""
    folder = user_models() / name
    if Path(name).name != name or not folder.is_dir() or folder.is_symlink():
        raise SinkError(
            f"{name} is no folder in {shown(user_models())}, and only such are removed: see 'emotion models'."
        )
    if not yes:
        typer.confirm(f"Remove {folder}?", abort=True)
    with writing(folder):
        shutil.rmtree(folder)
    console.print(f"Removed {shown(folder)}")


def _about(folder: Path) -> list[str]:
    """The description of a folder, line by line."""
    schema = read_schema(folder)
    manifests = [read_manifest(folder, region) for region in _regions(folder)]
    silent = {*_regions(folder)} - {*voting_regions(folder)}
    networks = [f"{one.region} {one.architecture}" for one in manifests]
    size = sum(file.stat().st_size for file in _files(folder))
    values = read_json(folder / "weights.json")
    scores = values.get("scores", {})
    lines = [
        f"{shown(folder)}, {in_bytes(size)}",
        f"networks: {', '.join(networks)}",
        *(f"votes only where --regions names it: {name}" for name in sorted(silent)),
        f"classes: {', '.join(schema.classes)}",
    ]
    accuracies = [_score(name, found) for name, found in scores.items() if "accuracy" in found]
    lines += [f"accuracy of the vote: {'; '.join(accuracies)}"] if accuracies else []
    terms = "; ".join(dict.fromkeys(one.data for one in manifests if one.data))
    if "for research" in terms:
        lines.append("licence: research weights, for research only (the code is Apache-2.0)")
    return [*lines, f"training data and terms: {terms or 'unknown'}"]


def _score(name: str, found: Mapping[str, Any]) -> str:
    """The accuracy on a set, and how many of its faces the models were trained or validated on."""
    copies = found.get(COPIES)
    of_these = f" ({copies} of {found['faces']} are copies of training or validation faces)" if copies else ""
    return f"{name} {found['accuracy']:.1%}{of_these}"


@app.command(name="copy", epilog=EXAMPLES)
def copy_command(
    name: Annotated[
        Path,
        typer.Argument(parser=model_folder, metavar="lite|standard|FOLDER", help="Model folder to copy."),
    ],
    folder: Annotated[Path, typer.Argument(help="Destination; it must be empty or not exist.")],
) -> None:
    """Copy a model folder and check the copy, which other commands can then change (weights, quantise)."""
    refuse_shipped(folder)
    check_folder(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise SinkError(f"{folder} is there already: name a folder that is not.")
    files = _files(name)
    read_schema(name)
    with writing(folder), workshop(folder) as making:
        for file in files:
            shutil.copyfile(file, making / file.name)
        _bring_together(making)
        for made in making.iterdir():
            made.rename(folder / made.name)
    console.print(f"Copied to {shown(folder)}: use it with --models {typed(folder)}")


def _regions(folder: Path) -> tuple[str, ...]:
    """The regions that vote, and the others."""
    return tuple(dict.fromkeys((*voting_regions(folder), *regions_there(folder))))


def _bring_together(folder: Path) -> None:
    """Let copied manifests refer to the models beside them."""
    for path in folder.glob("*.json"):
        values = read_json(path)
        name = Path(values.get("file", "")).name
        if values.get("file") != name and name:
            write_atomically(path, json.dumps(values | {"file": name}, indent=2) + "\n")


def _files(folder: Path) -> list[Path]:
    needed = [
        path
        for region in _regions(folder)
        for path in (model_path(folder, region), manifest_path(folder, region))
    ] + [folder / "weights.json"]
    missing = [path.relative_to(folder).as_posix() for path in needed if not path.is_file()]
    if missing:
        raise ModelFileError(f"{folder} lacks {', '.join(missing)}: it is no whole model folder.")
    quantised = [
        path
        for region in _regions(folder)
        if (manifest := manifest_path(folder, region, "int8")).is_file()
        for path in (manifest, model_path(folder, region, "int8"))
        if path.is_file()
    ]
    more = [path for pattern in _MORE for path in folder.glob(pattern)]
    # The release's list covers all included models, not one folder.
    sums = [] if is_shipped(folder) else [*folder.glob(FILE)]
    return [*needed, *quantised, *more, *sums]
