"""The command `emotion play`: a video in a window, with what its faces look like."""

from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import errors
from emotion.cli.engine import (
    LandmarksOption,
    ModelFolder,
    PrecisionOption,
    ProviderOption,
    ThreadsOption,
    load_models,
)
from emotion.cli.judging import BaselineOption, PrivacyOption
from emotion.models.manifest import ZOO
from emotion.offline import Offline
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.window import DisplayProbe, Window
from emotion.realtime.options import Options
from emotion.realtime.pipeline.pipeline import Step
from emotion.realtime.playback.result_index import ResultIndex, read_timeline
from emotion.realtime.playback.video_view import SPEEDS, play
from emotion.realtime.session import EveryFrame
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.options import FaceOptions, VoteOptions

app = typer.Typer()


@app.command(name="play")
def play_command(
    video: Annotated[
        Path | None, typer.Argument(help="The video; without one, the clip that ships with the program.")
    ] = None,
    timeline: Annotated[
        Path | None,
        typer.Option(help="A .jsonl timeline of this video by 'emotion annotate': nothing is analysed anew."),
    ] = None,
    speed: Annotated[float, typer.Option(help=f"One of {', '.join(f'{s:g}' for s in SPEEDS)}.")] = 1.0,
    max_faces: Annotated[int, typer.Option(min=1, max=20, help="The most faces in a picture.")] = 4,
    smooth: Annotated[
        float, typer.Option(min=0, help="Time constant of the smoothing in seconds; 0: each picture alone.")
    ] = 0.3,
    baseline: BaselineOption = 0.0,
    privacy: PrivacyOption = "none",
    offline: Offline = False,
    provider: ProviderOption = "auto",
    precision: PrecisionOption = "auto",
    landmarks: LandmarksOption = "mediapipe",
    threads: ThreadsOption = 1,
    models: ModelFolder = ZOO,
) -> None:
    """Play a video with what its faces look like. Key h shows all keys."""
    if speed not in SPEEDS:
        raise typer.BadParameter(f"{speed:g} is none of {SPEEDS}", param_hint="--speed")
    options = Options(
        faces=FaceOptions(max_faces=max_faces),
        vote=VoteOptions(smooth=smooth, baseline=baseline),
        drawing=DrawingOptions(privacy=privacy),
    )
    probe = DisplayProbe()
    path = video or DEMO
    with VideoFile(path) as opened:
        info = opened.info
    known: ResultIndex | None = None
    steps: list[Step] = []
    if timeline:
        known = read_timeline(timeline)
    else:
        loaded = load_models(models, provider, threads, precision, landmarks)
        steps = EveryFrame().stages(loaded, options)
    probe.check()
    if info.has_audio:
        errors.print("The video is played without its sound.")
    play(path, info, Window(f"emotion: {path.name}"), steps, known, options.drawing, speed)
