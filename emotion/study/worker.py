"""A process that annotates videos of a study one after the other; if it dies, the others continue.

It reads tasks from its standard input and writes reports to its standard output, one JSON object per line.
Tasks: ``{"video": ..., "files": {"mp4": ...}, "summary": ..., "resume": true}``; at the end of its input
it stops. Reports: ``{"ready": {...}}`` with what all results depend on, or
``{"fatal": "...", "code": 4}``; ``{"done": 10, "total": 100}``; ``{"note": "..."}``; and at a task's end
``{"end": "done" | "incomplete" | "failed" | "passed", "code": 0, "reason": "", "frames": 100}``.
"""

import json
import os
import queue
import signal
import threading
import time
from typing import Any, TextIO

from emotion.loading import load_models
from emotion.models.errors import EmotionError
from emotion.offline import forbid_network
from emotion.realtime.options import Options
from emotion.study.task import run_task, setup_of

_REPORT_SECONDS = 0.25
# Time to finish playable files after the end of the input.
_LAST_SECONDS = 8.0


class Worker:
    """Runs tasks until they end.

    Args:
        options: of every video.
        reports: where its reports go.
    """

    def __init__(self, options: Options, reports: TextIO) -> None:
        self._options = options
        self._reports = reports
        self._tasks: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._reported = 0.0
        self._busy = False

    def run(self, tasks: TextIO) -> None:
        """Load the models, and run the tasks."""
        threading.Thread(target=self._listen, args=(tasks,), daemon=True).start()
        try:
            models = load_models(self._options.engine)
        except EmotionError as error:
            self._report(fatal=str(error), code=error.exit_code)
            return
        self._report(ready=setup_of(models, self._options))
        while (task := self._tasks.get()) is not None:
            self._busy = True
            end = run_task(task, models, self._options, self._progress, self._note)
            self._busy = False
            self._report(**end)

    def _listen(self, tasks: TextIO) -> None:
        for line in tasks:
            self._tasks.put(json.loads(line))
        self._tasks.put(None)
        if self._busy:
            # The current video is no longer wanted: it ends as after Ctrl-C, or is killed silently.
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LAST_SECONDS)
        os._exit(1)

    def _progress(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            self._report(done=done, total=total)

    def _note(self, sentence: str) -> None:
        self._report(note=sentence)

    def _report(self, **values: Any) -> None:
        self._reports.write(json.dumps(values) + "\n")
        self._reports.flush()


def main(options: Options, reports: TextIO) -> None:
    """The main function of the process.

    Args:
        options: of every video.
        reports: where its reports go; its tasks come from standard input.
    """
    signal.signal(signal.SIGTERM, _terminated)
    if options.offline:
        forbid_network()
    # Not closed: that would wait for the thread that reads it, and so for the process that sends the tasks.
    tasks = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    Worker(options, reports).run(tasks)


def _terminated(number: int, frame: object) -> None:
    """Files are finished, then the process ends."""
    raise SystemExit(128 + number)
