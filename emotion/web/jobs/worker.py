"""The process that annotates videos for the server, apart from it so that it can be limited and killed.

It reads orders from its standard input and writes reports to its standard output, one JSON object per
line. Orders: ``{"video": ..., "folder": ..., "options": {...}}`` and ``{"cancel": true}``; the end of
its input means that the server has ended. Reports: ``{"ready": true}``, ``{"done": 10, "total": 100}``, and
at the end of an order ``{"end": "done" | "failed" | "cancelled", "message": "one sentence"}``.
"""

import json
import os
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, TextIO

import av

from emotion.loading import load_models
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import EmotionError
from emotion.models.names import without_name
from emotion.models.options import Option, check, from_mapping
from emotion.models.words import video_length
from emotion.realtime.errors import IncompleteSourceError, SourceError
from emotion.realtime.options import Options
from emotion.videos import Models, annotate
from emotion.web.jobs.results import outputs_of, write_overview
from emotion.web.limits import limit

_REPORT_SECONDS = 0.2
# Time to finish a playable file after the end of the server.
_LAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """The options of a worker, passed as JSON before its first order."""

    engine: EngineOptions = field(default_factory=EngineOptions)
    video_seconds: Annotated[float, Option(help="The longest video.", unit="seconds", gt=0)]
    video_pixels: Annotated[int, Option(help="The most in a picture.", ge=1)]
    memory_bytes: Annotated[
        int, Option(help="The most that it may take; 0: no limit.", unit="bytes", ge=0)
    ] = 0
    file_bytes: Annotated[int, Option(help="Of one result.", unit="bytes", ge=1)]

    def __post_init__(self) -> None:
        check(self)


class JobCancelledError(Exception):
    """The job is no longer wanted."""


class Worker:
    """Annotates one video after another.

    Args:
        options: limits.
        reports: where its reports go.
    """

    def __init__(self, options: WorkerOptions, reports: TextIO) -> None:
        self._options = options
        self._reports = reports
        self._orders: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancel = threading.Event()
        self._reported = 0.0

    def run(self, orders: TextIO) -> None:
        """Run until the orders end."""
        threading.Thread(target=self._listen, args=(orders,), daemon=True).start()
        try:
            models = load_models(self._options.engine)
        except EmotionError as error:
            self._report(end="failed", message=str(error))
            return
        self._report(ready=True)
        while (order := self._orders.get()) is not None:
            self._cancel.clear()
            self._report(**self._serve(order, models))

    def _listen(self, orders: TextIO) -> None:
        for line in orders:
            order = json.loads(line)
            if "cancel" in order:
                self._cancel.set()
            else:
                self._orders.put(order)
        self._orders.put(None)
        self._cancel.set()
        time.sleep(_LAST_SECONDS)
        os._exit(0)

    def _serve(self, order: dict[str, Any], models: Models) -> dict[str, str]:
        video, folder = Path(order["video"]), Path(order["folder"])
        outputs = outputs_of(video, folder)
        try:
            options = from_mapping(Options, order["options"])
            # The folder belongs to the job.
            options = replace(options, outputs=replace(options.outputs, overwrite=True))
            check_size(video, self._options.video_seconds, self._options.video_pixels)
            notes: list[str] = []
            summary = annotate(video, outputs, models, options, self._progress, say=notes.append)
            end = {"end": "done", "message": _with_notes(summary.sentence(), notes, video)}
        except JobCancelledError:
            end = {"end": "cancelled", "message": "Cancelled; what was done until then is kept."}
        except IncompleteSourceError as error:
            # All readable frames are in the results.
            end = {"end": "done", "message": str(error).replace(f"{video.parent}{os.sep}", "")}
        except EmotionError as error:
            # The user knows the video by another name and path.
            end = {"end": "failed", "message": str(error).replace(f"{video.parent}{os.sep}", "")}
        except MemoryError:
            end = {"end": "failed", "message": "The video needs more memory than a job may take."}
        try:
            write_overview(folder, outputs)
        except OSError as error:
            end = {"end": "failed", "message": f"The timeline cannot be written ({error.strerror})."}
        return end

    def _progress(self, done: int, total: int | None) -> None:
        if self._cancel.is_set():
            raise JobCancelledError
        limit = self._options.video_seconds * _MOST_FRAMES_A_SECOND
        if done > limit:
            raise SourceError(f"The video has more than {limit:.0f} frames: cut it into parts.")
        now = time.monotonic()
        if now - self._reported >= _REPORT_SECONDS or done == total:
            self._reported = now
            self._report(done=done, total=total)

    def _report(self, **values: Any) -> None:
        self._reports.write(json.dumps(values) + "\n")
        self._reports.flush()


def _with_notes(sentence: str, notes: Sequence[str], video: Path) -> str:
    """The summary of a video, followed by notes: faces that were left out, corrections.

    The page has the video's name above it; the file's is the server's own.
    """
    return ". ".join((sentence, *(without_name(note, video.name).rstrip(".") for note in notes)))


_MOST_FRAMES_A_SECOND = 60


def check_size(video: Path, seconds: float, pixels: int) -> None:
    """Refuse a video that is too long or too large by its metadata, before any of it is decoded.

    Raises:
        SourceError: it is.
    """
    try:
        container = av.open(str(video.absolute()), container_options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError):
        return  # opening it later gives a better message
    with container:
        for stream in container.streams.video:
            context = getattr(stream, "codec_context", None)
            if context is not None and context.width * context.height > pixels:
                raise SourceError(
                    f"The pictures are {context.width}x{context.height}, larger than this server takes: "
                    "scale the video down to 4K or less."
                )
        if container.duration and container.duration / av.time_base > seconds:
            raise SourceError(
                f"The video lasts {video_length(container.duration / av.time_base)}, longer than this server "
                f"takes: cut it into parts of {video_length(seconds)} or less."
            )


def main(options: WorkerOptions, reports: TextIO) -> None:
    """The main function of the process.

    Args:
        options: limits.
        reports: where its reports go; its orders come from standard input.
    """
    limit(memory_bytes=options.memory_bytes, file_bytes=options.file_bytes)
    # Not closed: that would wait for the thread that reads it, and so for the server.
    orders = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    Worker(options, reports).run(orders)
