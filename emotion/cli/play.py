"""The command `emotion play`: a video in a window, with the expressions of its faces."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import errors
from emotion.cli.network import obey_offline
from emotion.cli.parameters import with_options
from emotion.loading import load_models
from emotion.models.options import Without
from emotion.realtime.drawing.window import WINDOW_ALONE, DisplayProbe, Window
from emotion.realtime.options import Options
from emotion.realtime.pipeline.stage import Step
from emotion.realtime.playback.options import PlayOptions
from emotion.realtime.playback.result_index import ResultIndex, read_timeline
from emotion.realtime.playback.video_view import play as play_video
from emotion.realtime.session import EveryFrame
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion play clip.mp4                a video, with sound

emotion play clip.mp4 --speed 0.5    at half speed
"""


@app.command(name="play", epilog=EXAMPLES)
@with_options
def play_command(
    video: Annotated[Path | None, typer.Argument(help="The video; by default the included clip.")] = None,
    *,
    play: PlayOptions,
    options: Annotated[
        Options,
        Without(
            *("causal", "finders", "stride", "workers", "window", "show_metrics", "file", "live", "outputs"),
            threads=1,
        ),
    ],
) -> None:
    """Play a video in a window with its results. Key h shows all keys."""
    obey_offline(options.offline)
    path = video or DEMO
    known: ResultIndex | None = None
    steps: list[Step] = []
    with DisplayProbe(WINDOW_ALONE) as probe:
        with VideoFile(path) as opened:
            info = opened.info
        if play.timeline:
            known = read_timeline(play.timeline)
        else:
            # With seeking and no waiting, later frames are not available.
            options = replace(options, vote=replace(options.vote, causal=True))
            steps = EveryFrame().stages(load_models(options.engine, errors.print), options)
        probe.check()
    window = Window(f"emotion: {path.name}")
    play_video(path, info, window, steps, known, options.drawing, play.speed, errors.print)
