"""The options on how votes become labels and faces are shown, the same for all commands."""

import math
import re
from typing import Annotated

import typer

from emotion.realtime.drawing.options import Privacy


def read_seconds(text: str | float) -> float:
    """A length of time such as ``3s``, ``3`` or ``1500ms``, in seconds.

    Raises:
        BadParameter: it is none, or negative.
    """
    written = re.fullmatch(r"\s*([\d.]+)\s*(ms|s)?\s*", str(text).lower())
    try:
        seconds = float(written[1]) * (0.001 if written[2] == "ms" else 1.0) if written else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise typer.BadParameter(f"{text!r} is no length of time; write it as 3s")
    return seconds


BaselineOption = Annotated[
    float,
    typer.Option(
        parser=read_seconds,
        metavar="TIME",
        help="Measure each person by so much of their own neutral face, for example 3s; 0: nobody.",
    ),
]

PrivacyOption = Annotated[Privacy, typer.Option(help="What becomes of faces in pictures.")]
