"""The command `serve`: the page, on which anybody sees the program work."""

from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import console
from emotion.cli.engine import ModelFolder, PrecisionOption, ProviderOption, ThreadsOption, how_many
from emotion.models.errors import MissingDependencyError
from emotion.models.manifest import ZOO

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. Any but this machine's own needs a token, which is printed."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    name: Annotated[
        list[str] | None, typer.Option(help="Another host name by which browsers reach it; may be repeated.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="For https: certificate, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="For https: its private key, PEM.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where videos and results are kept; by default in your own state folder."),
    ] = None,
    keep_hours: Annotated[float, typer.Option(min=0.01, help="Then they are deleted.")] = 24,
    max_upload: Annotated[int, typer.Option(min=1, help="Largest video in MiB.")] = 1024,
    max_minutes: Annotated[float, typer.Option(min=0.1, help="Longest video in minutes.")] = 60,
    quota: Annotated[int, typer.Option(min=1, help="Space for all videos and results in GiB.")] = 10,
    viewers: Annotated[int, typer.Option(min=0, help="Cameras at the same time.")] = 4,
    max_faces: Annotated[int, typer.Option(min=1, max=20, help="The most faces in a frame.")] = 4,
    smooth: Annotated[
        float, typer.Option(min=0, help="Time constant of the smoothing in seconds; 0: each frame alone.")
    ] = 0.3,
    provider: ProviderOption = "auto",
    threads: ThreadsOption = None,
    precision: PrecisionOption = "auto",
    models: ModelFolder = ZOO,
) -> None:
    """Open a page in the browser: your camera with the overlay, videos with their timeline.

    Under it lies a small HTTP interface: /api/openapi.json describes it, /metrics counts.
    """
    try:
        from emotion.web.options import GIB, MIB, ServeOptions, usual_folder  # noqa: PLC0415
        from emotion.web.server import serve as run  # noqa: PLC0415
    except ImportError as error:
        raise MissingDependencyError(
            f"The page needs libraries that are not installed ({error}). "
            "Install them with: pip install 'emotion-live[cpu,web]'"
        ) from error
    options = ServeOptions(
        host=host,
        port=port,
        names=tuple(name or ()),
        folder=folder or usual_folder(),
        models=models,
        provider=provider,
        threads=how_many(threads, None, None, provider, precision)[0],
        precision=precision,
        max_faces=max_faces,
        smooth=smooth,
        upload_bytes=max_upload * MIB,
        quota_bytes=quota * GIB,
        video_seconds=60 * max_minutes,
        keep_seconds=3600 * keep_hours,
        viewers=viewers,
    )
    run(options, _say, certificate, key)


def _say(line: str) -> None:
    console.print(line)
    console.file.flush()  # who reads from a pipe waits for the address
