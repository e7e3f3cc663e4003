"""Annotating a video: frames in, an annotated mp4, a timeline and a summary out."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from realtime.assembly import Models, Workers, stages
from realtime.drafts import writing
from realtime.ensemble import EnsembleOptions
from realtime.errors import SinkError
from realtime.frames import EmotionFrame
from realtime.overlay import Overlay
from realtime.pipeline import Pipeline
from realtime.sinks import Sink
from realtime.sources import VideoFile
from realtime.summary import Summary, SummaryBuilder
from realtime.timeline import CsvTimeline, JsonLinesTimeline
from realtime.video_sink import Mp4Sink

__all__ = ["AnnotateOptions", "Models", "Outputs", "annotate"]


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """How a video is annotated.

    Attributes:
        max_faces: the most faces in a frame.
        smooth: time constant of the smoothing in seconds; 0: none.
        workers: how many threads share the costly stages.
    """

    max_faces: int = 4
    smooth: float = 0.3
    workers: Workers = field(default_factory=Workers)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that annotating a video leaves."""

    video: Path
    csv: Path
    jsonl: Path
    summary: Path

    @classmethod
    def of(cls, video: Path, folder: Path | None) -> "Outputs":
        """Beside the video, or in a folder."""
        base = (folder or video.parent) / video.stem
        names = ("annotated.mp4", "emotions.csv", "emotions.jsonl", "summary.json")
        return cls(*(base.with_name(f"{base.name}.{name}") for name in names))


def annotate(
    video: Path,
    outputs: Outputs,
    models: Models,
    options: AnnotateOptions | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Summary:
    """Annotate one video, every frame of it.

    Whatever happens, the files hold what was done until then, and the mp4 can be played.

    Args:
        video: what PyAV reads.
        outputs: where the results go; their folder is made. Existing files are replaced.
        models: from `Models.load`.
        options: `AnnotateOptions()` where not given.
        progress: called with (frames done, frames in all, None where unknown).

    Raises:
        SourceError: the video cannot be read, or breaks off: then what came before is annotated.
        SinkError: a result cannot be written.
        ModelFileError: the landmark model is damaged.
    """
    options = options or AnnotateOptions()
    summary = SummaryBuilder()
    _make_folder(outputs.video.parent)
    with ExitStack() as stack:
        source = stack.enter_context(VideoFile(video))
        pipeline = stack.enter_context(_pipeline(source, models, options))
        sinks = [stack.enter_context(sink) for sink in _sinks(source, outputs)]
        overlay = Overlay()
        try:
            for done, result in enumerate(pipeline, start=1):
                picture = overlay.draw(result)
                for sink in sinks:
                    sink.write(result, picture)
                summary.add(result)
                progress(done, source.info.frame_count)
        finally:
            _write_summary(outputs.summary, video, summary.build())
    return summary.build()


def _pipeline(source: VideoFile, models: Models, options: AnnotateOptions) -> Pipeline[EmotionFrame]:
    ensemble = EnsembleOptions(smooth=options.smooth)
    return Pipeline(source, stages(models, options.max_faces, ensemble, options.workers))


def _sinks(source: VideoFile, outputs: Outputs) -> Iterator[Sink]:
    """One after the other, so that the first is closed where the second cannot be opened."""
    yield Mp4Sink(outputs.video, source.info)
    yield CsvTimeline(outputs.csv, source.path)
    yield JsonLinesTimeline(outputs.jsonl, source.path)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(
            f"{folder} cannot be made a folder for the results ({error.strerror}): choose another with -o."
        ) from error


def _write_summary(path: Path, video: Path, summary: Summary) -> None:
    values = {"video": video.name} | summary.to_dict()
    with writing(path):
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
