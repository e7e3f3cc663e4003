"""The server's side of a worker process: sends orders, receives reports, and always ends it."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emotion.models.options import to_mapping
from emotion.realtime.child_process import environment, python_command
from emotion.web.jobs.store import State
from emotion.web.jobs.worker import WorkerOptions

COMMAND = python_command("-m", "emotion.web.jobs")
# Loading the models takes seconds; on a machine that is busy, some more.
_START_SECONDS = 180.0
# Time for a stopped worker to finish a playable file.
_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        state: done, failed or cancelled.
        message: one sentence.
        killed: whether the process ended without a report, so that its files may be incomplete.
    """

    state: State
    message: str
    killed: bool = False


class WorkerProcess:
    """One process of `emotion.web.jobs.worker`, started when it is first needed.

    Args:
        options: limits.
        seconds: time limit per video.
        command: to start; the options are added as its last argument.
    """

    def __init__(self, options: WorkerOptions, seconds: float, command: Sequence[str] = COMMAND) -> None:
        self._options = options
        self._seconds = seconds
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._cancelled = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self, order: dict[str, Any], report: Callable[[int, int | None], None]) -> Outcome:
        """Annotate one video.

        Args:
            order: ``{"video": path, "folder": path, "options": ...}``.
            report: called with frames done, and in all (None if unknown).
        """
        self._cancelled.clear()
        try:
            outcome = await self._run(order, report)
        except (OSError, ValueError, KeyError, TypeError):
            outcome = Outcome(State.FAILED, await self._last_words(), killed=True)
        if outcome.killed:
            await self.kill()
        return outcome

    def cancel(self) -> None:
        """Stop the current video early; the result so far is kept."""
        self._cancelled.set()

    async def stop(self) -> None:
        """End the process; it finishes a playable file of the current video."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def _run(self, order: dict[str, Any], report: Callable[[int, int | None], None]) -> Outcome:
        process = self._process if self.pid is not None else None
        if process is None:
            process = await self._start()
            async with asyncio.timeout(_START_SECONDS):
                first = await _read(process)
            if not first.get("ready"):
                return Outcome(State.FAILED, str(first.get("message")), killed=True)
        await _send(process, order)
        ending = asyncio.create_task(_follow(process, report))
        cancelling = asyncio.create_task(self._cancelled.wait())
        try:
            tasks = {ending, cancelling}
            await asyncio.wait(tasks, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return ending.result()
            await _send(process, {"cancel": True})
            await asyncio.wait({ending}, timeout=_PATIENCE)
            return self._cut_short(ending)
        finally:
            for task in (ending, cancelling):
                task.cancel()

    def _cut_short(self, ending: "asyncio.Task[Outcome]") -> Outcome:
        """The outcome of a job that was stopped: by a person, or at its time limit."""
        if ending.done() and (ending.result().state == State.DONE or self._cancelled.is_set()):
            return ending.result()
        if self._cancelled.is_set():
            return Outcome(State.CANCELLED, "Cancelled; what was done until then is kept.", killed=True)
        minutes = f"{self._seconds / 60:.0f} minutes"
        sentence = f"Stopped after {minutes}, the most that a video may take here; what was done is kept."
        return Outcome(State.FAILED, sentence, killed=not ending.done())

    async def _start(self) -> asyncio.subprocess.Process:
        await self.kill()
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            json.dumps(to_mapping(self._options)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
            # Ctrl-C in the server's terminal is handled by the server, which lets its workers finish their
            # files.
            start_new_session=sys.platform != "win32",
        )
        return self._process

    async def _last_words(self) -> str:
        code = None
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    code = await self._process.wait()
        if code is None:
            return "The process that worked on this video does not answer: start it again."
        try:
            reason = signal.Signals(-code).name if code < 0 else f"code {code}"
        except ValueError:
            reason = f"code {code}"
        return (
            f"The process that worked on this video ended unexpectedly ({reason}), perhaps for lack of "
            "memory. What was done until then is kept; start it again, or try a smaller video."
        )


async def _follow(process: asyncio.subprocess.Process, report: Callable[[int, int | None], None]) -> Outcome:
    while "end" not in (values := await _read(process)):
        report(values["done"], values["total"])
    return Outcome(State(values["end"]), values["message"])


async def _read(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    # At the end of the stream, and for a line that does not end, this is a ValueError.
    values: dict[str, Any] = json.loads(await process.stdout.readline())
    return values


async def _send(process: asyncio.subprocess.Process, values: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(values).encode() + b"\n")
    await process.stdin.drain()
