"""The HTTP interface, and the page on it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from emotion import __version__
from emotion.models.errors import EmotionError
from emotion.models.evaluation.weights import read as read_weights
from emotion.models.options import with_values
from emotion.realtime.options import Options
from emotion.realtime.sources.demo import DEMO
from emotion.videos import Models
from emotion.web.errors import BusyError
from emotion.web.http.bodies import body_of, check_length, chunks
from emotion.web.http.feed import STATIC, add_feed
from emotion.web.http.job_routes import add_jobs
from emotion.web.http.metrics import metrics_text
from emotion.web.http.request_options import OF_CAMERAS, OF_PHOTOS, chosen
from emotion.web.http.result_routes import add_results
from emotion.web.http.schema import (
    About,
    CameraAnswer,
    CameraOffer,
    Health,
    PhotoResult,
)
from emotion.web.http.security import Gate
from emotion.web.http.site import RequestError, Site
from emotion.web.http.study import FILES, policy_of, study_of
from emotion.web.http.theme import add_theme
from emotion.web.http.visitors import VISITOR, Visitor
from emotion.web.jobs.process import COMMAND
from emotion.web.options import ServeOptions


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
    add_jobs(app, site)
    add_results(app, site)
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
    @app.post("/api/photos", tags=["pictures"], openapi_extra=body_of("image/*"))
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
