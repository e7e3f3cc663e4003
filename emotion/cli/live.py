"""The command `emotion live`: a camera or stream in a window, with the expressions of its faces."""

import json
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emotion.cli.console import console, errors, shown
from emotion.cli.network import obey_offline
from emotion.cli.parameters import with_options
from emotion.loading import load_models
from emotion.models.atomic_files import write_atomically
from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install
from emotion.models.names import local
from emotion.models.options import Without
from emotion.models.schema import Schema
from emotion.models.words import counted
from emotion.offline import check_offline
from emotion.realtime.drawing.window import DisplayProbe, Window
from emotion.realtime.live_sound import LiveSound
from emotion.realtime.monitoring.serving import serving_metrics
from emotion.realtime.options import Options
from emotion.realtime.playback.live_view import LiveView, recordings
from emotion.realtime.session import NewestFrame
from emotion.realtime.sinks import lsl
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sinks.partial_file import writing
from emotion.realtime.sinks.result_ledger import check_free
from emotion.realtime.sources.live import is_network, open_live, other_camera, shown_url

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion live                                 the first camera

emotion live 1 --size 1280x720               the second camera, with a size

emotion live rtsp://host/door -o door.mp4    a stream, recorded

emotion live --virtual-camera                for a video call
"""


@app.command(name="live", epilog=EXAMPLES)
@with_options
def live_command(
    source: Annotated[
        str,
        typer.Argument(help="A camera (0, /dev/video1), an address (rtsp://, http://, udp://) or a video."),
    ] = "0",
    *,
    options: Annotated[
        Options, Without("causal", "finders", "stride", "workers", "formats", "file", threads=1)
    ],
) -> None:
    """Show a camera, a stream or a video in a window with its results, in real time. Key h shows all keys."""
    obey_offline(options.offline)
    check_offline(shown_url(source), is_network(source))
    _keep_apart(source, options)
    # With events, standard output is theirs.
    out = errors if options.outputs.events else console
    with DisplayProbe() if options.drawing.window else nullcontext() as probe:
        loaded = load_models(options.engine, errors.print)
        policy = NewestFrame.of(options)
        stages = policy.stages(loaded, options)
        if probe:
            probe.check()
    # A key may begin a recording at any time; until then no sound is decoded.
    recorded = bool(recordings(options.outputs))
    sound = LiveSound(kept=recorded) if recorded or options.drawing.window else None
    opened = open_live(source, options.live, sound)
    with ExitStack() as stack:
        screen = stack.enter_context(Window(f"emotion: {opened.name}")) if options.drawing.window else None
        receivers = _receivers(options, opened.name, loaded.schema)
        camera = partial(other_camera, options=options.live)
        view = LiveView(opened, policy, stages, options, screen, errors.print, receivers, camera)
        latencies = {"capture_to_screen": view.on_screen.quantiles}
        port = options.outputs.metrics
        stack.enter_context(serving_metrics(view.metrics, port, latencies, say=errors.print))
        try:
            view.run()
        finally:
            _finish(view, options.outputs.report, out)


def _receivers(options: Options, name: str, schema: Schema) -> dict[str, Callable[[], Sink]]:
    """By name, functions that open the sinks that send results to other programs."""
    found: dict[str, Callable[[], Sink]] = {}
    outputs = options.outputs
    if outputs.feed is not None:
        found["feed"] = partial(_open_feed, outputs.feed, schema)
    if outputs.lsl:
        found["lsl"] = lambda: lsl.LslSink(name, options.faces.max_faces, schema.classes)
    return found


def _open_feed(port: int, schema: Schema) -> Sink:
    """The sink that serves results over HTTP; prints its address.

    Raises:
        SinkError: the port is taken.
        MissingDependencyError: the libraries of the page are not installed.
    """
    try:
        from emotion.web.live_feed import FeedSink  # noqa: PLC0415  an optional extra
    except ImportError as error:
        raise MissingDependencyError(
            f"--feed needs libraries that are not installed ({error}). "
            f"Install them with: {pip_install('web')}"
        ) from error
    sink = FeedSink(port, schema)
    errors.print(f"Overlay for OBS: {sink.url}")
    return sink


def _keep_apart(source: str, options: Options) -> None:
    """Before anything is opened, check that no existing file is overwritten.

    A recording cannot be repeated, so files are replaced only on request; the source and
    the models never.

    Raises:
        SinkError: a file would be overwritten.
    """
    read = Path(local(source))
    results = list({path.resolve(): path for path in options.outputs.output}.values())
    results += [options.outputs.report] if options.outputs.report else []
    keep_apart([read, *options.engine.models.glob("*")], results)
    if not options.outputs.overwrite:
        check_free(results)


def _finish(view: LiveView, path: Path | None, out: Console) -> None:
    """Print the outcome and the results, and write the report."""
    result = view.report()
    # Without any result, the error that follows has the reason.
    if result["shown"] or result["results"]:
        out.print(
            f"{result['source']}: {counted(result['shown'], 'picture')} shown "
            f"({result['shown_per_second']:.1f} a second), "
            f"{result['results']} analysed ({result['results_per_second']:.1f} a second), "
            f"capture to screen {result['capture_to_screen_ms']['p95']:.0f} ms (p95)"
        )
    for file in view.files.values():
        out.print(f"  {shown(file)}")
    if path:
        with writing(path):
            write_atomically(path, json.dumps(result, indent=2) + "\n")
