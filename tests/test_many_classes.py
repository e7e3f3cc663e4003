"""Models of seven, eight and more classes end to end: photographs, a video, live, the page."""

import csv
import io
import json
import re

import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pictures

pytest.importorskip("onnx", reason="the networks are made with the extra 'learn'")

from emotion.models.classes import SIX, Classes
from emotion.models.errors import ModelFileError
from emotion.models.regions import EYES, LIPS
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.options import Options
from emotion.realtime.session import Models, NewestFrame, Session
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.videos import Outputs, annotate
from emotion.web.http.app import make_app
from emotion.web.options import ServeOptions
from tests.fakes.many_classes import model_folder

SEVEN = Classes((*SIX, "disgust"))
EIGHT = Classes((*SEVEN, "contempt"))
TEN = Classes(
    ("amused", "bored", "calm", "crying", "furious", "laughing", "proud", "shy", "sly", "tense"),
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoFile(DEMO) as video, Mp4Sink(path, video.info) as sink:
        for _, frame in zip(range(3), video, strict=False):
            sink.write(EmotionFrame(frame, ()), frame.image)
    return path


@pytest.mark.parametrize("classes", [SEVEN, EIGHT, TEN], ids=["seven", "eight", "ten"])
def test_every_way_knows_them(classes, clip, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    models = Models.load(models=model_folder(folder, classes), provider="cpu")
    names = list(classes)

    outputs = Outputs.of(clip, tmp_path / "results", ("csv", "jsonl", "html"))
    summary = annotate(clip, outputs, models)
    assert list(summary.mean) == names
    (row, *_) = csv.DictReader(io.StringIO(outputs.files["csv"].read_text()))
    assert sum(float(row[f"probabilities_{name}"]) for name in names) == pytest.approx(1, abs=1e-3)
    page = outputs.files["html"].read_text()
    data = json.loads(re.search(r'<script[^>]* id="data">(.*?)</script>', page, re.DOTALL).group(1))
    assert [one["name"] for one in data["emotions"]] == names
    assert [one["mark"] for one in data["emotions"]] == list(classes.marks)

    with VideoFile(clip) as video, Session(video, Options(), models, NewestFrame()) as session:
        live = next(iter(session))
    (face,) = live.faces
    assert face.emotion in classes
    assert Overlay().draw(live).shape == live.frame.image.shape

    served = make_app(ServeOptions(folder=tmp_path), models)
    with TestClient(served, base_url="http://127.0.0.1:8000") as client:
        file = io.BytesIO()
        Pictures.fromarray(live.frame.image[..., ::-1]).save(file, "PNG")
        (seen,) = client.post("/api/photos", content=file.getvalue()).json()["faces"]
        assert len(seen["probabilities"]) == len(names)
        script = client.get("/static/classes.js").text
        assert f"MARKS = {json.dumps(list(classes.marks))}" in script
        sheet = client.get("/static/colours.css").text
        assert all(f"--class-{name}: " in sheet for name in names)


def test_beyond_eight_a_colour_comes_twice_and_its_bars_are_marked():
    assert EIGHT.marks == (0,) * 8
    assert len(set(TEN.on_dark)) == 8
    assert TEN.marks == (0,) * 8 + (1,) * 2
    assert Classes(tuple(f"c{at}" for at in range(17))).marks[-1] == 2


def test_models_of_other_classes_are_refused_together(tmp_path):
    folder = model_folder(tmp_path, SEVEN)
    other = tmp_path / "other"
    other.mkdir()
    model_folder(other, EIGHT)
    for name in ("lips.onnx", "lips.json"):
        (other / name).replace(folder / name)
    with pytest.raises(ModelFileError, match="models of eyes and lips have different classes"):
        Models.load(models=folder, provider="cpu")


def test_a_vote_of_other_classes_is_refused(tmp_path):
    folder = model_folder(tmp_path, SEVEN, (EYES, LIPS))
    values = json.loads((folder / "weights.json").read_text())
    values["classes"] = values["classes"][::-1]
    (folder / "weights.json").write_text(json.dumps(values))
    with pytest.raises(ModelFileError):
        Models.load(models=folder, provider="cpu")


def test_a_marked_bar_has_stripes():
    from emotion.realtime.drawing.sprites import plate

    plain, *marked = (plate(60, 8, 4, (0, 0, 255), mark=mark) for mark in range(4))
    assert len({one.ink.tobytes() for one in (plain, *marked)}) == 4
    for one in marked:
        assert 0.3 < one.ink.sum() / plain.ink.sum() < 0.8
