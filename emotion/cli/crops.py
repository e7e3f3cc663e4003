"""The models of a folder for which a data set has crops."""

from collections.abc import Sequence
from pathlib import Path

from emotion.cli.console import errors, shown
from emotion.models.data.stored import not_cut_out


def cut_out(data: Path, regions: Sequence[str]) -> list[str]:
    """The regions of a folder for which a data set has crops; a message names the others."""
    lacking = not_cut_out(data, regions)
    for name in lacking:
        errors.print(
            f"The model of the {name} is left out: {shown(data)} has no crops of it. "
            f"'emotion dataset --region {name}' makes a data set that has."
        )
    return [name for name in regions if name not in lacking]
