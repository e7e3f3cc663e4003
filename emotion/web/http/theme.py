"""Names and colours of the classes, for the page's style sheet and scripts."""

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from emotion.models.classes import Classes
from emotion.models.palette import OUTLINE, PANEL
from emotion.models.schema import Schema
from emotion.realtime.sinks.html import SCRIPTS


def add_theme(app: FastAPI, schema: Schema) -> None:
    """Add the addresses of both, and of the scripts that are also in pages of one file, to an application.

    Before the other static files.
    """

    @app.get("/static/colours.css", include_in_schema=False)
    async def colours() -> Response:
        return Response(colour_sheet(schema.classes), media_type="text/css")

    @app.get("/static/classes.js", include_in_schema=False)
    async def classes() -> Response:
        return Response(class_script(schema), media_type="text/javascript")

    for name, path in SCRIPTS.items():
        app.get(f"/static/{name}", include_in_schema=False)(_script(path))


def _script(path: Path) -> Callable[[], Awaitable[Response]]:
    async def script() -> Response:
        return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    return script


def colour_sheet(classes: Classes) -> str:
    """The classes' colours as CSS variables: for light and dark pages, and for drawing on pictures."""
    both = zip(classes.on_white, classes.on_dark, strict=True)
    schemes = [f"light-dark({white}, {dark})" for white, dark in both]
    pictures = _variables("on-picture", classes, classes.on_dark)
    rest = f"--panel: {PANEL}; --outline: light-dark({OUTLINE}, transparent);"
    return f":root {{ {_variables('class', classes, schemes)} {pictures} {rest} }}\n"


def _variables(kind: str, classes: Classes, colours: Sequence[str]) -> str:
    return " ".join(f"--{kind}-{name}: {colour};" for name, colour in zip(classes, colours, strict=True))


def class_script(schema: Schema) -> str:
    """A module with the names of classes and regions, and the marks of classes that share a colour."""
    constants = {
        "EMOTIONS": schema.classes.names,
        "MARKS": schema.classes.marks,
        "REGIONS": schema.regions.names,
    }
    return "".join(f"export const {name} = {json.dumps(values)};\n" for name, values in constants.items())
