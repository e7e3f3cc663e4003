"""The queue of uploaded videos: their order, the workers, and the listeners for changes."""

import asyncio
import contextlib
import logging
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from emotion.models.errors import OptionError
from emotion.models.options import to_mapping, with_values
from emotion.realtime.options import Options
from emotion.web.errors import BusyError
from emotion.web.jobs.process import COMMAND, Outcome, WorkerProcess
from emotion.web.jobs.results import outputs_of, write_overview
from emotion.web.jobs.store import OPEN, Job, JobStore, State
from emotion.web.jobs.worker import WorkerOptions
from emotion.web.options import MIB, ServeOptions

# A video that has ended the server twice is not started again automatically.
_MOST_ATTEMPTS = 2
_SWEEP_SECONDS = 60.0
_RESTART_SECONDS = 1.0
# An idle worker is ended to free its memory.
_IDLE_SECONDS = 300.0
_MEMORY_BYTES = 6144 * MIB

_log = logging.getLogger(__name__)


class Changes:
    """Lets any number of listeners wait for a change."""

    def __init__(self) -> None:
        self._version = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Notify listeners. To be called in the event loop."""
        self._version += 1
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    @property
    def version(self) -> int:
        """Increases with every change."""
        return self._version

    async def after(self, version: int, seconds: float) -> int:
        """Wait for a later version than this one, with a timeout; returns the current version."""
        if self._version == version:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await future
            self._waiting.discard(future)
        return self._version


class JobQueue:
    """Annotates the videos of a store, the oldest first, in worker processes.

    Args:
        store: the jobs; those that were running when the last server ended are started again.
        options: limits.
        analysis: default options of the analysis.
        command: that starts a worker process.
        on_cpu: whether the models run on the CPU; then a worker's memory is limited.

    Attributes:
        changes: notified of every change of a job.
        ended: number of jobs that ended in each state since the start.
        frames: number of annotated frames since the start.
    """

    def __init__(
        self,
        store: JobStore,
        options: ServeOptions,
        analysis: Options,
        command: Sequence[str] = COMMAND,
        *,
        on_cpu: bool = True,
    ) -> None:
        self.store = store
        self.changes = Changes()
        self.ended: Counter[State] = Counter()
        self.frames = 0
        self._options = options
        self._analysis = analysis
        self._command = command
        self._worker_options = worker_options(options, analysis, on_cpu)
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._turns: dict[str, int] = {}
        self._next_turn = 0
        self._running: dict[str, WorkerProcess] = {}
        self._incoming: list[int] = []
        self._senders: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Run jobs within the block; then running jobs are left for the next start."""
        self._take_up()
        workers = [
            WorkerProcess(self._worker_options, self._options.job_seconds, self._command)
            for _ in range(self._options.jobs)
        ]
        tasks = [asyncio.create_task(_kept_up(partial(self._work, worker))) for worker in workers]
        tasks.append(asyncio.create_task(_kept_up(self._sweep)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(worker.stop() for worker in workers), return_exceptions=True)

    @contextlib.contextmanager
    def receiving(self, size: int, sender: str = "") -> Iterator[None]:
        """Reserve space for a video of so many bytes during its upload.

        No sender gets more than half of the places.

        Raises:
            BusyError: there is no space.
        """
        self._check_waiting()
        if len(self._incoming) >= self._options.uploads:
            raise BusyError(503, 10, "Other videos are being sent just now: try again in a moment.")
        if self._senders[sender] >= max(1, self._options.uploads // 2):
            raise BusyError(429, 10, "Other videos of yours are being sent just now: wait for one of them.")
        self._check_disk(size)
        self._incoming.append(size)
        self._senders[sender] += 1
        try:
            yield
        finally:
            self._incoming.remove(size)
            self._senders -= Counter({sender: 1})  # removes senders without uploads

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue."""
        self.store.add(job)
        self._put(job)
        self.changes.notify()

    def cancel(self, job: Job) -> None:
        """End a waiting or running job; results so far are kept."""
        worker = self._running.get(job.id)
        if worker:
            worker.cancel()
        elif job.state == State.WAITING:
            self._end(job, Outcome(State.CANCELLED, "Cancelled before it was begun."))

    def restart(self, job: Job) -> None:
        """Start an ended job again.

        Raises:
            BusyError: the queue is full.
        """
        self._check_waiting()
        job.state, job.message, job.finished = State.WAITING, "", None
        job.done, job.attempts = 0, 0
        self.store.save(job)
        self._put(job)
        self.changes.notify()

    async def delete(self, job: Job) -> None:
        """Remove a job and all its files, whatever its state."""
        self.store.forget(job)
        self._turns.pop(job.id, None)
        worker = self._running.get(job.id)
        if worker:
            await worker.kill()
        await asyncio.to_thread(self.store.delete, job)
        self.changes.notify()

    def place(self, job: Job) -> int | None:
        """The number of jobs before a waiting one; None for any other."""
        if job.state != State.WAITING:
            return None
        turns = self._turns
        return sum(one.state in OPEN and turns.get(one.id, 0) < turns.get(job.id, 0) for one in self.store)

    def _take_up(self) -> None:
        """Resume the jobs of the last server."""
        for job in self.store:
            if job.state not in OPEN:
                continue
            if job.attempts >= _MOST_ATTEMPTS:
                sentence = "The server ended twice while it worked on this video: try a smaller one."
                self._end(job, Outcome(State.FAILED, sentence))
            else:
                job.state, job.done = State.WAITING, 0
                self._put(job)

    def _put(self, job: Job) -> None:
        """Add to the end of the queue, a restarted job too."""
        self._turns[job.id] = self._next_turn
        self._next_turn += 1
        self._queue.put_nowait(job)

    async def _work(self, worker: WorkerProcess) -> None:
        """One runner: a job after another, in the same process unless it dies."""
        while True:
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    job = await self._queue.get()
            except TimeoutError:
                await worker.stop()
                continue
            # Cancelled or deleted while it waited; a job that was restarted meanwhile may be queued twice.
            if self.store.get(job.id) is job and job.state == State.WAITING:
                await self._annotate(job, worker)

    async def _annotate(self, job: Job, worker: WorkerProcess) -> None:
        results = self.store.results(job)
        before = job.done

        def report(done: int, total: int | None) -> None:
            if job.started is None:
                job.started = time.monotonic()
            self.frames += done - job.done
            job.done, job.total = done, total
            self.changes.notify()

        self._running[job.id] = worker
        try:
            await asyncio.to_thread(shutil.rmtree, results, ignore_errors=True)
            job.state, job.attempts, job.started = State.RUNNING, job.attempts + 1, None
            self.store.save(job)
            self.changes.notify()
            video = self.store.video(job)
            outcome = await worker.run(self._order(job, video, results), report)
            if outcome.killed:
                await _save_overview(video, results)
        except asyncio.CancelledError:
            # The server is stopping normally: this does not count as a failed attempt.
            job.state, job.attempts, job.done = State.WAITING, job.attempts - 1, before
            self._save(job)
            raise
        except OptionError as error:  # its file was written by another version, or changed
            outcome = Outcome(State.FAILED, str(error))
        except OSError as error:
            outcome = Outcome(State.FAILED, f"The job cannot be run ({error.strerror}): try again later.")
        except Exception as error:  # no error may leave a job waiting for ever
            _log.exception("job %s failed", job.id)
            await worker.kill()
            outcome = Outcome(State.FAILED, f"The job failed ({type(error).__name__}): start it again.")
        finally:
            del self._running[job.id]
        self._end(job, outcome)

    def _order(self, job: Job, video: Path, results: Path) -> dict[str, Any]:
        """The order for the worker, ready for JSON."""
        options = with_values(self._analysis, job.options)
        return {"video": str(video), "folder": str(results), "options": to_mapping(options)}

    def _end(self, job: Job, outcome: Outcome) -> None:
        if self.store.get(job.id) is not job:
            return
        job.state, job.message, job.finished = outcome.state, _by_title(outcome.message, job), time.time()
        self.ended[outcome.state] += 1
        self._save(job)
        self.changes.notify()

    def _save(self, job: Job) -> None:
        if self.store.get(job.id) is not job:
            return
        try:
            self.store.save(job)
        except OSError as error:
            # On a full disk the state is kept in memory; the files of the job stay.
            _log.warning("the state of job %s cannot be saved: %s", job.id, error)

    async def _sweep(self) -> None:
        """Delete expired jobs."""
        while True:
            now = time.time()
            for job in self.store:
                if job.finished is None:
                    continue
                job.finished = min(job.finished, now)  # the clock may have been set back since
                if job.finished <= now - self._options.keep_seconds:
                    await self.delete(job)
            await asyncio.sleep(_SWEEP_SECONDS)

    def _check_waiting(self) -> None:
        if sum(job.state == State.WAITING for job in self.store) >= self._options.waiting:
            raise BusyError(429, 60, "The queue is full: try again when a video is done.")

    def _check_disk(self, size: int) -> None:
        # The results of a video are about as large as the video.
        wanted = 2 * (size + sum(self._incoming))
        if self.store.used_bytes() + wanted > self._options.quota_bytes:
            raise BusyError(
                503, self._next_deletion(), "The space for videos is used up: delete one, or try again later."
            )
        if self.store.free_bytes() - wanted < self._options.spare_bytes:
            raise BusyError(503, self._next_deletion(), "The server's disk is full: try again later.")

    def _next_deletion(self) -> float:
        kept = self._options.keep_seconds
        ends = [job.finished + kept for job in self.store if job.finished is not None]
        # Independent of changes of the clock.
        return min(max(1, min(ends) - time.time()), kept) if ends else 600


def _by_title(message: str, job: Job) -> str:
    """A message with the sender's title in place of the video's file."""
    return f"{job.title}{message.removeprefix(job.file)}" if message.startswith(f"{job.file} ") else message


async def _kept_up(work: Callable[[], Awaitable[None]]) -> None:
    """Run an endless coroutine, and restart it if it fails."""
    while True:
        try:
            await work()
        except Exception:
            _log.exception("a part of the queue failed and is restarted")
        await asyncio.sleep(_RESTART_SECONDS)


def worker_options(options: ServeOptions, analysis: Options, on_cpu: bool) -> WorkerOptions:
    """The part of the options that the worker process needs before its first order."""
    return WorkerOptions(
        engine=analysis.engine,
        video_seconds=options.video_seconds,
        video_pixels=options.video_pixels,
        # A GPU's driver reserves far more than it uses.
        memory_bytes=_MEMORY_BYTES if on_cpu else 0,
        file_bytes=2 * options.upload_bytes,
    )


async def _save_overview(video: Path, results: Path) -> None:
    with contextlib.suppress(OSError, KeyError, ValueError):
        await asyncio.to_thread(write_overview, results, outputs_of(video, results))
