"""Videos sent to the server: the queue, its processes, the disk, and what goes wrong with them."""

import io
import json
import os
import signal
import sys
import time
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")

from starlette.testclient import TestClient

from emotion.models.engines.options import EngineOptions
from emotion.realtime.errors import SourceError
from emotion.realtime.options import Options
from emotion.web.http.app import make_app
from emotion.web.jobs.process import COMMAND, WorkerProcess
from emotion.web.jobs.queue import JobQueue
from emotion.web.jobs.results import KINDS
from emotion.web.jobs.store import LOCK, JobStore, State, safe_name, shown_name
from emotion.web.jobs.worker import check_size
from emotion.web.options import GIB, MIB, ServeOptions
from tests.helpers import clips
from tests.helpers.shipped_models import shipped_models

ON_CPU = Options(engine=EngineOptions(provider="cpu"))
FAKE = (sys.executable, "-m", "tests.fakes.job_worker")
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def models():
    return shipped_models()


@pytest.fixture
def serve(models, tmp_path):
    """Start a server; the next one in the same test finds the same disk."""
    running = []

    def start(command=FAKE, **options):
        stop()
        chosen = ServeOptions(folder=tmp_path / "jobs", **{"jobs": 1} | options)
        app = make_app(chosen, models, command=command, analysis=ON_CPU)
        client = TestClient(app, base_url="http://127.0.0.1:8000")
        running.append(client.__enter__())
        client.get("/")
        return client

    def stop():
        while running:
            running.pop().__exit__(None, None, None)

    yield start
    stop()


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


def test_a_video_is_annotated_and_its_results_can_be_taken_away(serve):
    client = serve()
    job = until(client, send(client, "good"), "done")
    assert job["message"].startswith("happiness")
    assert (job["done"], job["total"]) == (2, 2)
    assert [one["kind"] for one in job["downloads"]] == ["mp4", "csv"]
    video = client.get(f"/api/jobs/{job['id']}/mp4", headers={"Range": "bytes=2-5"})
    assert (video.status_code, video.content) == (206, b"part")
    assert video.headers["content-type"] == "video/mp4"
    table = client.get(f"/api/jobs/{job['id']}/csv")
    assert 'attachment; filename="good.emotions.csv"' in table.headers["content-disposition"]


def test_a_video_of_some_size_arrives_whole(serve, tmp_path):
    client = serve()
    data = bytes(range(256)) * (20 << 12)
    job = until(client, send(client, "good", data), "done")
    assert job["bytes"] == 20 << 20
    assert (tmp_path / "jobs" / job["id"] / "video" / "good.mp4").read_bytes() == data


def test_a_job_that_was_cancelled_keeps_what_was_done_and_the_next_one_runs(serve):
    client = serve()
    slow, good = send(client, "slow"), send(client, "good")
    running(client, slow)
    client.post(f"/api/jobs/{slow}/cancel")
    assert until(client, slow, "cancelled")["downloads"][0]["whole"] is False
    assert client.get(f"/api/jobs/{slow}/mp4").content == b"a part"
    until(client, good, "done")


def test_a_job_that_is_begun_again_waits_behind_all_others(serve):
    client = serve()
    slow, again, other = send(client, "slow"), send(client, "good"), send(client, "good")
    client.post(f"/api/jobs/{again}/cancel")
    client.post(f"/api/jobs/{again}/restart")
    places = [client.get(f"/api/jobs/{one}").json()["place"] for one in (other, again)]
    assert places == [1, 2]
    client.delete(f"/api/jobs/{slow}")


def test_a_job_is_cancelled_while_it_waits(serve):
    client = serve()
    slow, waiting = send(client, "slow"), send(client, "good")
    assert client.get(f"/api/jobs/{waiting}").json()["place"] == 1
    assert client.post(f"/api/jobs/{waiting}/cancel").json()["state"] == "cancelled"
    client.delete(f"/api/jobs/{slow}")


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


def test_deleting_leaves_nothing(serve, tmp_path):
    client = serve()
    slow, good = send(client, "slow"), send(client, "good")
    running(client, slow)
    assert client.delete(f"/api/jobs/{slow}").status_code == 204
    until(client, good, "done")
    assert client.delete(f"/api/jobs/{good}").status_code == 204
    assert client.get(f"/api/jobs/{good}").status_code == 404
    assert client.get("/api/jobs").json() == []
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [LOCK]


def test_jobs_survive_a_restart_of_the_server(serve):
    client = serve()
    done, slow, waiting = (send(client, name) for name in ("good", "slow", "good"))
    until(client, done, "done")
    running(client, slow)
    again = serve()
    again.cookies = client.cookies
    assert again.get(f"/api/jobs/{done}").json()["state"] == "done"
    assert again.get(f"/api/jobs/{done}/csv").text.startswith("frame")
    running(again, slow)
    assert len(again.get("/api/jobs").json()) == 3
    again.post(f"/api/jobs/{slow}/cancel")
    until(again, waiting, "done")


def test_a_video_that_ends_the_server_twice_is_not_tried_a_third_time(serve, tmp_path):
    store = JobStore(tmp_path / "jobs")
    incoming = store.receive("slow.mp4")
    incoming.stream.write(b"a video")
    job = incoming.commit("somebody")
    job.state, job.attempts = State.RUNNING, 2  # as a power cut leaves it
    store.save(job)
    store.close()
    assert "ended twice" in serve().get(f"/api/jobs/{job.id}").json()["message"]


def test_two_servers_do_not_share_a_folder(tmp_path):
    with JobStore(tmp_path), pytest.raises(OSError, match="another server uses it"):
        JobStore(tmp_path)
    JobStore(tmp_path).close()


def test_a_cancelled_job_is_begun_anew_and_a_finished_one_is_not(serve):
    client = serve()
    slow = send(client, "slow")
    running(client, slow)
    client.post(f"/api/jobs/{slow}/cancel")
    until(client, slow, "cancelled")
    assert client.post(f"/api/jobs/{slow}/restart").json()["state"] in ("waiting", "running")
    running(client, slow)
    assert client.post(f"/api/jobs/{slow}/restart").status_code == 409
    client.delete(f"/api/jobs/{slow}")


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


def order_of(folder, job):
    return json.loads((folder / "jobs" / job / "results" / "order.json").read_text())["options"]


def test_a_job_keeps_the_options_it_was_sent_with(serve, tmp_path):
    first = serve()
    slow = send(first, "slow")
    running(first, slow)
    chosen = {"name": "good.mp4", "baseline": "3s", "max_faces": 2}
    answer = first.post("/api/jobs", params=chosen, content=b"a video")
    job = answer.json()["id"]
    # The next server begins with the slow one anew.
    second = serve()
    second.cookies = first.cookies
    running(second, slow)
    assert second.post(f"/api/jobs/{slow}/cancel").status_code == 200
    until(second, job, "done")
    options = order_of(tmp_path, job)
    assert (options["faces"]["max_faces"], options["vote"]["baseline"]) == (2, 3.0)
    assert order_of(tmp_path, slow)["faces"]["max_faces"] == 6


def test_a_job_whose_options_are_not_known_any_more_fails_with_a_sentence(serve, tmp_path):
    first = serve()
    slow = send(first, "slow")
    running(first, slow)
    job = send(first, "good")
    path = tmp_path / "jobs" / job / "job.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"options": {"veil": 1}}))
    second = serve()
    second.cookies = first.cookies
    running(second, slow)
    assert second.post(f"/api/jobs/{slow}/cancel").status_code == 200
    assert until(second, job, "failed")["message"].startswith("veil is no option")


def test_each_visitor_has_a_list_of_their_own(serve):
    client = serve()
    job = send(client, "good")
    assert [one["id"] for one in client.get("/api/jobs").json()] == [job]
    client.cookies.clear()
    assert client.get("/api/jobs").json() == []
    client.get("/")
    assert client.get("/api/jobs").json() == []


def test_whoever_has_the_link_sees_a_video_and_only_its_sender_changes_it(serve):
    client = serve()
    job, slow = send(client, "good"), send(client, "slow")
    assert until(client, job, "done")["mine"]
    running(client, slow)
    client.cookies.clear()
    seen = client.get(f"/api/jobs/{job}").json()
    assert not seen["mine"]
    assert "secret" not in seen
    assert client.get(f"/api/jobs/{job}/csv").status_code == 200
    assert client.get(f"/api/jobs/{job}/original").status_code == 403
    for secret in ({}, {"Emotion-Secret": "wrong"}, {"Emotion-Secret": ""}):
        refused = client.delete(f"/api/jobs/{job}", headers=secret)
        assert refused.status_code == 403
        assert "Emotion-Secret" in refused.json()["detail"]
        for verb in ("cancel", "restart"):
            assert client.post(f"/api/jobs/{slow}/{verb}", headers=secret).status_code == 403
    assert client.get(f"/api/jobs/{slow}").json()["state"] == "running"


def test_a_program_without_cookies_changes_its_own_videos_with_their_secret(serve):
    client = serve()
    client.cookies.clear()
    answer = client.post("/api/jobs", params={"name": "slow.mp4"}, content=b"a video").json()
    running(client, answer["id"])
    own = {"Emotion-Secret": answer["secret"]}
    assert client.get(f"/api/jobs/{answer['id']}", headers=own).json()["mine"]
    assert client.get(f"/api/jobs/{answer['id']}/original", headers=own).content == b"a video"
    again = serve()  # the secret survives the server
    again.cookies.clear()
    assert again.delete(f"/api/jobs/{answer['id']}", headers=own).status_code == 204


def test_all_results_come_in_one_file(serve):
    client = serve()
    job = send(client, "good")
    assert client.get(f"/api/jobs/{job}/zip").status_code in (200, 404)
    until(client, job, "done")
    answer = client.get(f"/api/jobs/{job}/zip")
    # curl reads the first name, browsers the second.
    called = "attachment; filename=\"good.emotions.zip\"; filename*=UTF-8''good.emotions.zip"
    assert answer.headers["content-disposition"] == called
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"good.annotated.mp4", "good.emotions.csv"}
        assert archive.read("good.emotions.csv").decode().splitlines() == ["frame", "0"]


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


@pytest.mark.parametrize("job_id", ["0" * 32, "..", "%2e%2e", "x", "0" * 31 + "/"])
def test_a_job_that_does_not_exist_is_not_found(serve, job_id):
    assert serve().get(f"/api/jobs/{job_id}").status_code in (404, 405)


def test_only_kinds_of_results_can_be_had(serve):
    client = serve()
    job = until(client, send(client, "good"), "done")["id"]
    for kind in ("job.json", "..%2fjob.json", "video%2fgood.mp4", "jsonl", "overview"):
        assert client.get(f"/api/jobs/{job}/{kind}").status_code == 404


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


@pytest.mark.parametrize(
    ("given", "shown", "safe"),
    [
        ("Urlaub 2024.MOV", "Urlaub 2024.MOV", "Urlaub_2024.mov"),
        ("../../etc/passwd", "passwd", "passwd.video"),
        ("C:\\Users\\me\\clip.mp4", "clip.mp4", "clip.mp4"),
        ("con.mp4", "con.mp4", "video_con.mp4"),
        (".mp4", ".mp4", "mp4.video"),
        ("", "video", "video.video"),
        ("a\nb\x00c.mp4", "abc.mp4", "abc.mp4"),
        ("x.%n$(reboot)", "x.%n$(reboot)", "x.video"),
        ("笑顔.mp4", "笑顔.mp4", "笑顔.mp4"),
        ("a" * 300 + ".mp4", "a" * 116 + ".mp4", "a" * 40 + ".mp4"),
        ("a." + "b" * 300, ("a." + "b" * 300)[:120], "a.video"),
    ],
)
def test_names_are_shown_but_never_trusted(given, shown, safe):
    assert shown_name(given) == shown
    assert safe_name(given) == safe


def test_the_real_process_annotates_a_clip_and_draws_up_an_overview(serve, tmp_path):
    clips.clip(tmp_path / "clip.mp4", 12)
    client = serve(COMMAND)
    job = until(client, send(client, "my clip", (tmp_path / "clip.mp4").read_bytes()), "done", "failed")
    assert job["message"] == "no face was found in 12 frames"
    assert (job["seconds"], job["strip"]) == (pytest.approx(12 / 25), [None] * 60)
    picture = client.get(f"/api/jobs/{job['id']}/thumbnail")
    assert (job["thumbnail"], picture.content[:2]) == (True, b"\xff\xd8")
    overview = client.get(f"/api/jobs/{job['id']}/overview").json()
    assert overview["people"] == []
    assert overview["seconds"] == pytest.approx(12 / 25)
    names = {one["kind"]: one for one in job["downloads"]}
    assert set(names) == set(KINDS)
    lines = client.get(f"/api/jobs/{job['id']}/jsonl").text.splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(12))

    broken = until(client, send(client, "broken", b"this is no video"), "failed")
    assert broken["message"] == "broken.mp4 is not a video that can be read: choose a video file."

    named = until(client, send(client, "my own & only", b"this is no video"), "failed")
    assert named["message"].startswith("my own & only.mp4 is not a video")


def test_a_video_that_says_it_is_too_large_is_refused_before_it_is_decoded(tmp_path):
    clips.clip(tmp_path / "clip.mp4", 12)
    check_size(tmp_path / "clip.mp4", seconds=1.0, pixels=64 * 48)
    with pytest.raises(SourceError, match="64x48, larger than this server takes"):
        check_size(tmp_path / "clip.mp4", seconds=1.0, pixels=64 * 48 - 1)
    with pytest.raises(SourceError, match="longer than this server takes"):
        check_size(tmp_path / "clip.mp4", seconds=0.2, pixels=64 * 48)


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
