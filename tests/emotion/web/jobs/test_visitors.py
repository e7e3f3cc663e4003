"""Who sees and changes a video, and what of it can be downloaded."""

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from emotion.web.jobs.store import safe_name, shown_name
from tests.helpers.job_requests import running, send, until

pytestmark = pytest.mark.timeout(300)


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


@pytest.mark.parametrize("job_id", ["0" * 32, "..", "%2e%2e", "x", "0" * 31 + "/"])
def test_a_job_that_does_not_exist_is_not_found(serve, job_id):
    assert serve().get(f"/api/jobs/{job_id}").status_code in (404, 405)


def test_only_kinds_of_results_can_be_had(serve):
    client = serve()
    job = until(client, send(client, "good"), "done")["id"]
    for kind in ("job.json", "..%2fjob.json", "video%2fgood.mp4", "jsonl", "overview"):
        assert client.get(f"/api/jobs/{job}/{kind}").status_code == 404


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
