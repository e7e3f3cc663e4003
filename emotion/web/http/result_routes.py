"""Results of uploaded videos in the HTTP interface: pictures of them, and their files."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import FastAPI, Query
from fastapi.responses import FileResponse, StreamingResponse

from emotion.web.http.site import RequestError, Site
from emotion.web.http.visitors import Secret, Visitor
from emotion.web.http.zipped import zipped
from emotion.web.jobs import results
from emotion.web.jobs.store import OPEN


def add_results(app: FastAPI, site: Site) -> None:
    """Add the addresses below ``/api/jobs/{job_id}/``."""
    _add_views(app, site)
    _add_files(app, site)


def _add_views(app: FastAPI, site: Site) -> None:
    """What the page shows of a video."""
    store = site.queue.store

    @app.get("/api/jobs/{job_id}/overview", tags=["videos"], response_class=FileResponse)
    async def overview(job_id: str) -> FileResponse:
        """The timeline in at most 1,200 steps, for charts: the probabilities of each person over time."""
        path = store.results(site.job(job_id)) / results.OVERVIEW
        return _file(path, "application/json", "There is no timeline of this video yet.")

    @app.get("/api/jobs/{job_id}/thumbnail", tags=["videos"], response_class=FileResponse)
    async def thumbnail(job_id: str) -> FileResponse:
        """A small picture from the annotated video."""
        path = store.results(site.job(job_id)) / results.THUMBNAIL
        return _file(path, "image/jpeg", "There is no picture of this video.")

    @app.get("/api/jobs/{job_id}/original", tags=["videos"], response_class=FileResponse)
    async def original(job_id: str, visitor: Visitor = "", secret: Secret = "") -> FileResponse:
        """The video as it was uploaded. Only for its uploader: the annotated one may hide faces."""
        job = site.own_job(job_id, visitor, secret)
        return _file(store.video(job), "video/mp4", "This video is not kept any more.")


def _file(path: Path, media_type: str, missing: str) -> FileResponse:
    """A file that may change under its address, so that browsers ask for it each time.

    Raises:
        RequestError: it does not exist; `missing` is the message.
    """
    if not path.exists():
        raise RequestError(404, missing)
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "no-cache"})


def _add_files(app: FastAPI, site: Site) -> None:
    """The files, one by one or all together."""
    store = site.queue.store

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
