"""A task of a study: annotates one video and returns its outcome, in any process on any machine."""

import errno
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from emotion import stores
from emotion.fetching import is_stored
from emotion.models.errors import EmotionError
from emotion.provenance import provenance_of_run
from emotion.realtime.errors import IncompleteSourceError, SinkError
from emotion.realtime.options import Options
from emotion.realtime.sinks.columns import Columns
from emotion.realtime.sinks.result_ledger import bytes_listed, results_of
from emotion.study.plan import Job
from emotion.videos import Models, Outputs, annotate, is_done, video_dependencies

SMALL = ("summary", "study")
"""Results from which the study is written; of those that go to a store, the task returns the text."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def task_of(
    job: Job, resume: bool, address: Callable[[Path], str] = lambda path: str(path.absolute())
) -> dict[str, Any]:
    """The task of a worker for one video, ready for JSON.

    Args:
        job: the video.
        resume: skip it if it is done.
        address: the address of a file for the worker: a path, or a store's address.
    """
    return {
        "video": address(job.video),
        "files": {name: address(path) for name, path in job.outputs.files.items()},
        "summary": address(job.outputs.summary),
        "origin": job.outputs.origin,
        "resume": resume,
    }


def setup_of(models: Models, options: Options) -> dict[str, Any]:
    """What all results of a worker depend on, ready for JSON."""
    classes = models.schema.classes
    palette = [
        {"name": name, "light": light, "dark": dark}
        for name, light, dark in zip(classes, classes.on_white, classes.on_dark, strict=True)
    ]
    columns = Columns(models.schema, details=options.faces.columns).all
    return provenance_of_run(models, options) | {"columns": columns, "palette": palette}


def run_task(
    task: Mapping[str, Any],
    models: Models,
    options: Options,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    note: Callable[[str], object] = lambda sentence: None,
) -> dict[str, Any]:
    """Annotate a video and return the outcome. Errors of a video are returned, not raised.

    Args:
        task: from `task_of`.
        models: from `Models.load`.
        options: of the video.
        progress: called with (frames done, frames in all, None where unknown).
        note: called with each message about what was corrected or left out.

    Returns:
        ``end`` (done, incomplete, failed, passed), ``code``, ``reason``, ``frames``; ``no_room`` if a disk
        was full; ``small`` with the text of `SMALL` if results went to a store.
    """
    frames = 0

    def count(done: int, total: int | None) -> None:
        nonlocal frames
        frames = done
        progress(done, total)

    try:
        outcome = _annotated(task, models, options, count, note)
    except EmotionError as error:
        outcome = _ended("failed", error)
    except MemoryError:
        outcome = _ended("failed", EmotionError(f"{task['video']} needs more memory than there is."))
    return {"frames": frames} | outcome


def _annotated(
    task: Mapping[str, Any],
    models: Models,
    options: Options,
    progress: Callable[[int, int | None], None],
    note: Callable[[str], object],
) -> dict[str, Any]:
    if not any(map(is_stored, (task["video"], task["summary"]))):
        video, outputs = Path(task["video"]), _outputs(task)
        if task["resume"] and is_done(video, outputs, models, options):
            return _passed_earlier(video, outputs)
        return _annotate_whole(video, outputs, models, options, progress, note)
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        return _StoredVideo(task, Path(folder), models, options, progress, note).annotate()


class _StoredVideo:
    """A video in a store, or with results in one: it is annotated in a local folder.

    Args:
        task: see `task_of`.
        folder: an empty one.
        models, options, progress, note: see `run_task`.
    """

    def __init__(
        self,
        task: Mapping[str, Any],
        folder: Path,
        models: Models,
        options: Options,
        progress: Callable[[int, int | None], None],
        note: Callable[[str], object],
    ) -> None:
        self._task = task
        self._results = task["summary"]
        self._models = models
        self._options = options
        self._progress = progress
        self._note = note

        def here(place: str) -> Path:
            scheme, _, below = place.partition("://")
            # Addresses without a host, as hdfs:///clips/a.mp4, would lead out of the folder.
            return folder.joinpath(scheme, below.lstrip("/")) if is_stored(place) else Path(place)

        self._video = here(task["video"])
        self._outputs = Outputs(
            {name: here(place) for name, place in task["files"].items()},
            here(self._results),
            task["origin"],
        )

    def annotate(self) -> dict[str, Any]:
        """See `run_task`."""
        for path in (self._video, *self._outputs.all()):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            outcome = self._annotated()
        except EmotionError as error:
            outcome = _ended("failed", error)
        # Users know their own paths, not those of the copies.
        return outcome | {"reason": outcome["reason"].replace(str(self._video), self._task["video"])}

    def _annotated(self) -> dict[str, Any]:
        stored = is_stored(self._results)
        if stored:
            values = self._earlier()
            if self._task["resume"] and values and self._depends_on_the_same(values):
                return _passed(values) | self._small()
        if is_stored(self._task["video"]):
            stores.fetch(self._task["video"], self._video)
        if not stored and self._task["resume"] and self._is_done():
            return _passed_earlier(self._video, self._outputs)
        outcome = _annotate_whole(
            self._video, self._outputs, self._models, self._options, self._progress, self._note
        )
        if not stored:
            return outcome
        for name, path in self._outputs.files.items():
            stores.put(path, self._task["files"][name])
        # Last, since it shows that all the others are complete.
        stores.put(self._outputs.summary, self._results)
        return outcome | self._small()

    def _is_done(self) -> bool:
        return is_done(self._video, self._outputs, self._models, self._options)

    def _earlier(self) -> dict[str, Any]:
        """The summary of an earlier run whose results all exist; empty if there is none.

        Raises:
            SinkError: there is a file of another program.
        """
        summary = self._outputs.summary
        listed: Mapping[str, int] = {}
        if stores.find(self._results) is not None:
            stores.fetch(self._results, summary)
            listed = bytes_listed(summary, self._video.name)
            if not listed and not self._options.outputs.overwrite:
                raise SinkError(f"{self._results} would be replaced, and it is no result of this video's.")
        there = {name: stores.find(place) for name, place in self._task["files"].items()}
        sizes = {
            name: listed.get(_below(place, self._results)) for name, place in self._task["files"].items()
        }
        for name, found in there.items():
            if found and found.bytes != sizes[name] and not self._options.outputs.overwrite:
                raise SinkError(
                    f"{self._task['files'][name]} would be replaced, and it is no result of this video's, "
                    "or was changed since: name another place with -o, or say --overwrite."
                )
        if not listed or any(found is None or found.bytes != sizes[name] for name, found in there.items()):
            return {}
        values: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
        return values

    def _depends_on_the_same(self, values: Mapping[str, Any]) -> bool:
        if is_stored(self._task["video"]):
            found = stores.find(self._task["video"])
        else:
            status = os.stat(self._video)
            found = stores.Found(status.st_size, status.st_mtime_ns)
        wanted = found and video_dependencies(found.bytes, found.changed_ns, self._models, self._options)
        return bool(wanted) and values.get("made") == wanted

    def _small(self) -> dict[str, Any]:
        files = {**self._outputs.files, "summary": self._outputs.summary}
        small: dict[str, str] = {}
        for name in SMALL:
            if name in files:
                if not files[name].exists():
                    stores.fetch(self._task["files"][name], files[name])
                small[name] = files[name].read_text(encoding="utf-8")
        return {"small": small}


def _outputs(task: Mapping[str, Any]) -> Outputs:
    files = {name: Path(place) for name, place in task["files"].items()}
    return Outputs(files, Path(task["summary"]), task["origin"])


def _below(place: str, summary: str) -> str:
    """The path of a result relative to its summary."""
    return os.path.relpath(place.partition("://")[2], os.path.dirname(summary.partition("://")[2]))


def _annotate_whole(
    video: Path,
    outputs: Outputs,
    models: Models,
    options: Options,
    progress: Callable[[int, int | None], None],
    note: Callable[[str], object],
) -> dict[str, Any]:
    try:
        annotate(video, outputs, models, options, progress, say=note)
    except IncompleteSourceError as error:
        return _ended("incomplete", error)
    return {"end": "done", "code": 0, "reason": ""}


def _ended(state: str, error: EmotionError) -> dict[str, Any]:
    outcome: dict[str, Any] = {"end": state, "code": error.exit_code, "reason": str(error)}
    return outcome | ({"no_room": True} if _no_room(error) else {})


def _passed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome of a video that an earlier run has done."""
    reason = next(iter(values.get("reasons", ())), "")
    code = IncompleteSourceError.exit_code if reason else 0
    return {"end": "passed", "code": code, "reason": reason, "frames": 0}


def _passed_earlier(video: Path, outputs: Outputs) -> dict[str, Any]:
    return _passed(results_of(outputs.summary, tuple(outputs.files.values()), video.name) or {})


def _no_room(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return True
        error = error.__cause__
    return False
