"""A visitor's finished videos as a study: one page of all, and its tables, generated for each request."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from emotion.models.small_files import read_json
from emotion.study.outcome import Outcome, State, StudiedVideo
from emotion.study.study_files import PAGE, texts
from emotion.study.tables import NAMES
from emotion.study.task import setup_of
from emotion.web.http.site import Site
from emotion.web.jobs import results
from emotion.web.jobs.store import OPEN, Job
from emotion.web.jobs.store import State as JobState

FILES = (PAGE, *NAMES)
"""The files of a study, by name."""


def study_of(site: Site, visitor: str) -> dict[str, str]:
    """Page and tables of all of a visitor's finished videos, by name; none if there are none."""
    jobs = [job for job in site.queue.store if visitor and job.owner == visitor and job.state not in OPEN]
    if not jobs:
        return {}
    studied = [
        _studied(number, name, job, site)
        for number, (name, job) in enumerate(zip(_names(job.title for job in jobs), jobs, strict=True))
    ]
    return texts(studied, setup_of(site.models, site.analysis), "Your videos")


def policy_of(page: str) -> str:
    """The Content-Security-Policy of a single-file page: only its own style and script."""
    style, script = (_hashes(page, tag) for tag in ("style", "script"))
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def _hashes(page: str, tag: str) -> str:
    parts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _names(titles: Iterable[str]) -> list[str]:
    """Titles, made unique by numbers, since names identify videos in a study."""
    seen = Counter[str]()
    found: list[str] = []
    for title in titles:
        seen[title] += 1
        found.append(title if seen[title] == 1 else f"{title} ({seen[title]})")
    return found


def _studied(number: int, name: str, job: Job, site: Site) -> StudiedVideo:
    folder = site.queue.store.results(job)
    summary = _read(results.find(folder, results.KINDS["summary"]))
    record = _read(results.outputs_of(site.queue.store.video(job), folder).files["study"])
    state: State = "failed" if summary is None else "incomplete"
    if summary is not None and job.state == JobState.DONE and summary.get("complete"):
        state = "done"
    reason = "" if state == "done" else job.message
    outcome = Outcome(number, name, job.title, "", state, 0, reason)
    return StudiedVideo(outcome, summary, record, link=f"../#video/{job.id}")


def _read(path: Path | None) -> dict[str, Any] | None:
    try:
        return None if path is None else dict(read_json(path))
    except (OSError, ValueError):
        return None
