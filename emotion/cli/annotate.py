"""The command `emotion annotate`: videos to annotated videos, timelines and summaries."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emotion.annotate import Models, Outputs, annotate
from emotion.benchmarks.tuning import tuned
from emotion.cli.console import console, errors, progress_bar, shown
from emotion.cli.network import obey_offline
from emotion.cli.parameters import with_options
from emotion.loading import load_models
from emotion.models.errors import EmotionError
from emotion.models.names import escaped
from emotion.models.options import Without
from emotion.models.whole_files import partial_path
from emotion.realtime.errors import IncompleteSourceError, SinkError
from emotion.realtime.monitoring.metrics import Metrics, Observer
from emotion.realtime.monitoring.serving import serving_metrics
from emotion.realtime.options import Options
from emotion.realtime.sinks.options import FORMATS
from emotion.realtime.sinks.overwrite_guard import keep_apart, same_file
from emotion.realtime.sinks.result_ledger import check_own, is_result
from emotion.realtime.sources.demo import DEMO

app = typer.Typer()


@app.command(name="annotate")
@with_options
def annotate_command(
    videos: Annotated[
        list[Path] | None, typer.Argument(help="Videos; without any, the clip that ships with the program.")
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="A folder for the results, which lie beside each video by default; or, for one video, a "
            "file (.mp4, .csv, .html, ...), which may be repeated.",
        ),
    ] = None,
    *,
    options: Annotated[
        Options,
        Without("live", "window", "show_metrics", "output", "virtual_camera", "feed", "lsl", "report"),
    ],
) -> None:
    """Annotate videos: an mp4 with its sound, timelines, subtitles and a summary."""
    obey_offline(options.offline)
    jobs = _plan(videos, output or (), options)
    if not jobs:
        raise typer.Exit
    options = tuned(options)
    loaded = load_models(options.engine, errors.print)
    observer = Metrics()
    code = 0
    with serving_metrics(observer, options.outputs.metrics, say=errors.print):
        for video, outputs in jobs:
            try:
                _annotate_one(video, outputs, loaded, options, observer)
            except EmotionError as error:
                errors.print(escaped(str(error)), style="red")
                code = code or error.exit_code
    raise typer.Exit(code)


def _plan(
    videos: Sequence[Path] | None, places: Sequence[Path], options: Options
) -> list[tuple[Path, Outputs]]:
    """What is made of which video, once it is sure that nothing of the user's is lost by it.

    Raises:
        SinkError: something would be.
    """
    formats, overwrite = options.outputs.formats, options.outputs.overwrite
    files, folder = _places(places)
    wanted = [one for one in dict.fromkeys(videos or [DEMO]) if not _skip(one)]
    if files and len(wanted) > 1:
        raise SinkError(f"{shown(files[0])} is one file, but there are {len(wanted)} videos: name a folder.")
    if files:
        named = [Outputs.at(files)] * len(wanted)
    else:
        named = Outputs.of_all(wanted, folder or (None if videos else Path()), formats)
    claimed: list[Path] = []
    reads = [*wanted, *options.engine.models.glob("*")]
    for outputs in named:
        _claim(outputs, reads, claimed)
    jobs = list(zip(wanted, named, strict=True))
    if not overwrite:
        check_own((tuple(one.files.values()), one.summary, video.name) for video, one in jobs)
    return jobs


def _places(places: Sequence[Path]) -> tuple[list[Path], Path | None]:
    """The files that results are to be, and the folder where they are to lie.

    Raises:
        SinkError: they do not go together.
    """
    files = [place for place in places if place.suffix.lower().removeprefix(".") in FORMATS]
    folders = [place for place in places if place not in files]
    if len(folders) > 1 or (files and folders):
        raise SinkError(
            f"{shown(folders[-1])} is a folder, and results go into one folder or into files "
            f"({', '.join(FORMATS)}): leave the others out."
        )
    for one, other in itertools.combinations(files, 2):
        if one.suffix.lower() == other.suffix.lower():
            raise SinkError(f"{shown(one)} and {shown(other)} would hold the same: leave one out.")
    return files, folders[0] if folders else None


def _skip(video: Path) -> bool:
    if not is_result(video):
        return False
    errors.print(f"{shown(video)} is a result of this program's, and is passed over.")
    return True


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
        task = bar.add_task(escaped(video.name), total=None)
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
        except IncompleteSourceError:
            bar.stop()
            _say_where(outputs, errors if options.outputs.events else console)
            raise
        except BaseException:
            bar.stop()
            part = partial_path(outputs.video) if outputs.video else None
            if part and part.exists():
                errors.print(f"What was done until then can be played: {shown(part)}")
            raise
    seconds = time.monotonic() - started
    # With events, standard output is theirs.
    out = errors if options.outputs.events else console
    out.print(f"{escaped(video.name)}: {summary.sentence()}")
    _say_where(outputs, out)
    out.print(f"  {summary.frames} frames in {seconds:.1f} s ({summary.frames / seconds:.1f} fps)")


def _say_where(outputs: Outputs, out: Console) -> None:
    for kind, paths in _by_kind(outputs):
        out.print(f"  {kind:<16} {', '.join(map(shown, paths))}")


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
