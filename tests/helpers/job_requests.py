"""Requests of the HTTP interface for videos."""

import sys
import time

from emotion.models.engines.options import EngineOptions
from emotion.realtime.options import Options

ON_CPU = Options(engine=EngineOptions(provider="cpu"))
FAKE = (sys.executable, "-m", "tests.fakes.job_worker")


def send(client, name, data=b"a video"):
    answer = client.post("/api/jobs", params={"name": f"{name}.mp4"}, content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def until(client, job_id, *states):
    """The job as soon as it is in one of these states; the test's own time limit ends the wait."""
    while (job := client.get(f"/api/jobs/{job_id}").json())["state"] not in states:
        time.sleep(0.02)
    return job


def running(client, job_id):
    while (job := until(client, job_id, "running"))["done"] == 0:
        time.sleep(0.02)
    return job
