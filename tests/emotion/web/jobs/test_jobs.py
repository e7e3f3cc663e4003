"""The life of an uploaded video: annotated, cancelled, restarted, deleted."""

import io
import json
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from emotion.web.jobs.process import COMMAND
from emotion.web.jobs.results import KINDS
from emotion.web.jobs.store import LOCK, JobStore
from emotion.web.jobs.worker import _with_notes
from tests.helpers import clips
from tests.helpers.job_requests import running, send, until

pytestmark = pytest.mark.timeout(300)


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

    clips.clip(tmp_path / "small.mp4", 3, size=(16, 16))
    small = until(client, send(client, "small", (tmp_path / "small.mp4").read_bytes()), "done")
    assert small["message"].startswith("no face was found in 3 frames. Pictures of 16x16 are too small")

    broken = until(client, send(client, "broken", b"this is no video"), "failed")
    assert broken["message"] == "broken.mp4 is not a video that can be read: choose a video file."

    named = until(client, send(client, "my own & only", b"this is no video"), "failed")
    assert named["message"].startswith("my own & only.mp4 is not a video")


def test_what_is_said_of_a_video_does_not_name_the_servers_file():
    notes = ["VP_01.mov: its frames are regular, but 6 are missing.", "a track is left out."]
    assert _with_notes("neutral all the time", notes, Path("VP_01.mov")) == (
        "neutral all the time. Its frames are regular, but 6 are missing. A track is left out"
    )
