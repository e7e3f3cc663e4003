"""Processes that annotate the videos of a study in parallel; one that dies stops none of the others."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.models.errors import EmotionError
from emotion.models.options import to_mapping
from emotion.realtime.child_process import environment, python_command
from emotion.realtime.errors import SourceError
from emotion.realtime.options import Options
from emotion.study.plan import Job
from emotion.study.task import task_of

COMMAND = python_command("-m", "emotion.study")
# Time for a stopped process to finish playable files.
_PATIENCE = 15.0
# Number of processes that may die before they are ready; then the machine is assumed to be at fault.
_MOST_STILLBORN = 3


class WorkerFailedError(EmotionError):
    """No process can work, for example because a model file is damaged.

    Args:
        sentence: the reason.
        code: the exit code of the process's error.
    """

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.exit_code = code


@dataclass(frozen=True, slots=True)
class Report:
    """A report of a process.

    Attributes:
        kind: ``ready`` (once per process), ``begun``, ``progress``, ``note``, ``ended``, ``died``;
            ``stopping`` before all are ended by Ctrl-C or a signal.
        job: its current job; None for ``ready`` and ``stopping``.
        values: of the process's own report.
    """

    kind: str
    job: Job | None
    values: dict[str, Any]


STOPS = (KeyboardInterrupt, SystemExit)
"""The exceptions of Ctrl-C and signals."""
STOPPING = Report("stopping", None, {})


class Pool:
    """Distributes jobs to processes. One that dies affects only its job, and is replaced.

    A job whose process died is tried once more when all others are done, alone: if memory was short,
    the outcome of a video does not depend on how many others ran in parallel.

    Args:
        options: of every video.
        count: number of processes.
        command: to start; the options are added as its last argument.
        address: see `task_of`.

    Attributes:
        count: how many processes.
    """

    def __init__(
        self,
        options: Options,
        count: int,
        command: Sequence[str] = COMMAND,
        address: Callable[[Path], str] = lambda path: str(path.absolute()),
    ) -> None:
        self._address = address
        self._command = (*command, json.dumps(to_mapping(options)))
        self.count = count
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running: set[subprocess.Popen[str]] = set()
        self._reports: queue.SimpleQueue[Report | BaseException | None] = queue.SimpleQueue()
        self._stopped = False
        self._stillborn = 0

    def run(self, jobs: Sequence[Job], resume: bool) -> Generator[Report, None, None]:
        """Run all jobs, and yield reports; leaving the loop stops all.

        Raises:
            WorkerFailedError: no process can work.
        """
        died: list[Job] = []
        try:
            for report in self._round(jobs, resume, self.count):
                if report.kind == "died" and report.job is not None:
                    died.append(report.job)
                else:
                    yield report
            yield from self._round(died, resume, 1)
        except STOPS:
            yield STOPPING
            raise
        finally:
            self._stop()

    def _round(self, jobs: Sequence[Job], resume: bool, count: int) -> Iterator[Report]:
        self._waiting.extend(jobs)
        threads = [
            threading.Thread(target=self._work, args=(resume,), daemon=True)
            for _ in range(min(count, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        left = len(threads)
        while left:
            report = self._reports.get()
            if isinstance(report, BaseException):
                raise report
            if report is None:
                left -= 1
            else:
                yield report

    def _work(self, resume: bool) -> None:
        """Run one process after the other, until no job waits; in its own thread."""
        try:
            while self._waiting and not self._stopped:
                self._with_a_process(resume)
        except BaseException as error:
            self._reports.put(error)
        finally:
            self._reports.put(None)

    def _with_a_process(self, resume: bool) -> None:
        """Send jobs to a process until there are none, or until it dies."""
        with self._lock:
            if self._stopped:
                return
            process = self._start()
        try:
            first = _read(process)
            if "ready" not in first:
                self._stillborn += 1
                if "fatal" not in first and self._stillborn <= _MOST_STILLBORN * self.count:
                    return  # perhaps out of memory: another one is started
                sentence = first.get("fatal") or f"A process for videos cannot start: it {_end_of(process)}."
                raise WorkerFailedError(sentence, first.get("code", 1))
            self._reports.put(Report("ready", None, first["ready"]))
            while not self._stopped:
                try:
                    job = self._waiting.popleft()
                except IndexError:
                    return
                if not self._do(process, job, resume):
                    return
        finally:
            self._let_go(process)

    def _do(self, process: "subprocess.Popen[str]", job: Job, resume: bool) -> bool:
        """Whether the process survived the job."""
        assert process.stdin is not None
        self._reports.put(Report("begun", job, {"where": str(process.pid)}))
        with suppress(OSError):
            process.stdin.write(json.dumps(task_of(job, resume, self._address)) + "\n")
            process.stdin.flush()
        while values := _read(process):
            if "end" in values:
                self._reports.put(Report("ended", job, values))
                return True
            self._reports.put(Report("note" if "note" in values else "progress", job, values))
        if not self._stopped:
            error = SourceError(
                f"{job.video}: the process that worked on it {_end_of(process)}, perhaps for lack of memory."
            )
            self._reports.put(Report("died", job, {"reason": str(error), "code": error.exit_code}))
        return False

    def _start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=environment(),
            # Ctrl-C in the terminal is handled by this process, which lets the others finish their files.
            start_new_session=sys.platform != "win32",
        )
        self._running.add(process)
        return process

    def _let_go(self, process: "subprocess.Popen[str]") -> None:
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
        with self._lock:
            self._running.discard(process)

    def _stop(self) -> None:
        """Let all processes end with playable files; those that do not end are killed."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            if process.poll() is None:
                process.kill()


def _read(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next report; empty if the process has ended."""
    assert process.stdout is not None
    try:
        values = json.loads(process.stdout.readline() or "{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _end_of(process: "subprocess.Popen[str]") -> str:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    code = process.poll()
    if code is None:
        return "does not answer"
    try:
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    except ValueError:
        return f"ended with code {code}"
