"""A process that annotates videos of a study, one after the other, and may die without harm to the others.

It reads orders from its standard input and writes reports to its standard output, a JSON object a line.
Orders: ``{"video": ..., "files": {"mp4": ...}, "summary": ..., "resume": true}``; the end of its input means
that nobody waits any more. Reports: ``{"ready": {...}}`` with what all results follow from, or
``{"fatal": "...", "code": 4}``; ``{"done": 10, "total": 100}``; ``{"note": "..."}``; and at an order's end
``{"end": "done" | "incomplete" | "failed" | "passed", "code": 0, "reason": "", "frames": 100}``.
"""

import json
import os
import queue
import signal
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from emotion.annotate import Models, Outputs, annotate, is_done
from emotion.loading import load_models
from emotion.models.errors import EmotionError
from emotion.offline import forbid_network
from emotion.provenance import circumstances
from emotion.realtime.errors import IncompleteSourceError
from emotion.realtime.options import Options
from emotion.realtime.sinks.columns import Columns
from emotion.realtime.sinks.result_ledger import results_of

_REPORT_SECONDS = 0.25
# After whoever waits is gone, this long for leaving playable files.
_LAST_SECONDS = 8.0


class Worker:
    """Serves orders until they end.

    Args:
        options: of every video.
        reports: where its reports go.
    """

    def __init__(self, options: Options, reports: TextIO) -> None:
        self._options = options
        self._reports = reports
        self._orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._reported = 0.0
        self._frames = 0
        self._busy = False

    def run(self, orders: TextIO) -> None:
        """Load the models, and serve."""
        threading.Thread(target=self._listen, args=(orders,), daemon=True).start()
        try:
            models = load_models(self._options.engine)
        except EmotionError as error:
            self._report(fatal=str(error), code=error.exit_code)
            return
        classes = models.schema.classes
        palette = [
            {"name": name, "light": light, "dark": dark}
            for name, light, dark in zip(classes, classes.on_white, classes.on_dark, strict=True)
        ]
        columns = Columns(models.schema, details=self._options.faces.columns).all
        self._report(ready=circumstances(models, self._options) | {"columns": columns, "palette": palette})
        while (order := self._orders.get()) is not None:
            self._busy = True
            end = self._serve(order, models)
            self._busy = False
            self._report(**end)

    def _listen(self, orders: TextIO) -> None:
        for line in orders:
            self._orders.put(json.loads(line))
        self._orders.put(None)
        if self._busy:
            # Nobody waits for what is under way: it ends as at Ctrl-C, or else without a word.
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LAST_SECONDS)
        os._exit(1)

    def _serve(self, order: dict[str, Any], models: Models) -> dict[str, Any]:
        video = Path(order["video"])
        files = {name: Path(place) for name, place in order["files"].items()}
        outputs = Outputs(files, Path(order["summary"]))
        self._frames = 0
        try:
            if order["resume"] and is_done(video, outputs, models, self._options):
                return self._passed(outputs, video)
            annotate(video, outputs, models, self._options, self._progress, say=self._note)
        except IncompleteSourceError as error:
            return self._end("incomplete", error)
        except EmotionError as error:
            return self._end("failed", error)
        except MemoryError:
            return self._end("failed", EmotionError(f"{video} needs more memory than there is."))
        return {"end": "done", "code": 0, "reason": "", "frames": self._frames}

    def _end(self, state: str, error: EmotionError) -> dict[str, Any]:
        return {"end": state, "code": error.exit_code, "reason": str(error), "frames": self._frames}

    def _passed(self, outputs: Outputs, video: Path) -> dict[str, Any]:
        """Of what an earlier run has done: as it ended then."""
        values = results_of(outputs.summary, tuple(outputs.files.values()), video.name) or {}
        reason = next(iter(values.get("reasons", ())), "")
        code = IncompleteSourceError.exit_code if reason else 0
        return {"end": "passed", "code": code, "reason": reason, "frames": 0}

    def _progress(self, done: int, total: int | None) -> None:
        self._frames = done
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
    """The process's whole life.

    Args:
        options: of every video.
        reports: where its reports go; its orders come from standard input.
    """
    signal.signal(signal.SIGTERM, _terminated)
    if options.offline:
        forbid_network()
    with open(0, encoding="utf-8", closefd=False) as orders:
        Worker(options, reports).run(orders)


def _terminated(number: int, frame: object) -> None:
    """Files are finished, then the process ends."""
    raise SystemExit(128 + number)
