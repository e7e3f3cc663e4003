"""The command line: one command, thin subcommands that parse, call and print."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from emotion import __version__
from emotion.annotate import Models, Outputs, annotate
from emotion.cli import (
    bench,
    cameras,
    dataset,
    doctor,
    evaluate,
    export,
    live,
    play,
    quantise,
    serve,
    train,
)
from emotion.cli import models as model_folders
from emotion.cli import weights as weigh
from emotion.cli.console import console, errors, progress_bar, shown
from emotion.cli.engine import (
    FindersOption,
    LandmarksOption,
    ModelFolder,
    PrecisionOption,
    ProviderOption,
    StrideOption,
    ThreadsOption,
    WorkersOption,
    how_many,
    load_models,
)
from emotion.cli.judging import BaselineOption, PrivacyOption
from emotion.cli.outputs import (
    DwellOption,
    EventsOption,
    FormatsOption,
    MetricsOption,
    MjpegOption,
    serving_metrics,
    split_formats,
)
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import EmotionError
from emotion.models.manifest import ZOO
from emotion.offline import Offline
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.errors import SinkError
from emotion.realtime.monitoring.metrics import Metrics, Observer
from emotion.realtime.options import Options
from emotion.realtime.sinks.options import DEFAULT_FORMATS, OutputOptions
from emotion.realtime.sinks.overwrite_guard import keep_apart, same_file
from emotion.realtime.sinks.partial_file import partial_path
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.stages.options import FaceOptions, VoteOptions

app = typer.Typer(
    help="Real-time facial expressions: a weighted vote of an eyes model and a lips model. "
    "It reads apparent expressions, not feelings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(serve.app)
app.add_typer(live.app)
app.add_typer(play.app)
app.add_typer(dataset.app)
app.add_typer(train.app)
app.add_typer(export.app)
app.add_typer(quantise.app)
app.add_typer(model_folders.app)
app.add_typer(bench.app)
app.add_typer(weigh.app)
app.add_typer(evaluate.app)
app.add_typer(cameras.app)
app.add_typer(doctor.app)


def run() -> int:
    """Run the command line and return the exit code; expected failures end in one sentence."""
    try:
        app()
    except EmotionError as error:
        errors.print(str(error), style="red")
        return error.exit_code
    except SystemExit as end:  # how typer ends: also usage errors (2) and Ctrl-C (130)
        return end.code if isinstance(end.code, int) else 0
    return 0


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"emotion-live {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Apparent expressions of the faces in a video: happiness, sadness, fear, anger, neutral, surprise."""


@app.command(name="annotate")
def annotate_command(
    videos: Annotated[
        list[Path] | None, typer.Argument(help="Videos; without any, the clip that ships with the program.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the results; beside each video by default."),
    ] = None,
    max_faces: Annotated[int, typer.Option(min=1, max=20, help="The most faces in a frame.")] = 4,
    smooth: Annotated[
        float, typer.Option(min=0, help="Time constant of the smoothing in seconds; 0: each frame alone.")
    ] = 0.3,
    baseline: BaselineOption = 0.0,
    privacy: PrivacyOption = "none",
    offline: Offline = False,
    provider: ProviderOption = "auto",
    precision: PrecisionOption = "auto",
    landmarks: LandmarksOption = "mediapipe",
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
    finders: FindersOption = None,
    stride: StrideOption = 1,
    models: ModelFolder = ZOO,
    formats: FormatsOption = ",".join(DEFAULT_FORMATS),
    events: EventsOption = False,
    dwell: DwellOption = 0.5,
    mjpeg: MjpegOption = None,
    metrics: MetricsOption = None,
) -> None:
    """Annotate videos: an mp4 with its sound, timelines, subtitles and a summary."""
    wanted = split_formats(formats)
    each, team = how_many(threads, workers, finders, provider, precision, stride)
    loaded = load_models(models, provider, each, precision, landmarks)
    options = Options(
        faces=FaceOptions(max_faces=max_faces, finders=team.finders, stride=team.stride),
        vote=VoteOptions(smooth=smooth, baseline=baseline),
        drawing=DrawingOptions(privacy=privacy),
        outputs=OutputOptions(dwell=dwell, events=events, mjpeg=mjpeg),
        engine=EngineOptions(workers=team.classifiers, batch=team.batch),
    )
    observer = Metrics()
    with serving_metrics(observer, metrics):
        if not videos:
            outputs = Outputs.of(DEMO, output or Path(), wanted)
            _annotate_one(DEMO, outputs, loaded, options, observer)
            return
        code, claimed = 0, list[Path]()
        reads = [*videos, *models.glob("*")]
        for video in videos:
            outputs = Outputs.of(video, output, wanted)
            try:
                _claim(outputs, reads, claimed)
                _annotate_one(video, outputs, loaded, options, observer)
            except EmotionError as error:
                errors.print(str(error), style="red")
                code = code or error.exit_code
    raise typer.Exit(code)


def _claim(outputs: Outputs, reads: Iterable[Path], claimed: list[Path]) -> None:
    """Refuse to write over any of the videos and models, or over the results of another video."""
    for path in outputs.all():
        if any(same_file(path, other) for other in claimed):
            raise SinkError(
                f"Two videos would both be written to {shown(path)}: annotate one into another folder."
            )
    keep_apart(reads, outputs.all())
    claimed += outputs.all()


def _annotate_one(
    video: Path, outputs: Outputs, models: Models, options: Options, observer: Observer
) -> None:
    started = time.monotonic()
    with progress_bar("fps") as bar:
        task = bar.add_task(video.name, total=None)
        try:
            summary = annotate(
                video,
                outputs,
                models,
                options,
                lambda done, total: bar.update(task, completed=done, total=total),
                observer,
                errors.print,
            )
        except BaseException:
            bar.stop()
            part = partial_path(outputs.video) if outputs.video else None
            if part and part.exists():
                errors.print(f"What was done until then can be played: {shown(part)}")
            raise
    seconds = time.monotonic() - started
    # With events, standard output is theirs.
    out = errors if options.outputs.events else console
    out.print(f"{video.name}: {summary.sentence()}")
    for kind, paths in _by_kind(outputs):
        out.print(f"  {kind:<16} {', '.join(map(shown, paths))}")
    out.print(f"  {summary.frames} frames in {seconds:.1f} s ({summary.frames / seconds:.1f} fps)")


def _by_kind(outputs: Outputs) -> Iterator[tuple[str, list[Path]]]:
    kinds = {
        "annotated video": ("mp4",),
        "timeline": ("csv", "jsonl", "parquet"),
        "subtitles": ("vtt", "srt"),
        "page": ("html",),
    }
    for kind, formats in kinds.items():
        if paths := [path for name, path in outputs.files.items() if name in formats]:
            yield kind, paths
    yield "summary", [outputs.summary]
