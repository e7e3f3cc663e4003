"""All finished videos of a visitor on one page."""

import base64
import csv
import hashlib
import io
import json
import re
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")

from emotion.realtime.options import Options
from emotion.study.tables import NAMES
from emotion.web.http.study import policy_of, study_of
from emotion.web.jobs.results import outputs_of
from emotion.web.jobs.store import JobStore, State
from tests.fakes.no_stages import NO_MODELS
from tests.helpers.results import face, result
from tests.helpers.studies import leave_results

ANNA, BEN = "anna's cookie", "ben's cookie"


@pytest.fixture
def site(tmp_path):
    with JobStore(tmp_path) as store:
        yield SimpleNamespace(queue=SimpleNamespace(store=store), models=NO_MODELS, analysis=Options())


def add(site, title, visitor=ANNA, state=State.DONE, results=(), complete=True, message=""):
    store = site.queue.store
    incoming = store.receive(title)
    incoming.stream.write(b"video")
    job = incoming.commit(visitor)
    job.state, job.message = state, message
    store.add(job)
    if results:
        leave_results(outputs_of(store.video(job), store.results(job)), job.file, results, complete)
    return job


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_has_the_visitors_own_videos_that_have_ended(site):
    happy = [result(n, face("happiness")) for n in range(10)]
    first = add(site, "talk.mp4", results=happy)
    add(site, "talk.mp4", results=happy, complete=False, message="The end is missing.")
    add(site, "cut.mp4", state=State.CANCELLED, results=happy, message="Cancelled.")
    add(site, "bad <b>.mp4", state=State.FAILED, message="It is no video.")
    add(site, "waits.mp4", state=State.WAITING)
    add(site, "bens.mp4", visitor=BEN, results=happy)
    made = study_of(site, ANNA)
    assert set(made) == {"study.html", *NAMES}
    assert [
        (row["video"], row["state"], row["label"], row["reason"]) for row in rows(made["videos.csv"])
    ] == [
        ("talk.mp4", "done", "happiness", ""),
        ("talk.mp4 (2)", "incomplete", "happiness", "The end is missing."),
        ("cut.mp4", "incomplete", "happiness", "Cancelled."),
        ("bad <b>.mp4", "failed", "", "It is no video."),
    ]
    page = made["study.html"]
    assert f'href="../#video/{first.id}"' in page
    assert "bens" not in page
    assert "<b>" not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [bool(one["course"]) for one in data["videos"]] == [True, True, True, False]


def test_a_visitor_without_videos_or_without_a_cookie_has_no_study(site):
    add(site, "a.mp4", visitor="", results=[result(0)])
    assert study_of(site, "") == study_of(site, BEN) == {}


def test_the_page_may_run_its_own_script_and_nothing_else(site):
    add(site, "a.mp4", results=[result(0)])
    page = study_of(site, ANNA)["study.html"]
    policy = policy_of(page)
    assert "unsafe" not in policy
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
