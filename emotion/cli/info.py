"""The command `emotion info`: what files are, and what would be done with them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from emotion.cli.console import console, errors
from emotion.inputs import Input, find_inputs
from emotion.models.errors import EmotionError
from emotion.models.names import escaped, without_name
from emotion.models.words import counted, in_bytes, video_length
from emotion.realtime.media import VideoInfo
from emotion.realtime.options import Options
from emotion.realtime.sinks.options import DEFAULT_FORMATS
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.photographs import read_picture
from emotion.realtime.sources.timeline import clock
from emotion.videos import Outputs

app = typer.Typer(add_completion=False)

# A later beginning is told: players show the time since the beginning.
_LATE_SECONDS = 0.5

EXAMPLES = """
Examples:

emotion info clip.mp4         what it contains

emotion info photos/ clips/   what 'emotion annotate' would do with two folders
"""


@app.command(epilog=EXAMPLES)
def info(
    files: Annotated[list[str], typer.Argument(help="Videos, photographs, folders, patterns or lists.")],
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Include subfolders.")] = False,
) -> None:
    """Show what files contain, and what would be done with them."""
    code = 0

    def failed(error: EmotionError) -> None:
        nonlocal code
        errors.print(escaped(str(error)), style="red")
        code = code or error.exit_code

    found = find_inputs(files, recursive, errors.print, failed=failed)
    shown = []
    for one in found:
        try:
            console.print(f"{escaped(str(one.path))}: {_told(one)}")
            shown.append(one)
        except EmotionError as error:
            failed(error)
    if videos := [one.path for one in shown if one.kind == "video"]:
        console.print(_would_do(videos))
    photographs = sum(one.kind == "photograph" for one in found)
    if photographs:
        console.print(
            f"'emotion annotate' would make {counted(photographs, 'annotated picture')} and one table."
        )
    raise typer.Exit(code)


def _told(one: Input) -> str:
    if one.kind == "photograph":
        height, width = read_picture(one.path).shape[:2]
        return f"photograph, {width}x{height}, {in_bytes(one.path.stat().st_size)}"
    with VideoFile.of(one.path, Options().file) as video:
        known = video.info
        length = "of unknown length"
        if known.duration_seconds:
            length = f"{video_length(known.duration_seconds)} long{_begin(known)}"
        frames = f"{_frames(known)} ({float(known.average_rate):.4g} a second)"
        sound = "with sound" if known.has_audio else "without sound"
        notes = "".join(f"\n  {escaped(without_name(note, one.path.name))}" for note in known.notes)
        size = in_bytes(one.path.stat().st_size)
        what = f"video, {known.width}x{known.height}, {length}, {frames}, {sound}, {size}"
    return f"{what}{notes}"


def _begin(info: VideoInfo) -> str:
    """Where the clock of a video begins, on which --start and --end are times; empty if at zero or nearly."""
    return f" from {clock(info.start_seconds)} on its clock on" if info.start_seconds >= _LATE_SECONDS else ""


def _frames(info: VideoInfo) -> str:
    if info.frame_count is None:
        return "frames not counted"
    return f"{'' if info.is_counted else 'about '}{counted(info.frame_count, 'frame')}"


def _would_do(videos: Sequence[Path]) -> str:
    """What 'emotion annotate' would do with videos; of several the names are those of the first."""
    made = ", ".join(escaped(path.name) for path in Outputs.of(videos[0], None, DEFAULT_FORMATS).all())
    several = " of the first, and likewise of the others," if len(videos) > 1 else ""
    return (
        "'emotion annotate' would analyse each frame (with --every 1s: one frame a second), and "
        f"write{several} {made}"
    )
