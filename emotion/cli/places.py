"""Where the commands that make models keep what they make, and what they need for it."""

from pathlib import Path
from typing import Annotated

import typer

from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install

DATA = Path("data/faces")
RUNS = Path("runs")
MODELS = Path("my-model")

DataFolder = Annotated[Path, typer.Option("--data", help="Data set made by 'emotion dataset'.")]
"""The option of every command that learns from a data set, or measures on one."""


def needs_training(error: ImportError) -> MissingDependencyError:
    """What is to be said where a library of the extra `train` is missing."""
    return MissingDependencyError(
        f"This command needs TensorFlow, which only training needs ({error}). "
        f"Install it with: {pip_install('train')}"
    )
