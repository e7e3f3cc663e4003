"""The HTTP interface: what it says of itself, pictures, counters, the page's files."""

import asyncio
import gzip
import io
import json
import re
from fractions import Fraction
from urllib.parse import quote

import av
import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from emotion.cli import app as cli
from emotion.models.classes import EMOTIONS, SIX
from emotion.models.data.image_io import bgr_of
from emotion.models.evaluation.weights import read as read_weights
from emotion.models.manifest import DEFAULT
from emotion.models.words import in_bytes
from emotion.realtime.messages import VideoFrame
from emotion.realtime.session import EachPicture, Session
from emotion.web.http import bodies
from emotion.web.http.app import make_app
from emotion.web.http.feed import STATIC
from emotion.web.http.site import RequestError
from emotion.web.http.theme import colour_sheet
from emotion.web.jobs.store import JobStore
from emotion.web.options import ServeOptions
from tests.emotion.test_videos import DEMO
from tests.helpers.scripts import scripts_of
from tests.helpers.shipped_models import shipped_models
from tests.test_properties import ANYTHING, WORDS

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    options = ServeOptions(folder=tmp_path_factory.mktemp("jobs"), photo_bytes=3 << 20, photo_pixels=10**7)
    app = make_app(options, shipped_models())
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client


def demo_picture(seconds):
    with av.open(str(DEMO)) as container:
        frames = container.decode(video=0)
        return next(frame for frame in frames if frame.time >= seconds).to_image()


def encoded(picture, kind="JPEG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_it_says_that_it_lives_and_what_runs(client):
    health = client.get("/api/health").json()
    assert health["status"] == "ok"
    about = client.get("/api/models").json()
    assert [model["region"] for model in about["models"]] == ["eyes", "lips"]
    assert about["emotions"] == list(EMOTIONS)
    assert about["regions"] == ["eyes", "lips"]
    assert len(about["vote"]) == len(EMOTIONS)
    assert about["rule"] == read_weights(DEFAULT).meaning


def test_every_address_is_described(client):
    described = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/health", "/api/models", "/metrics", "/api/photos", "/api/jobs"} <= set(described)
    for path in described.values():
        assert all(method.get("description") or method.get("summary") for method in path.values())


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 92}), ("PNG", {}), ("WEBP", {})])
def test_a_laughing_face_is_called_happy(client, kind, options):
    answer = client.post("/api/photos", content=encoded(demo_picture(17), kind, **options)).json()
    (face,) = answer["faces"]
    assert (face["emotion"], face["label"]) == ("happiness", "happiness")
    assert sum(face["probabilities"]) == pytest.approx(1, abs=0.01)
    assert face["probabilities"][answer["emotions"].index("happiness")] == face["confidence"]
    assert all(len(face[region]) == 6 for region in answer["regions"])
    left, top, width, height = face["box"]
    assert 0 < left < left + width < answer["width"]
    assert 0 < top < top + height < answer["height"]


def test_a_photograph_is_looked_at_as_by_emotion_annotate(client):
    """Small faces beside a large one, which a video's frame is searched for over many frames."""
    group, face = Image.new("RGB", (1920, 1080), (90, 90, 90)), demo_picture(17)
    group.paste(face.resize((960, 540)), (60, 200))
    for left in (1120, 1500):
        group.paste(face.resize((320, 180)), (left, 500))
    answer = client.post("/api/photos", content=encoded(group, quality=92)).json()
    image = bgr_of(Image.open(io.BytesIO(encoded(group, quality=92))))
    frame = VideoFrame(0, 0, Fraction(1), 0.0, image)
    with Session([frame], None, shipped_models(), EachPicture(inline=True)) as session:
        wanted = next(session)
    assert len(answer["faces"]) == 3
    assert [one["label"] for one in answer["faces"]] == [one.label for one in wanted.faces]
    assert [one["box"][0] for one in answer["faces"]] == [round(one.box.left, 1) for one in wanted.faces]


@pytest.mark.parametrize(("most", "more"), [(1, 1), (2, 0)])
def test_faces_that_there_is_no_room_for_are_counted(client, most, more):
    two, face = Image.new("RGB", (960, 270)), demo_picture(17)
    two.paste(face, (0, 0))
    two.paste(face, (480, 0))
    answer = client.post(f"/api/photos?max_faces={most}", content=encoded(two)).json()
    assert (len(answer["faces"]), answer["more_faces"]) == (most, more)


def test_a_picture_that_lies_on_its_side_is_turned_as_its_camera_says(client):
    picture = demo_picture(17).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    answer = client.post("/api/photos", content=encoded(picture, exif=exif)).json()
    assert (answer["width"], answer["height"]) == (480, 270)
    assert len(answer["faces"]) == 1


def test_a_picture_without_a_face_is_no_failure(client):
    answer = client.post("/api/photos", content=encoded(Image.new("L", (64, 48))))
    assert answer.status_code == 200
    assert answer.json()["faces"] == []


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff", b"GIF89a" + bytes(99)])
def test_what_is_no_picture_ends_in_a_sentence(client, data):
    answer = client.post("/api/photos", content=data)
    assert answer.status_code == 422
    assert "JPEG, PNG, WebP or GIF" in answer.json()["detail"]


def test_a_picture_that_is_cut_off_ends_in_a_sentence(client):
    data = encoded(demo_picture(17), "PNG")
    assert client.post("/api/photos", content=data[: len(data) // 2]).status_code == 422


def test_a_picture_of_huge_dimensions_is_not_decoded(client):
    bomb = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000
    answer = client.post("/api/photos", content=bomb)
    assert answer.status_code == 422
    assert "scale it down" in answer.json()["detail"]


def test_a_picture_of_too_many_bytes_is_refused(client):
    assert client.post("/api/photos", content=bytes((3 << 20) + 1)).status_code == 413


def test_one_limit_has_one_size_in_words(client):
    refused = client.post("/api/photos", content=bytes((3 << 20) + 1)).json()["detail"]
    assert "3 MiB" in refused
    assert client.get("/api/models").json()["limits"]["photo_bytes"] == 3 << 20
    sizes = {6: "6 bytes", 1200: "1.2 KiB", 20 << 20: "20 MiB", 1 << 30: "1 GiB", 3 << 29: "1.5 GiB"}
    assert {count: in_bytes(count) for count in sizes} == sizes


class Sending:
    """A request whose body comes in single bytes."""

    async def stream(self):
        for _ in range(100):
            yield b"x"


def test_a_body_that_drips_is_ended(monkeypatch):
    async def read():
        return [chunk async for chunk in bodies.chunks(Sending(), 1000)]

    assert len(asyncio.run(read())) == 100
    monkeypatch.setattr(bodies, "_WINDOW_SECONDS", 0.0)
    monkeypatch.setattr(bodies, "_LEAST_BYTES_A_SECOND", 1e12)
    with pytest.raises(RequestError, match="too slowly") as refused:
        asyncio.run(read())
    assert refused.value.status == 408


def test_more_pictures_than_can_be_looked_at_are_told_to_come_back(client, monkeypatch):
    monkeypatch.setattr("emotion.web.http.site._MOST_PHOTOS", 0)
    answer = client.post("/api/photos", content=encoded(demo_picture(0)))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_counters_are_in_prometheus_format(client):
    client.post("/api/photos", content=encoded(Image.new("L", (64, 48))))
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    kinds = {name: family.type for name, family in families.items() if name.startswith("emotion_")}
    assert kinds == {
        "emotion_jobs": "gauge",
        "emotion_jobs_ended": "counter",
        "emotion_video_frames": "counter",
        "emotion_photos": "counter",
        "emotion_cameras": "gauge",
        "emotion_camera_frames": "counter",
        "emotion_receivers": "gauge",
        "emotion_live_results": "counter",
        "emotion_live_results_missed": "counter",
        "emotion_camera_result_seconds": "summary",
    }
    assert families["emotion_photos"].samples[0].value >= 1
    assert {sample.labels["state"]: sample.value for sample in families["emotion_jobs"].samples}[
        "waiting"
    ] == 0


def test_the_page_has_the_overlays_colours():
    sheet = colour_sheet(SIX)
    for name, dark, white in zip(SIX, SIX.on_dark, SIX.on_white, strict=True):
        assert f"--class-{name}: light-dark({white}, {dark});" in sheet
        assert f"--on-picture-{name}: {dark};" in sheet


def test_the_page_knows_the_names_of_the_models_that_run(client):
    script = client.get("/static/classes.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert f"export const EMOTIONS = {json.dumps(list(EMOTIONS))};" in script.text
    assert 'export const REGIONS = ["eyes", "lips"];' in script.text


def test_text_follows_the_browsers_size_of_text():
    for sheet in STATIC.glob("*.css"):
        assert not re.findall(r"font(?:-size)?:[^;}]*\dpx", sheet.read_text()), sheet


def test_the_page_is_small():
    together = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.iterdir())
    assert together < 300_000


def test_nothing_in_the_pages_own_files_asks_another_machine(client):
    page = client.get("/").text
    assert "http://" not in page
    assert "https://" not in page


def test_every_script_of_the_page_is_there(client):
    assert {"chart.js", "shared.js", "dom.js", "timeline.js"} < scripts_of(client, "main.js")


def test_static_files_are_those_of_the_page_only(client):
    assert client.get("/static/colours.css").headers["content-type"].startswith("text/css")
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"):
        assert client.get(path).status_code == 404


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["emotion", "serve", *map(str, arguments)])
    return cli.run()


def test_an_address_that_is_taken_ends_in_a_sentence(monkeypatch, capsys, tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(monkeypatch, "--port", port, "--folder", tmp_path) == 3
    assert "choose another --port" in capsys.readouterr().err


def test_a_folder_that_cannot_be_used_ends_in_a_sentence(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert run(monkeypatch, "--port", 0, "--folder", tmp_path / "file") == 3
    assert "choose another with --folder" in capsys.readouterr().err


def test_a_folder_that_another_server_uses_ends_in_a_sentence(monkeypatch, capsys, tmp_path):
    with JobStore(tmp_path):
        assert run(monkeypatch, "--port", 0, "--folder", tmp_path) == 3
    assert "another server uses it" in capsys.readouterr().err


def test_a_certificate_that_is_none_ends_in_a_sentence(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    arguments = ("--certificate", tmp_path / "file", "--key", tmp_path / "file")
    assert run(monkeypatch, "--port", 0, "--folder", tmp_path, *arguments) == 3
    assert run(monkeypatch, "--port", 0, "--folder", tmp_path, *arguments[:2]) == 3
    assert "needs both" in capsys.readouterr().err


JSON = st.dictionaries(WORDS, ANYTHING, max_size=4) | ANYTHING
BEGINNINGS = st.sampled_from(
    [b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\0\0\0\x18ftypheic", b"RIFF"]
)
BODIES = st.builds(lambda begin, rest: begin + rest, BEGINNINGS, st.binary(max_size=300)) | JSON.map(
    lambda value: json.dumps(value).encode()
)
KINDS = st.sampled_from(
    ["application/json", "image/jpeg", "multipart/form-data; boundary=x", "text/plain", ""]
)


@given(BODIES, KINDS, WORDS, st.data())
def test_a_body_of_any_content_is_taken_or_refused_in_a_sentence(client, body, kind, word, data):
    described = client.get("/api/openapi.json").json()["paths"]
    writing = [
        (path, way) for path, ways in described.items() for way in ways if way in ("post", "put", "patch")
    ]
    path, way = data.draw(st.sampled_from(sorted(writing)))
    path = re.sub(r"{.*?}", quote(word, safe="", errors="replace") or "x", path)
    answer = client.request(way, path, content=body, headers={"content-type": kind})
    assert answer.status_code < 500, (path, body)
    if answer.status_code >= 400:
        assert answer.json()["detail"]
