"""Failures of worker processes, videos and files: each ends its own job only."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from emotion.realtime.errors import SourceError
from emotion.web.jobs.process import COMMAND, WorkerProcess
from emotion.web.jobs.queue import JobQueue
from emotion.web.jobs.store import JobStore, State
from emotion.web.jobs.worker import check_size
from tests.helpers import clips
from tests.helpers.job_requests import running, send, until

pytestmark = pytest.mark.timeout(300)


def test_a_process_that_dies_costs_its_job_only(serve):
    client = serve()
    dead, good = send(client, "dies"), send(client, "good")
    job = until(client, dead, "failed")
    assert "ended unexpectedly" in job["message"]
    assert client.get(f"/api/jobs/{dead}/mp4").content == b"a part"
    until(client, good, "done")


def test_a_process_that_says_nonsense_is_ended(serve, monkeypatch):
    monkeypatch.setattr("emotion.web.jobs.process._PATIENCE", 0.2)
    client = serve()
    assert until(client, send(client, "babbles"), "failed")
    until(client, send(client, "good"), "done")


@pytest.mark.parametrize("report", ["[]", "{}", '{"end": "no state"}'])
def test_reports_that_make_no_sense_end_their_job_only(serve, monkeypatch, report):
    monkeypatch.setattr("emotion.web.jobs.process._PATIENCE", 0.2)
    monkeypatch.setenv("FAKE_REPORT", report)
    client = serve()
    assert "does not answer" in until(client, send(client, "babbles"), "failed")["message"]
    until(client, send(client, "good"), "done")


def test_a_runner_that_fails_ends_its_job_with_the_reason_and_goes_on(serve, monkeypatch):
    original = WorkerProcess.run

    async def fails(self, order, report):
        if "spoilt" in order["video"]:  # no word that a job's hexadecimal name may hold
            raise RuntimeError("on purpose")
        return await original(self, order, report)

    monkeypatch.setattr(WorkerProcess, "run", fails)
    client = serve()
    assert "RuntimeError" in until(client, send(client, "spoilt"), "failed")["message"]
    until(client, send(client, "good"), "done")


def test_a_part_of_the_queue_that_fails_is_begun_anew(serve, monkeypatch):
    monkeypatch.setattr("emotion.web.jobs.queue._RESTART_SECONDS", 0.01)
    original, failed = JobQueue._work, []

    async def fails(self, worker):
        if not failed:
            failed.append(worker)
            raise RuntimeError("on purpose")
        await original(self, worker)

    monkeypatch.setattr(JobQueue, "_work", fails)
    client = serve()
    until(client, send(client, "good"), "done")
    assert failed


def test_a_process_that_hears_nothing_is_killed(serve, monkeypatch):
    monkeypatch.setattr("emotion.web.jobs.process._PATIENCE", 0.2)
    client = serve()
    deaf = send(client, "deaf")
    running(client, deaf)
    client.post(f"/api/jobs/{deaf}/cancel")
    assert until(client, deaf, "cancelled")["downloads"]
    until(client, send(client, "good"), "done")


@pytest.mark.parametrize("name", ["slow", "deaf"])
def test_a_video_that_takes_too_long_is_stopped(serve, monkeypatch, name):
    monkeypatch.setattr("emotion.web.jobs.process._PATIENCE", 0.2)
    original = WorkerProcess.run

    async def limited(self, order, report):
        if Path(order["video"]).stem == "good":  # on a busy machine it may take its time
            self._seconds = 300.0
        return await original(self, order, report)

    monkeypatch.setattr(WorkerProcess, "run", limited)
    client = serve(job_seconds=2.0)
    job = until(client, send(client, name), "failed")
    assert "the most that a video may take" in job["message"]
    assert job["downloads"]
    until(client, send(client, "good"), "done")


def test_a_video_that_ends_the_server_twice_is_not_tried_a_third_time(serve, tmp_path):
    store = JobStore(tmp_path / "jobs")
    incoming = store.receive("slow.mp4")
    incoming.stream.write(b"a video")
    job = incoming.commit("somebody")
    job.state, job.attempts = State.RUNNING, 2  # as a power cut leaves it
    store.save(job)
    store.close()
    assert "ended twice" in serve().get(f"/api/jobs/{job.id}").json()["message"]


def test_a_video_goes_on_however_often_the_server_is_stopped_as_it_should(serve):
    client = serve()
    job = send(client, "slow")
    running(client, job)
    for _ in range(2):
        client = serve()
        assert until(client, job, "running", "failed")["state"] == "running"
        running(client, job)


def test_a_damaged_state_file_is_cleared_away(serve, tmp_path):
    folder = tmp_path / "jobs" / ("a" * 32)
    folder.mkdir(parents=True)
    (folder / "job.json").write_text('{"id": 3')
    assert serve().get("/api/jobs").status_code == 200
    assert not folder.exists()


def test_a_state_that_cannot_be_saved_stops_nobody(serve, monkeypatch):
    client = serve()

    def full(self, job):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(JobStore, "save", full)
    job = until(client, send(client, "good"), "failed")
    assert "No space left" in job["message"]
    monkeypatch.undo()
    until(client, send(client, "good"), "done")


def test_a_video_that_says_it_is_too_large_is_refused_before_it_is_decoded(tmp_path):
    clips.clip(tmp_path / "clip.mp4", 12)
    check_size(tmp_path / "clip.mp4", seconds=1.0, pixels=64 * 48)
    with pytest.raises(SourceError, match="64x48, larger than this server takes"):
        check_size(tmp_path / "clip.mp4", seconds=1.0, pixels=64 * 48 - 1)
    with pytest.raises(SourceError, match=r"lasts 0:00\.5, longer than .* parts of 0:00\.4 or"):
        check_size(tmp_path / "clip.mp4", seconds=0.4, pixels=64 * 48)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_the_real_process_killed_leaves_what_was_done(serve, tmp_path):
    clips.clip(tmp_path / "clip.mp4", 3000)
    client = serve(COMMAND)
    job_id = send(client, "clip", (tmp_path / "clip.mp4").read_bytes())
    running(client, job_id)
    results = tmp_path / "jobs" / job_id / "results"

    def lines():
        """What has arrived on the disk, which is later than what is done."""
        return sum(path.read_bytes().count(b"\n") for path in results.glob("*.partial.jsonl"))

    while client.get(f"/api/jobs/{job_id}").json()["done"] < 200 or lines() < 100:
        time.sleep(0.05)
    (worker,) = client.app.state.site.queue._running.values()
    os.kill(worker.pid, signal.SIGKILL)
    job = until(client, job_id, "failed")
    assert "SIGKILL" in job["message"]
    assert {"mp4", "csv", "jsonl"} <= {one["kind"] for one in job["downloads"]}
    assert client.get(f"/api/jobs/{job_id}/overview").json()["seconds"] > 1
