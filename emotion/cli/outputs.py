"""Options about results, and what opens them, for all commands that have results."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from emotion.cli.console import errors
from emotion.realtime.monitoring.metrics import Metrics, Quantiles
from emotion.realtime.sinks.options import FORMATS

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
MjpegOption = Annotated[
    int | None,
    typer.Option(
        "--mjpeg",
        metavar="PORT",
        min=0,
        max=65535,
        help="Show the pictures to browsers on this machine, at http://127.0.0.1:PORT/ (0: any free port).",
    ),
]
MetricsOption = Annotated[
    int | None,
    typer.Option(
        "--metrics",
        metavar="PORT",
        min=0,
        max=65535,
        help="Answer Prometheus at http://127.0.0.1:PORT/metrics (0: any free port).",
    ),
]
VirtualCameraOption = Annotated[
    bool,
    typer.Option("--virtual-camera", help="Be a camera for other programs (v4l2loopback, OBS)."),
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


@contextmanager
def serving_metrics(
    metrics: Metrics, port: int | None, latencies: Mapping[str, Quantiles] | None = None
) -> Iterator[None]:
    """Answer Prometheus while the block runs, where a port is given.

    Args:
        metrics, port, latencies: as of `monitoring.prometheus.MetricsServer`; without a port, nothing.

    Raises:
        SinkError: the port is taken.
    """
    if port is None:
        yield
        return
    from emotion.realtime.monitoring.prometheus import MetricsServer  # noqa: PLC0415  seldom needed

    with MetricsServer(metrics, port, latencies) as server:
        errors.print(f"Metrics for Prometheus: {server.url}")
        yield
