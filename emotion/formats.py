"""The options about results that commands share."""

from typing import Annotated

import typer

from realtime.files import FORMATS

FormatsOption = Annotated[str, typer.Option(help=f"What to write, of {', '.join(FORMATS)}.")]
EventsOption = Annotated[
    bool,
    typer.Option(
        "--events",
        help="Write a line of JSON to standard output when a person appears, changes emotion or leaves; "
        "all else goes to standard error.",
    ),
]
DwellOption = Annotated[
    float, typer.Option(min=0, help="Seconds that an emotion stays before subtitles and events name it.")
]


def split_formats(text: str) -> tuple[str, ...]:
    """The formats named with commas between, each once.

    Raises:
        BadParameter: one of them is none.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names or (text,):
        if name not in FORMATS:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(FORMATS)}", param_hint="--formats")
    return names
