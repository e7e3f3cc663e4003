"""Limits of queue, space and uploads, and what is deleted in time."""

import json
import os
import time

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from emotion.web.jobs.store import LOCK, JobStore
from emotion.web.options import GIB, MIB
from tests.helpers.job_requests import running, send, until

pytestmark = pytest.mark.timeout(300)


def test_what_was_kept_long_enough_is_deleted(serve, tmp_path):
    first = serve()
    job = send(first, "good")
    until(first, job, "done")
    second = serve(keep_hours=0)
    while second.get(f"/api/jobs/{job}").status_code != 404 or (tmp_path / "jobs" / job).exists():
        time.sleep(0.02)


def test_a_job_that_ended_before_the_clock_was_set_back_is_deleted_in_its_time(serve, tmp_path):
    job = send(client := serve(), "good")
    until(client, job, "done")
    serve(keep_hours=1e6)
    path = tmp_path / "jobs" / job / "job.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"finished": time.time() + 1e6}))
    client = serve(keep_hours=0)
    while client.get(f"/api/jobs/{job}").status_code != 404:
        time.sleep(0.02)


def test_a_full_queue_says_when_to_come_back(serve):
    client = serve(waiting=1)
    slow = send(client, "slow")
    running(client, slow)
    send(client, "good")
    refused = client.post("/api/jobs", content=b"a video")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    client.delete(f"/api/jobs/{slow}")


def test_space_that_is_used_up_says_when_to_come_back(serve):
    client = serve(quota=1000 / GIB)
    refused = client.post("/api/jobs", content=bytes(600))
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert "delete one" in refused.json()["detail"]


def test_used_space_is_counted_while_files_come_and_go(tmp_path, monkeypatch):
    with JobStore(tmp_path / "jobs") as store:
        for name in ("a", "b"):
            incoming = store.receive(f"{name}.mp4")
            incoming.stream.write(bytes(1000))
            incoming.commit("somebody")
        before = store.used_bytes()
        assert 2000 < before < 4000
        incoming = store.receive("c.mp4")
        incoming.stream.write(bytes(9000))
        incoming.stream.flush()
        assert store.used_bytes() == before
        incoming.discard()
        look = os.lstat

        def deleted_meanwhile(path):
            os.unlink(path)
            return look(path)

        monkeypatch.setattr(os, "lstat", deleted_meanwhile)
        assert store.used_bytes() == 0


def test_a_disk_that_is_nearly_full_takes_no_video(serve):
    assert serve(spare_bytes=1 << 62).post("/api/jobs", content=b"a video").status_code == 503


def test_a_video_that_is_too_large_is_refused_and_nothing_of_it_stays(serve, tmp_path):
    client = serve(max_upload=1000 / MIB)
    assert client.post("/api/jobs", content=bytes(1001)).status_code == 413

    def endless():
        for _ in range(20):
            yield bytes(100)

    assert client.post("/api/jobs", content=endless()).status_code == 413
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [LOCK]


def test_a_body_without_a_video_is_refused(serve):
    assert serve().post("/api/jobs").status_code == 400


def test_videos_that_are_sent_at_the_same_time_are_limited(serve):
    client = serve(uploads=1)
    # The test client hands a body on when it has all of it, so another upload's place is held here.
    with client.app.state.site.queue.receiving(1):
        refused = client.post("/api/jobs", content=b"a video")
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    send(client, "good")


def test_one_visitor_does_not_take_all_places_for_sending(serve):
    client = serve(uploads=4)
    mine = client.cookies["emotion_visitor"]
    queue = client.app.state.site.queue
    with queue.receiving(1, mine), queue.receiving(1, mine):
        refused = client.post("/api/jobs", content=b"a video")
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        client.cookies.clear()
        client.get("/")
        send(client, "good")
    client.cookies.set("emotion_visitor", mine)
    send(client, "good")
