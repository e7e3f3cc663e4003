"""State that all requests share: the models, the queue of videos, the cameras, and their status."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emotion.models.regions import Image
from emotion.realtime.options import Options
from emotion.videos import Models
from emotion.web.analysis import analyse, to_values
from emotion.web.camera.viewer import Cameras
from emotion.web.errors import BusyError
from emotion.web.feed import Feed
from emotion.web.http.photo import decode
from emotion.web.http.schema import Download, FaceResult, JobCreated, JobResult, PhotoResult
from emotion.web.jobs import results
from emotion.web.jobs.queue import JobQueue
from emotion.web.jobs.store import OPEN, Job, JobStore
from emotion.web.options import ServeOptions

_MOST_PHOTOS = 4


class RequestError(Exception):
    """A request that cannot be fulfilled."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class Site:
    """The state that all requests share.

    Args:
        options: limits and places.
        analysis: default options of the analysis.
        models: loaded once, shared by pictures and cameras.
        command: that starts a worker process.

    Raises:
        OSError: the folder for jobs cannot be used, or another server uses it.
    """

    def __init__(
        self, options: ServeOptions, analysis: Options, models: Models, command: Sequence[str]
    ) -> None:
        self.options = options
        self.analysis = analysis
        self.models = models
        self.queue = JobQueue(
            JobStore(options.place),
            options,
            analysis,
            command,
            on_cpu=models.regions[0].provider.startswith("CPU"),
        )
        self.feed = Feed()
        self.cameras = Cameras(models, options.viewers, self.feed)
        self.leaving = False
        self.photos = 0
        self._photo_lock = asyncio.Lock()
        self._photos_waiting = 0
        # By job: when it ended, and the content of its card.
        self._cards: dict[str, tuple[float, dict[str, Any]]] = {}

    def leave(self) -> None:
        """The server is about to end: streams of events end now."""
        self.leaving = True
        self.feed.close()
        self.queue.changes.notify()

    def job(self, job_id: str) -> Job:
        """The job of this id."""
        job = self.queue.store.get(job_id)
        if job is None:
            raise RequestError(404, "There is no such video here: it may have been deleted.")
        return job

    def own_job(self, job_id: str, visitor: str, secret: str) -> Job:
        """The same for a change, which only its sender may make, by cookie or by secret."""
        job = self.job(job_id)
        if not job.belongs_to(visitor, secret):
            raise RequestError(
                403,
                "Only the uploader of this video may do that: with the same browser, or with the secret in "
                "the response to the upload as the header Emotion-Secret.",
            )
        return job

    def created(self, job: Job) -> JobCreated:
        """The response to an upload."""
        return JobCreated(**self.describe(job, mine=True).model_dump(), secret=job.secret)

    def describe(self, job: Job, mine: bool) -> JobResult:
        """A job for the page, for its sender or for another visitor."""
        folder = self.queue.store.results(job)
        ended = job.finished
        card = self._card(job, folder)
        return JobResult(
            id=job.id,
            title=job.title,
            bytes=job.bytes,
            state=job.state,
            message=job.message,
            created=job.created,
            finished=ended,
            deleted_at=None if ended is None else ended + self.options.keep_seconds,
            place=self.queue.place(job),
            done=job.done,
            total=job.total,
            fps=job.rate,
            seconds_left=job.seconds_left,
            overview=job.state not in OPEN and (folder / results.OVERVIEW).exists(),
            downloads=[] if job.state in OPEN else _downloads(folder),
            mine=mine,
            seconds=card.get("seconds"),
            strip=card.get("strip", []),
            thumbnail=job.state not in OPEN and (folder / results.THUMBNAIL).exists(),
        )

    def _card(self, job: Job, folder: Path) -> dict[str, Any]:
        """Read once, since the list is sent several times a second."""
        if job.finished is None:
            return {}
        ended, card = self._cards.get(job.id, (0.0, {}))
        if ended != job.finished:
            self._cards = {one: kept for one, kept in self._cards.items() if self.queue.store.get(one)}
            try:
                card = json.loads((folder / results.CARD).read_text(encoding="utf-8"))
            except (OSError, ValueError):  # there is no result
                card = {}
            self._cards[job.id] = job.finished, card
        return card

    def jobs_of(self, visitor: str) -> list[JobResult]:
        """A visitor's videos, the newest first."""
        mine = [job for job in self.queue.store if visitor and job.owner == visitor]
        return [self.describe(job, mine=True) for job in reversed(mine)]

    async def photo(self, data: bytes, options: Options) -> PhotoResult:
        """The result of a picture; one at a time."""
        if self._photos_waiting >= _MOST_PHOTOS:
            raise BusyError(503, 2, "Other pictures are being analysed: try again in a moment.")
        self._photos_waiting += 1
        try:
            async with self._photo_lock:
                image = await decode(data, self.options.photo_pixels)
                return await asyncio.to_thread(self._look, image, options)
        finally:
            self._photos_waiting -= 1

    def _look(self, image: Image, options: Options) -> PhotoResult:
        found = analyse(image, self.models, options)
        self.photos += 1
        faces = [FaceResult(**to_values(face)) for face in found.faces]
        return PhotoResult(
            width=image.shape[1],
            height=image.shape[0],
            emotions=found.schema.classes.names,
            regions=found.schema.regions.names,
            faces=faces,
            more_faces=found.left_out,
        )


def _downloads(folder: Path) -> list[Download]:
    found = ((kind, results.find(folder, kind)) for kind in results.KINDS.values())
    return [
        Download(
            kind=kind.name,
            label=kind.label,
            bytes=path.stat().st_size,
            whole=path.name.endswith(kind.ending),
        )
        for kind, path in found
        if path
    ]
