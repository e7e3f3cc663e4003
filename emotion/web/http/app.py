"""The HTTP interface, and the page on it."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Cookie, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import ClientDisconnect

from emotion import __version__
from emotion.models.errors import EmotionError
from emotion.models.evaluation.weights import read as read_weights
from emotion.models.options import with_values
from emotion.realtime.options import Options
from emotion.realtime.sources.demo import DEMO
from emotion.videos import Models
from emotion.web.errors import BusyError
from emotion.web.http.bodies import check_length, chunks, save
from emotion.web.http.feed import STATIC, add_feed
from emotion.web.http.metrics import metrics_text
from emotion.web.http.request_options import OF_CAMERAS, OF_PHOTOS, OF_VIDEOS, chosen
from emotion.web.http.schema import (
    About,
    CameraAnswer,
    CameraOffer,
    Health,
    JobCreated,
    JobResult,
    PhotoResult,
)
from emotion.web.http.security import Gate
from emotion.web.http.site import RequestError, Site
from emotion.web.http.study import FILES, policy_of, study_of
from emotion.web.http.theme import add_theme
from emotion.web.http.zipped import zipped
from emotion.web.jobs import results
from emotion.web.jobs.process import COMMAND
from emotion.web.jobs.store import OPEN, State
from emotion.web.options import ServeOptions

VISITOR = "emotion_visitor"
_EVENT_SECONDS = 0.25
_HEARTBEAT_SECONDS = 15.0

Visitor = Annotated[str, Cookie(alias=VISITOR)]
Secret = Annotated[
    str,
    Header(
        alias="Emotion-Secret",
        description="The secret from the answer to the upload; browsers do not need it.",
    ),
]


def make_app(
    options: ServeOptions,
    models: Models,
    token: str | None = None,
    command: Sequence[str] = COMMAND,
    *,
    analysis: Options | None = None,
) -> FastAPI:
    """The application, ready for a server.

    Args:
        options: limits and places.
        models: from `Models.load`.
        token: that each request needs; None if none is needed.
        command: that starts a worker process.
        analysis: default options of the analysis; `Options()` if not given.

    Raises:
        OSError: the folder for jobs cannot be used, or another server uses it.
    """
    site = Site(options, analysis or Options(), models, command)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with site.queue.store:
            async with site.queue.at_work():
                yield
                await site.cameras.close()

    app = FastAPI(
        title="emotion-live",
        version=__version__,
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
    _add_study(app, site)
    add_feed(app, site.feed)
    _add_page(app, site)
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
        where = ", ".join(f"{'.'.join(map(str, one['loc']))} ({one['msg']})" for one in error.errors())
        return JSONResponse(
            {"detail": f"The request is not as described in /api/openapi.json: {where}."}, 422
        )


def _add_about(app: FastAPI, site: Site) -> None:
    @app.get("/api/health", tags=["about"])
    async def health() -> Health:
        """Check that the server is running."""
        return Health(version=__version__, provider=site.models.regions[0].provider)

    @app.get("/api/models", tags=["about"])
    async def models() -> About:
        """The models, their scores, the rule of the vote in words, and the limits of this server."""
        schema = site.models.schema
        fitted = read_weights(site.analysis.engine.models, schema.regions.names)
        return About(
            version=__version__,
            emotions=schema.classes.names,
            regions=schema.regions.names,
            models=[
                _manifest(model.manifest) | {"provider": model.provider} for model in site.models.regions
            ],
            rule=fitted.meaning,
            vote=[row.in_words() for row in fitted.rates],
            limits={
                "upload_bytes": site.options.upload_bytes,
                "photo_bytes": site.options.photo_bytes,
                "video_seconds": site.options.video_seconds,
                "keep_seconds": site.options.keep_seconds,
                "viewers": site.options.viewers,
            },
        )

    @app.get("/metrics", tags=["about"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Metrics in the text format of Prometheus."""
        return Response(metrics_text(site), media_type=CONTENT_TYPE_LATEST)


def _manifest(manifest: Any) -> dict[str, Any]:
    names = ("region", "architecture", "precision", "sha256", "data", "scores")
    return {name: getattr(manifest, name) for name in names}


def _add_photos(app: FastAPI, site: Site) -> None:
    @app.post("/api/photos", tags=["pictures"], openapi_extra=_body("image/*"))
    async def photo(
        request: Request, named: Annotated[dict[str, Any], Depends(chosen(OF_PHOTOS, site.analysis))]
    ) -> PhotoResult:
        """Analyse a photograph (JPEG, PNG, WebP or GIF), sent as the body."""
        limit = site.options.photo_bytes
        check_length(request, limit)
        parts: list[bytes] = []
        async for chunk in chunks(request, limit):
            parts.append(chunk)
        return await site.photo(b"".join(parts), with_values(site.analysis, named))


def _add_cameras(app: FastAPI, site: Site) -> None:
    @app.post("/api/cameras", tags=["cameras"])
    async def camera(
        offer: CameraOffer, named: Annotated[dict[str, Any], Depends(chosen(OF_CAMERAS, site.analysis))]
    ) -> CameraAnswer:
        """Send a WebRTC offer of a camera; results come on the data channel, which the offer must contain."""
        options = with_values(site.analysis, named)
        return CameraAnswer(sdp=await site.cameras.open(offer.sdp, offer.drawn, options, mirror=offer.mirror))


def _add_jobs(app: FastAPI, site: Site) -> None:
    store = site.queue.store

    @app.post("/api/jobs", tags=["videos"], status_code=201, openapi_extra=_body("video/*"))
    async def submit(
        request: Request,
        named: Annotated[dict[str, Any], Depends(chosen(OF_VIDEOS, site.analysis))],
        name: Annotated[
            str, Query(max_length=500, description="Name of the file, shown in the list.")
        ] = "video",
        visitor: Visitor = "",
    ) -> JobCreated:
        """Upload a video as the body. It is put into the queue and annotated."""
        limit = site.options.upload_bytes
        size = check_length(request, limit)
        with site.queue.receiving(size, _sender(request, visitor)):
            incoming = store.receive(name)
            try:
                await save(request, incoming, limit)
                job = incoming.commit(visitor, named)
            except OSError as error:
                raise RequestError(
                    507, f"The video cannot be kept ({error.strerror}): try again later."
                ) from error
            except ClientDisconnect as error:
                raise RequestError(400, "The video did not arrive whole: send it again.") from error
            finally:
                incoming.discard()
        site.queue.add(job)
        return site.created(job)

    @app.get("/api/jobs", tags=["videos"])
    async def jobs(visitor: Visitor = "") -> list[JobResult]:
        """The videos uploaded with this visitor's cookie, newest first."""
        return site.jobs_of(visitor)

    @app.get("/api/jobs/events", tags=["videos"], response_class=StreamingResponse)
    async def events(visitor: Visitor = "") -> StreamingResponse:
        """The same list as server-sent events: at once, then after each change."""
        return StreamingResponse(
            _events(site, visitor), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @app.get("/api/jobs/{job_id}", tags=["videos"])
    async def job(job_id: str, visitor: Visitor = "", secret: Secret = "") -> JobResult:
        """State of one video. Anyone who knows its address can see it."""
        job = site.job(job_id)
        return site.describe(job, job.belongs_to(visitor, secret))

    @app.post("/api/jobs/{job_id}/cancel", tags=["videos"])
    async def cancel(job_id: str, visitor: Visitor = "", secret: Secret = "") -> JobResult:
        """Cancel a video; what has been written is kept. Only for its uploader."""
        job = site.own_job(job_id, visitor, secret)
        site.queue.cancel(job)
        return site.describe(job, mine=True)

    @app.post("/api/jobs/{job_id}/restart", tags=["videos"])
    async def restart(job_id: str, visitor: Visitor = "", secret: Secret = "") -> JobResult:
        """Start a failed or cancelled video again. Only for its uploader."""
        job = site.own_job(job_id, visitor, secret)
        if job.state not in (State.FAILED, State.CANCELLED):
            raise RequestError(409, "Only a video that failed or was cancelled can be restarted.")
        site.queue.restart(job)
        return site.describe(job, mine=True)

    @app.delete("/api/jobs/{job_id}", tags=["videos"], status_code=204)
    async def delete(job_id: str, visitor: Visitor = "", secret: Secret = "") -> None:
        """Delete a video and all its results at once. Only for its uploader."""
        await site.queue.delete(site.own_job(job_id, visitor, secret))


def _sender(request: Request, visitor: str) -> str:
    """The identity of a visitor: another machine, or on this one (or behind a proxy on it) a browser."""
    host = request.client.host if request.client else ""
    try:
        alone = ip_address(host).is_loopback
    except ValueError:
        alone = True
    return (visitor or host) if alone else host


def _add_results(app: FastAPI, site: Site) -> None:
    store = site.queue.store

    @app.get("/api/jobs/{job_id}/overview", tags=["videos"], response_class=FileResponse)
    async def overview(job_id: str) -> FileResponse:
        """The timeline in at most 1,200 steps, for charts: the probabilities of each person over time."""
        path = store.results(site.job(job_id)) / results.OVERVIEW
        if not path.exists():
            raise RequestError(404, "There is no timeline of this video yet.")
        return FileResponse(path, media_type="application/json", headers={"Cache-Control": "no-cache"})

    @app.get("/api/jobs/{job_id}/thumbnail", tags=["videos"], response_class=FileResponse)
    async def thumbnail(job_id: str) -> FileResponse:
        """A small picture from the annotated video."""
        path = store.results(site.job(job_id)) / results.THUMBNAIL
        if not path.exists():
            raise RequestError(404, "There is no picture of this video.")
        return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-cache"})

    @app.get("/api/jobs/{job_id}/original", tags=["videos"], response_class=FileResponse)
    async def original(job_id: str, visitor: Visitor = "", secret: Secret = "") -> FileResponse:
        """The video as it was uploaded. Only for its uploader: the annotated one may hide faces."""
        job = site.own_job(job_id, visitor, secret)
        return FileResponse(store.video(job), media_type="video/mp4", headers={"Cache-Control": "no-cache"})

    @app.get("/api/jobs/{job_id}/zip", tags=["videos"], response_class=StreamingResponse)
    async def everything(job_id: str) -> StreamingResponse:
        """All results of a video in one ZIP file."""
        job = site.job(job_id)
        found = [] if job.state in OPEN else results.files(store.results(job))
        if not found:
            raise RequestError(404, "There are no results of this video yet.")
        headers = {
            "Content-Disposition": _attachment(f"{Path(job.file).stem}.emotions.zip"),
            "Cache-Control": "no-cache",
        }
        return StreamingResponse(zipped(found), media_type="application/zip", headers=headers)

    @app.get("/api/jobs/{job_id}/{kind}", tags=["videos"], response_class=FileResponse)
    async def result(
        job_id: str,
        kind: str,
        download: Annotated[bool, Query(description="Send it as a download.")] = False,
    ) -> FileResponse:
        """A result: mp4, csv, jsonl, parquet, vtt, srt, html or summary."""
        job = site.job(job_id)
        wanted = results.KINDS.get(kind)
        path = results.find(store.results(job), wanted) if wanted else None
        if wanted is None or path is None or job.state in OPEN:
            raise RequestError(404, "There is no such result of this video.")
        # Only pictures, and subtitles over them, are ever shown by the browser itself.
        shown = wanted.media_type.startswith(("video/", "text/vtt")) and not download
        return FileResponse(
            path,
            media_type=wanted.media_type,
            # As on the disk: the HTML timeline looks for the video beside it by that name.
            filename=path.name,
            content_disposition_type="inline" if shown else "attachment",
            headers={"Cache-Control": "no-cache"},
        )


def _attachment(name: str) -> str:
    """The header for a download of this name, in two forms: curl knows plain names only."""
    quoted = quote(name)
    plain = name if name == quoted else "emotions.zip"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quoted}"


def _add_study(app: FastAPI, site: Site) -> None:
    @app.get("/study/{name}", tags=["videos"], response_class=Response)
    async def study(name: str, visitor: Visitor = "") -> Response:
        """All videos of the same visitor's cookie that have ended, on one page (study.html), or as tables:
        videos.csv, people.csv, course.csv, and columns.csv, which explains them.
        """
        made = await asyncio.to_thread(study_of, site, visitor) if name in FILES else {}
        if name not in made:
            raise RequestError(404, "There is no study yet: no video of yours has ended.")
        headers = {"Cache-Control": "no-store"}
        if name.endswith(".csv"):
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
            return Response(made[name], media_type="text/csv", headers=headers)
        headers["Content-Security-Policy"] = policy_of(made[name])
        return Response(made[name], media_type="text/html", headers=headers)


def _add_page(app: FastAPI, site: Site) -> None:
    @app.get("/", include_in_schema=False)
    async def page(request: Request, visitor: Visitor = "") -> Response:
        response = FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})
        if not visitor:
            response.set_cookie(
                VISITOR,
                secrets.token_urlsafe(16),
                max_age=365 * 86400,
                httponly=True,
                # With Strict, the cookie would not be sent after a click on a link to the page.
                samesite="lax",
                secure=request.url.scheme == "https",
            )
        return response

    @app.get("/static/sample.mp4", include_in_schema=False)
    async def sample() -> Response:
        return FileResponse(DEMO, media_type="video/mp4", headers={"Cache-Control": "no-cache"})

    add_theme(app, site.models.schema)
    app.mount("/static", StaticFiles(directory=STATIC))


def _body(media_type: str) -> dict[str, Any]:
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": {media_type: schema}}}


async def _events(site: Site, visitor: str) -> AsyncIterator[str]:
    """The visitor's list when it has changed, and a keep-alive message when it has not for long."""
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
