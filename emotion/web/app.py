"""The HTTP interface, and the page on it."""

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Cookie, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from emotion.annotate import Models
from emotion.web import results
from emotion.web.camera import Cameras
from emotion.web.jobs import BusyError, JobQueue
from emotion.web.options import ServeOptions
from emotion.web.photo import analyse, decode, to_values
from emotion.web.processes import COMMAND
from emotion.web.security import Gate
from emotion.web.store import OPEN, Incoming, Job, JobStore, State
from models.emotions import EMOTIONS
from models.errors import EmotionError
from models.palette import ON_DARK, ON_WHITE, PANEL
from models.weights import read as read_weights

STATIC = Path(__file__).parent / "static"
VISITOR = "emotion_visitor"
_BUFFER_BYTES = 1 << 20
# A browser that has sent nothing for so long is gone.
_SILENCE_SECONDS = 30.0
_MOST_PHOTOS = 4
_EVENT_SECONDS = 0.25
_HEARTBEAT_SECONDS = 15.0

_log = logging.getLogger(__name__)

Visitor = Annotated[str, Cookie(alias=VISITOR)]


class RequestError(Exception):
    """A request that cannot be answered as it was meant."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class Health(BaseModel):
    """That the server lives."""

    status: Literal["ok"] = "ok"
    version: str
    provider: str


class FaceResult(BaseModel):
    """A face: the box as left, top, width, height in pixels; opinions in the order of `emotions`.

    `label` is what to call it: an emotion, or "uncertain" where none is clear enough.
    """

    track: int
    box: tuple[float, float, float, float]
    emotion: str
    confidence: float
    label: str
    smoothed: list[float]
    eyes: list[float] | None
    lips: list[float] | None


class PhotoResult(BaseModel):
    """What is thought of a picture: apparent expressions, not feelings."""

    width: int
    height: int
    emotions: tuple[str, ...] = EMOTIONS
    faces: list[FaceResult]


class CameraOffer(BaseModel):
    """A browser's offer in the Session Description Protocol; `drawn`: send annotated pictures back."""

    sdp: Annotated[str, Field(max_length=100_000)]
    drawn: bool = False


class CameraAnswer(BaseModel):
    """The answer to a `CameraOffer`."""

    sdp: str


class Download(BaseModel):
    """A file that can be taken away."""

    kind: str
    label: str
    bytes: int
    whole: bool


class JobResult(BaseModel):
    """A video and how far it is. Times are Unix seconds; `seconds_left` and `fps` while it runs."""

    id: str
    title: str
    bytes: int
    state: State
    message: str
    created: float
    finished: float | None
    deleted_at: float | None
    place: int | None
    done: int
    total: int | None
    fps: float | None
    seconds_left: float | None
    overview: bool
    downloads: list[Download]


class About(BaseModel):
    """Which models run, what they can do and what the vote makes of them."""

    version: str
    emotions: tuple[str, ...]
    models: list[dict[str, Any]]
    vote: list[str]
    limits: dict[str, float]


class Site:
    """What all requests share.

    Args:
        options: limits and places.
        models: loaded once, shared by pictures and cameras.
        command: what starts a worker process.

    Raises:
        OSError: the folder for jobs cannot be made.
    """

    def __init__(self, options: ServeOptions, models: Models, command: Sequence[str]) -> None:
        self.options = options
        self.models = models
        self.queue = JobQueue(JobStore(options.folder), options, command)
        self.cameras = Cameras(models, options.max_faces, options.smooth, options.viewers)
        self.leaving = False
        self.started = time.time()
        self.photos = 0
        self._photo_lock = asyncio.Lock()
        self._photos_waiting = 0

    def leave(self) -> None:
        """The server is about to end: streams of events end now."""
        self.leaving = True
        self.queue.changes.notify()

    def job(self, job_id: str) -> Job:
        """The job of this id."""
        job = self.queue.store.get(job_id)
        if job is None:
            raise RequestError(404, "There is no such video here: it may have been deleted.")
        return job

    def describe(self, job: Job) -> JobResult:
        """A job as the page shows it."""
        folder = self.queue.store.results(job)
        ended = job.finished
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
        )

    def jobs_of(self, visitor: str) -> list[JobResult]:
        """A visitor's videos, the newest first."""
        mine = [job for job in self.queue.store if visitor and job.owner == visitor]
        return [self.describe(job) for job in reversed(mine)]

    async def photo(self, data: bytes) -> PhotoResult:
        """What is thought of a picture; one at a time."""
        if self._photos_waiting >= _MOST_PHOTOS:
            raise BusyError(503, 2, "Other pictures are being looked at: try again in a moment.")
        self._photos_waiting += 1
        try:
            async with self._photo_lock:
                return await asyncio.to_thread(self._look, data)
        finally:
            self._photos_waiting -= 1

    def _look(self, data: bytes) -> PhotoResult:
        image = decode(data, self.options.photo_pixels)
        found = analyse(image, self.models, self.options.max_faces)
        self.photos += 1
        faces = [FaceResult(**to_values(face)) for face in found.faces]
        return PhotoResult(width=image.shape[1], height=image.shape[0], faces=faces)


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


def make_app(
    options: ServeOptions, models: Models, token: str | None = None, command: Sequence[str] = COMMAND
) -> FastAPI:
    """The application, ready for a server.

    Args:
        options: limits and places.
        models: from `Models.load`.
        token: what each request needs; None where none is needed.
        command: what starts a worker process.

    Raises:
        OSError: the folder for jobs cannot be made.
    """
    site = Site(options, models, command)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with site.queue.at_work():
            yield
            await site.cameras.close()

    app = FastAPI(
        title="emotion-live",
        version=version("emotion-live"),
        description="Apparent facial expressions in pictures and videos. What is read is how a face "
        "looks, not what a person feels. Bodies of requests are the files themselves.",
        # FastAPI's own pages load code from elsewhere.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.site = site
    app.add_middleware(Gate, names=options.names, local=options.local, token=token)
    _add_errors(app)
    _add_about(app, site)
    _add_photos(app, site)
    _add_cameras(app, site)
    _add_jobs(app, site)
    _add_results(app, site)
    _add_page(app)
    return app


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    async def problem(_: Request, error: RequestError) -> Response:
        return JSONResponse({"detail": str(error)}, error.status)

    @app.exception_handler(BusyError)
    async def busy(_: Request, error: BusyError) -> Response:
        return JSONResponse({"detail": str(error)}, error.status, {"Retry-After": str(error.seconds)})

    @app.exception_handler(EmotionError)
    async def refused(_: Request, error: EmotionError) -> Response:
        return JSONResponse({"detail": str(error)}, 422)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        where = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        return JSONResponse(
            {"detail": f"The request is not as described in /api/openapi.json: {where}."}, 422
        )


def _add_about(app: FastAPI, site: Site) -> None:
    @app.get("/api/health", tags=["about"])
    async def health() -> Health:
        """Whether the server lives."""
        return Health(version=version("emotion-live"), provider=site.models.eyes.provider)

    @app.get("/api/models", tags=["about"])
    async def models() -> About:
        """Which models run, their scores, the vote's weights in words, and this server's limits."""
        loaded = (site.models.eyes, site.models.lips)
        return About(
            version=version("emotion-live"),
            emotions=EMOTIONS,
            models=[_manifest(model.manifest) | {"provider": model.provider} for model in loaded],
            vote=[row.in_words() for row in read_weights(site.options.models).rates],
            limits={
                "upload_bytes": site.options.upload_bytes,
                "video_seconds": site.options.video_seconds,
                "keep_seconds": site.options.keep_seconds,
                "viewers": site.options.viewers,
            },
        )

    @app.get("/metrics", tags=["about"], response_class=PlainTextResponse)
    async def metrics() -> str:
        """Counters and gauges in Prometheus' text format."""
        return _metrics(site)


def _manifest(manifest: Any) -> dict[str, Any]:
    names = ("region", "architecture", "precision", "sha256", "data", "scores")
    return {name: getattr(manifest, name) for name in names}


def _metrics(site: Site) -> str:
    states = dict.fromkeys(State, 0)
    for job in site.queue.store:
        states[job.state] += 1
    lines = [
        "# TYPE emotion_jobs gauge",
        *(f'emotion_jobs{{state="{state}"}} {count}' for state, count in states.items()),
        "# TYPE emotion_jobs_ended_total counter",
        *(f'emotion_jobs_ended_total{{state="{s}"}} {n}' for s, n in site.queue.ended.items()),
        "# TYPE emotion_video_frames_total counter",
        f"emotion_video_frames_total {site.queue.frames}",
        "# TYPE emotion_photos_total counter",
        f"emotion_photos_total {site.photos}",
        "# TYPE emotion_cameras gauge",
        f"emotion_cameras {len(site.cameras)}",
        "# TYPE emotion_camera_frames_total counter",
        f"emotion_camera_frames_total {site.cameras.counts.frames}",
        "# TYPE emotion_camera_result_seconds summary",
        f"emotion_camera_result_seconds_count {site.cameras.counts.results}",
        f"emotion_camera_result_seconds_sum {site.cameras.counts.seconds:.3f}",
        "# TYPE process_start_time_seconds gauge",
        f"process_start_time_seconds {site.started:.3f}",
    ]
    return "\n".join(lines) + "\n"


def _add_photos(app: FastAPI, site: Site) -> None:
    @app.post("/api/photos", tags=["pictures"], openapi_extra=_body("image/*"))
    async def photo(request: Request) -> PhotoResult:
        """Analyse a picture (JPEG, PNG or WebP), sent as the body."""
        limit = site.options.photo_bytes
        _check_length(request, limit)
        parts: list[bytes] = []
        async for chunk in _chunks(request, limit):
            parts.append(chunk)
        return await site.photo(b"".join(parts))


def _add_cameras(app: FastAPI, site: Site) -> None:
    @app.post("/api/cameras", tags=["cameras"])
    async def camera(offer: CameraOffer) -> CameraAnswer:
        """Offer a camera over WebRTC; results come on the data channel that the offer must have."""
        return CameraAnswer(sdp=await site.cameras.open(offer.sdp, offer.drawn))


def _add_jobs(app: FastAPI, site: Site) -> None:
    store = site.queue.store

    @app.post("/api/jobs", tags=["videos"], status_code=201, openapi_extra=_body("video/*"))
    async def submit(
        request: Request,
        name: Annotated[str, Query(max_length=500, description="The file's name, for people.")] = "video",
        visitor: Visitor = "",
    ) -> JobResult:
        """Send a video as the body; it is annotated as soon as its turn comes."""
        limit = site.options.upload_bytes
        size = _check_length(request, limit)
        with site.queue.receiving(size):
            incoming = store.receive(name)
            try:
                await _save(request, incoming, limit)
                job = incoming.commit(visitor)
            except OSError as error:
                raise RequestError(
                    507, f"The video cannot be kept ({error.strerror}): try again later."
                ) from error
            except ClientDisconnect as error:
                raise RequestError(400, "The video did not arrive whole: send it again.") from error
            finally:
                incoming.discard()
        site.queue.add(job)
        return site.describe(job)

    @app.get("/api/jobs", tags=["videos"])
    async def jobs(visitor: Visitor = "") -> list[JobResult]:
        """The videos that were sent with the same visitor's cookie, the newest first."""
        return site.jobs_of(visitor)

    @app.get("/api/jobs/events", tags=["videos"], response_class=StreamingResponse)
    async def events(visitor: Visitor = "") -> StreamingResponse:
        """The same list as server-sent events: once at once, then whenever something has changed."""
        return StreamingResponse(
            _events(site, visitor), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @app.get("/api/jobs/{job_id}", tags=["videos"])
    async def job(job_id: str) -> JobResult:
        """How one video stands."""
        return site.describe(site.job(job_id))

    @app.post("/api/jobs/{job_id}/cancel", tags=["videos"])
    async def cancel(job_id: str) -> JobResult:
        """End it; what was done until then is kept."""
        job = site.job(job_id)
        site.queue.cancel(job)
        return site.describe(job)

    @app.post("/api/jobs/{job_id}/restart", tags=["videos"])
    async def restart(job_id: str) -> JobResult:
        """Begin anew what has failed or was cancelled."""
        job = site.job(job_id)
        if job.state not in (State.FAILED, State.CANCELLED):
            raise RequestError(409, "Only a video that failed or was cancelled can be begun anew.")
        site.queue.restart(job)
        return site.describe(job)

    @app.delete("/api/jobs/{job_id}", tags=["videos"], status_code=204)
    async def delete(job_id: str) -> None:
        """Delete the video and all its results at once."""
        await site.queue.delete(site.job(job_id))


def _add_results(app: FastAPI, site: Site) -> None:
    store = site.queue.store

    @app.get("/api/jobs/{job_id}/overview", tags=["videos"], response_class=FileResponse)
    async def overview(job_id: str) -> FileResponse:
        """The timeline in at most 1,200 steps, to draw: for each person opinions over time."""
        path = store.results(site.job(job_id)) / results.OVERVIEW
        if not path.exists():
            raise RequestError(404, "There is no timeline of this video yet.")
        return FileResponse(path, media_type="application/json", headers={"Cache-Control": "no-cache"})

    @app.get("/api/jobs/{job_id}/{kind}", tags=["videos"], response_class=FileResponse)
    async def result(
        job_id: str,
        kind: str,
        download: Annotated[bool, Query(description="As a file to save, not to show.")] = False,
    ) -> FileResponse:
        """A result: mp4, csv, jsonl, parquet, vtt, srt, html or summary."""
        job = site.job(job_id)
        wanted = results.KINDS.get(kind)
        path = results.find(store.results(job), wanted) if wanted else None
        if wanted is None or path is None or job.state in OPEN:
            raise RequestError(404, "There is no such result of this video.")
        # Only pictures are ever shown by the browser itself.
        shown = wanted.media_type.startswith("video/") and not download
        return FileResponse(
            path,
            media_type=wanted.media_type,
            # As on the disk: the HTML timeline looks for the video beside it by that name.
            filename=path.name,
            content_disposition_type="inline" if shown else "attachment",
            headers={"Cache-Control": "no-cache"},
        )


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page(visitor: Visitor = "") -> Response:
        response = FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})
        if not visitor:
            response.set_cookie(
                VISITOR, secrets.token_urlsafe(16), max_age=365 * 86400, httponly=True, samesite="strict"
            )
        return response

    @app.get("/static/colours.css", include_in_schema=False)
    async def colours() -> Response:
        return Response(colour_sheet(), media_type="text/css")

    app.mount("/static", StaticFiles(directory=STATIC))


def colour_sheet() -> str:
    """The emotions' colours as CSS variables: for light and dark pages, and for drawing on pictures."""
    light, dark = _variables(ON_WHITE), _variables(ON_DARK)
    return (
        f":root {{ {light} {_variables(ON_DARK, '-on-picture')} --panel: {PANEL}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    )


def _variables(palette: Mapping[str, str], ending: str = "") -> str:
    return " ".join(f"--{name}{ending}: {colour};" for name, colour in palette.items())


def _body(media_type: str) -> dict[str, Any]:
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": {media_type: schema}}}


def _check_length(request: Request, limit: int) -> int:
    """How many bytes will come; as many as allowed where nothing says so."""
    try:
        size = int(request.headers.get("content-length", limit))
    except ValueError as error:
        raise RequestError(400, "The Content-Length is not a number.") from error
    if size > limit:
        raise _too_large(limit)
    return size


def _too_large(limit: int) -> RequestError:
    return RequestError(
        413, f"The file is larger than the {limit / (1 << 20):.0f} MiB that this server takes."
    )


async def _chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in parts; a body that is too large or a silent browser ends it."""
    stream = request.stream()
    size = 0
    while True:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            raise RequestError(408, "The file stopped arriving: send it again.") from error
        if chunk is None:
            return
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if chunk:
            yield chunk


async def _save(request: Request, incoming: Incoming, limit: int) -> None:
    """Write the body to the disk in large pieces, away from the event loop."""
    pending = bytearray()
    size = 0
    async for chunk in _chunks(request, limit):
        pending += chunk
        size += len(chunk)
        if len(pending) >= _BUFFER_BYTES:
            await asyncio.to_thread(incoming.stream.write, bytes(pending))
            pending.clear()
    if not size:
        raise RequestError(400, "The request has no body: send the video itself.")
    await asyncio.to_thread(incoming.stream.write, bytes(pending))


async def _events(site: Site, visitor: str) -> AsyncIterator[str]:
    """The visitor's list when it has changed, and a sign of life when it has not for long."""
    shown = ""
    while not site.leaving:
        version = site.queue.changes.version
        text = json.dumps([job.model_dump(mode="json") for job in site.jobs_of(visitor)])
        if text != shown:
            yield f"data: {text}\n\n"
            shown = text
        if await site.queue.changes.after(version, _HEARTBEAT_SECONDS) == version:
            yield ": still here\n\n"
        await asyncio.sleep(_EVENT_SECONDS)
