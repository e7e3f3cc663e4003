"""Uploaded videos in the HTTP interface: uploads, the list, and each video's state."""

import asyncio
import json
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from emotion.web.http.bodies import body_of, check_length, save
from emotion.web.http.request_options import OF_VIDEOS, chosen
from emotion.web.http.schema import JobCreated, JobResult
from emotion.web.http.site import RequestError, Site
from emotion.web.http.visitors import Secret, Visitor
from emotion.web.jobs.store import State

_EVENT_SECONDS = 0.25
_HEARTBEAT_SECONDS = 15.0


def add_jobs(app: FastAPI, site: Site) -> None:
    """Add the addresses below ``/api/jobs``, except for those of results."""
    _add_upload(app, site)
    _add_lists(app, site)
    _add_job(app, site)


def _add_upload(app: FastAPI, site: Site) -> None:
    @app.post("/api/jobs", tags=["videos"], status_code=201, openapi_extra=body_of("video/*"))
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
            incoming = site.queue.store.receive(name)
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


def _add_lists(app: FastAPI, site: Site) -> None:
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


def _add_job(app: FastAPI, site: Site) -> None:
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
