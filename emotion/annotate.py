"""Annotating a video: frames in, an annotated mp4, timelines and a summary out."""

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from emotion.models.names import readable, shortened
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.errors import IncompleteSourceError, SinkError
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.options import Options
from emotion.realtime.session import Models, Session
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.options import DEFAULT_FORMATS, OutputOptions
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sinks.partial_file import writing
from emotion.realtime.sinks.summary import Summary, SummaryBuilder
from emotion.realtime.sinks.views import open_views
from emotion.realtime.sources.file import VideoFile

INTERRUPTED = "it was interrupted"
"""Why a summary is not complete where nothing speaks against the video."""

# File systems take 255 bytes, and ``.emotions.partial.parquet`` has 25.
_LONGEST = 220

__all__ = ["DEFAULT_FORMATS", "Models", "Outputs", "annotate"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that annotating a video leaves.

    Attributes:
        files: by format, in the order of `formats`.
        summary: the video in a few numbers, as JSON.
    """

    files: Mapping[str, Path]
    summary: Path

    @classmethod
    def of(cls, video: Path, folder: Path | None, formats: Sequence[str] = DEFAULT_FORMATS) -> "Outputs":
        """Beside the video, or in a folder.

        Args:
            video: what is annotated.
            folder: None for the video's own.
            formats: some of `emotion.realtime.sinks.formats.FORMATS`.
        """
        base = (folder or video.parent) / _stem(video)

        def beside(name: str) -> Path:
            return base.with_name(f"{base.name}.{name}")

        kinds = {name: "annotated" if name == "mp4" else "emotions" for name in formats}
        return cls({name: beside(f"{kind}.{name}") for name, kind in kinds.items()}, beside("summary.json"))

    def all(self) -> tuple[Path, ...]:
        """Every file that is written."""
        return (*self.files.values(), self.summary)

    @property
    def video(self) -> Path | None:
        """The annotated video, where it is among the formats."""
        return self.files.get("mp4")


def annotate(
    video: Path,
    outputs: Outputs,
    models: Models,
    options: Options | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    observer: Observer = SILENT,
    say: Callable[[str], object] = lambda sentence: None,
) -> Summary:
    """Annotate one video, every frame of it.

    Whatever happens, the files hold what was done until then, and the mp4 can be played.

    Args:
        video: what PyAV reads.
        outputs: where the results go; their folder is made. Existing files are replaced.
        models: from `Models.load`.
        options: `Options()` where not given. Which files there are is said by `outputs`; what is for live
            sources is not looked at.
        progress: called with (frames done, frames in all, None where unknown).
        observer: is told what each stage and each output does.
        say: is told, in sentences, where pictures can be watched, and what was mended or left out.

    Raises:
        IncompleteSourceError: some of the video is missing or damaged. It was read to its end, and the
            results hold all that can be read; the summary says that they are not complete, and why.
        SourceError: the video cannot be read.
        SinkError: a result cannot be written.
        ModelFileError: the landmark model is damaged.
    """
    options = options or Options()
    summary = SummaryBuilder()
    keep_apart([video], outputs.all())
    _make_folder(outputs.summary.parent)
    source = VideoFile(video, fps=options.file.file_fps)
    reasons = [INTERRUPTED]
    incomplete: IncompleteSourceError | None = None
    try:
        with ExitStack() as stack:
            stack.enter_context(source)
            sinks = stack.enter_context(Fanout(observer=observer))
            _open(sinks, source.info, outputs, options.outputs, say)
            session = stack.enter_context(Session(source, options, models, observer=observer))
            # Nothing is drawn where nobody sees it.
            seen = outputs.video is not None or options.outputs.mjpeg is not None
            draw = Renderer(options.drawing).draw if seen else None
            done = itertools.count(1)

            def listen(result: EmotionFrame) -> None:
                summary.add(result)
                progress(next(done), source.info.frame_count)

            try:
                session.run(sinks, draw, listen)
            except IncompleteSourceError as error:
                # It was read to its end: results are finished like those of a whole video.
                incomplete = error
        reasons = [] if incomplete is None else [str(incomplete), *incomplete.reasons]
    finally:
        _write_summary(outputs.summary, video, summary.build(), reasons, source.info.notes)
    for note in source.info.notes:
        say(note)
    if incomplete is not None:
        raise incomplete
    return summary.build()


def _stem(video: Path) -> str:
    """The video's name without its ending, short enough for the endings of results."""
    if len(os.fsencode(video.stem)) <= _LONGEST:
        return video.stem
    digest = hashlib.sha1(os.fsencode(video.name)).hexdigest()[:8]
    return f"{shortened(video.stem, _LONGEST - 9)}~{digest}"


def _open(
    sinks: Fanout,
    info: VideoInfo,
    outputs: Outputs,
    options: OutputOptions,
    say: Callable[[str], object],
) -> None:
    for name, path in outputs.files.items():
        sinks.add(name, open_file(path, info, video=outputs.video))
    open_views(sinks, say=say, events=options.events, mjpeg=options.mjpeg)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(
            f"{folder} cannot be made a folder for the results ({error.strerror}): choose another with -o."
        ) from error


def _write_summary(
    path: Path, video: Path, summary: Summary, reasons: Sequence[str], notes: Iterable[str]
) -> None:
    """Write the summary; it is complete where there are no reasons why not."""
    values = summary.to_dict()
    values["video"] = {"name": readable(video.name)} | values["video"]
    values = {"complete": not reasons, "reasons": list(reasons), "notes": list(notes)} | values
    with writing(path):
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
