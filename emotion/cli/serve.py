"""The command `emotion serve`: the page in the browser."""

from typing import Annotated

import typer

from emotion.benchmarks.tuning import tuned
from emotion.cli.console import console, errors
from emotion.cli.parameters import with_options
from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install
from emotion.models.options import Only
from emotion.realtime.options import Options
from emotion.web.options import ServeOptions

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion serve                              for this machine only

emotion serve --port 9000 --models lite    another port, named models
"""


@app.command(epilog=EXAMPLES)
@with_options
def serve(
    *,
    server: ServeOptions,
    options: Annotated[
        Options, Only("max_faces", "smooth", "provider", "threads", "precision", "models", "regions")
    ],
) -> None:
    """Serve a web page: your camera with the overlay, videos with their timeline.

    It also has an HTTP interface, described at /api/openapi.json, and metrics at /metrics.
    """
    # Not on standard output: programs read the address from its first line.
    errors.print("Starting ...")
    try:
        from emotion.web.server import serve as run  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(
            f"The page needs libraries that are not installed ({error}). "
            f"Install them with: {pip_install('web')}"
        ) from error
    run(server, tuned(options), _say)


def _say(line: str) -> None:
    console.print(line)
    console.file.flush()  # a program that reads from a pipe waits for the address
