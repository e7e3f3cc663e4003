"""Shared by the commands that make models: default folders, and missing libraries."""

from pathlib import Path
from typing import Annotated

import typer

from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install

DATA = Path("data/faces")
RUNS = Path("runs")
MODELS = Path("my-model")

DataFolder = Annotated[Path, typer.Option("--data", help="Data set made by 'emotion dataset'.")]
"""The option of every command that trains or evaluates on a data set."""


def needs_training(error: ImportError) -> MissingDependencyError:
    """The error if a library of the extra `train` is missing."""
    return MissingDependencyError(
        f"This command needs TensorFlow, which only training needs ({error}). "
        f"Install it with: {pip_install('train')}"
    )
