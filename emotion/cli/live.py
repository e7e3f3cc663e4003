"""The command `emotion live`: a camera or stream in a window, with what is thought of its faces."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emotion.cli.console import console, errors, shown
from emotion.cli.engine import (
    LandmarksOption,
    ModelFolder,
    PrecisionOption,
    ProviderOption,
    ThreadsOption,
    load_models,
)
from emotion.cli.judging import BaselineOption, PrivacyOption
from emotion.cli.outputs import (
    DwellOption,
    EventsOption,
    MetricsOption,
    MjpegOption,
    VirtualCameraOption,
    serving_metrics,
)
from emotion.models.manifest import ZOO
from emotion.offline import Offline, check_offline
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.window import DisplayProbe, Window
from emotion.realtime.options import Options
from emotion.realtime.playback.live_view import LiveView
from emotion.realtime.session import NewestFrame
from emotion.realtime.sinks.options import OutputOptions
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sinks.partial_file import writing
from emotion.realtime.sources.live import is_network, open_live, shown_url
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.stages.options import FaceOptions, VoteOptions

app = typer.Typer()


def _size(value: str) -> tuple[int, int]:
    width, _, height = value.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise typer.BadParameter(f"{value!r} is no size: write for example 640x480", param_hint="--size")
    return int(width), int(height)


@app.command(name="live")
def live_command(
    source: Annotated[
        str,
        typer.Argument(help="A camera (0, /dev/video1), an address (rtsp://, http://, udp://) or a video."),
    ] = "0",
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Ask the camera for this size; shrink what is larger.")
    ] = None,
    fps: Annotated[float | None, typer.Option(min=0.1, help="The most pictures a second.")] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="As in a mirror.")] = False,
    max_faces: Annotated[int, typer.Option(min=1, max=20, help="The most faces in a picture.")] = 4,
    smooth: Annotated[
        float, typer.Option(min=0, help="Time constant of the smoothing in seconds; 0: each picture alone.")
    ] = 0.3,
    baseline: BaselineOption = 0.0,
    max_latency: Annotated[
        int | None,
        typer.Option(min=1, help="Milliseconds from capture to result to aim at by leaving work out."),
    ] = None,
    privacy: PrivacyOption = "none",
    offline: Offline = False,
    window: Annotated[bool, typer.Option("--window/--no-window", help="Open a window.")] = True,
    show_metrics: Annotated[
        bool, typer.Option("--show-metrics", help="Show the table of figures from the start.")
    ] = False,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="A file for what is shown (.mp4) or for results "
            "(.csv, .jsonl, .parquet, .html, .srt, .vtt); repeatable.",
        ),
    ] = None,
    events: EventsOption = False,
    dwell: DwellOption = 0.5,
    mjpeg: MjpegOption = None,
    virtual_camera: VirtualCameraOption = False,
    metrics: MetricsOption = None,
    report: Annotated[Path | None, typer.Option(help="Figures at the end, as JSON.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="End after this long.")] = None,
    provider: ProviderOption = "auto",
    precision: PrecisionOption = "auto",
    landmarks: LandmarksOption = "mediapipe",
    threads: ThreadsOption = 1,
    models: ModelFolder = ZOO,
) -> None:
    """Show a camera, a stream or a video live, with what its faces look like. Key h shows all keys."""
    check_offline(shown_url(source), is_network(source))
    options = Options(
        faces=FaceOptions(max_faces=max_faces),
        vote=VoteOptions(smooth=smooth, baseline=baseline),
        drawing=DrawingOptions(privacy=privacy, window=window, show_metrics=show_metrics),
        live=LiveOptions(
            size=_size(size) if size else None,
            fps=fps,
            mirror=mirror,
            max_latency=max_latency,
            seconds=seconds,
        ),
        outputs=OutputOptions(
            output=tuple(output or ()),
            dwell=dwell,
            events=events,
            mjpeg=mjpeg,
            virtual_camera=virtual_camera,
        ),
    )
    _keep_apart(source, models, options.outputs.output, report)
    probe = DisplayProbe() if window else None
    # With events, standard output is theirs.
    out = errors if events else console
    policy = NewestFrame.of(options)
    loaded = load_models(models, provider, threads, precision, landmarks)
    stages = policy.stages(loaded, options)
    if probe:
        probe.check()
    opened = open_live(source, options.live)
    with ExitStack() as stack:
        screen = stack.enter_context(Window(f"emotion: {opened.name}")) if window else None
        view = LiveView(opened, policy, stages, options, screen, errors.print)
        latencies = {"capture_to_screen": view.on_screen.quantiles}
        stack.enter_context(serving_metrics(view.metrics, metrics, latencies))
        try:
            view.run()
        finally:
            _finish(view, report, out)


def _keep_apart(source: str, models: Path, outputs: Sequence[Path], report: Path | None) -> None:
    """Before anything is opened: neither the source nor the models may be written over.

    Raises:
        SinkError: a result would.
    """
    read = Path(source.removeprefix("file://"))
    results = list({path.resolve(): path for path in outputs}.values())
    keep_apart([read, *models.glob("*")], [*results, *([report] if report else [])])


def _finish(view: LiveView, path: Path | None, out: Console) -> None:
    """Say how it went and what there is, and write the report."""
    result = view.report()
    out.print(
        f"{result['source']}: {result['shown']} pictures shown ({result['shown_per_second']:.1f} a second), "
        f"{result['results']} looked at ({result['results_per_second']:.1f} a second), "
        f"capture to screen {result['capture_to_screen_ms']['p95']:.0f} ms (p95)"
    )
    for file in view.files.values():
        out.print(f"  {shown(file)}")
    if path:
        with writing(path):
            path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
