"""Models of other classes and one more region, from the folder to every result: nothing knows the six."""

import csv
import io
import json
import re
from contextlib import closing

import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pictures
from typer.testing import CliRunner

import emotion
from emotion.cli.app import app
from emotion.models.classes import EMOTIONS
from emotion.models.data.label_folders import Photograph
from emotion.models.errors import ModelFileError
from emotion.models.evaluation import report
from emotion.models.evaluation.evaluate import evaluate
from emotion.models.evaluation.predictions import faces_of_photographs, predict
from emotion.models.palette import bgr
from emotion.models.regions import EYES, FACE, LIPS
from emotion.models.voting.vote import read_rules
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.options import Options
from emotion.realtime.playback.result_index import read_timeline
from emotion.realtime.session import EveryFrame, Models, NewestFrame, Session
from emotion.realtime.sinks.events import EventSink
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.photographs import PhotographFinder
from emotion.videos import Outputs, annotate
from emotion.web.http.app import make_app
from emotion.web.jobs.results import overview
from emotion.web.options import ServeOptions
from tests.fakes.other_models import BROW, CLASSES, model_folder

FRAMES = 16
FORMATS = ("mp4", "csv", "jsonl", "parquet", "srt", "vtt", "html")
ROWS = ("eyes", "lips", "brow", "probabilities_frame", "probabilities")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def models(folder):
    return Models.load(models=folder, provider="cpu")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """The bundled clip's first pictures: a face that grows no calmer."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoFile(DEMO) as video, Mp4Sink(path, video.info) as sink:
        for _, frame in zip(range(FRAMES), video, strict=False):
            sink.write(EmotionFrame(frame, ()), frame.image)
    return path


@pytest.fixture(scope="module")
def annotated(models, clip, tmp_path_factory):
    outputs = Outputs.of(clip, tmp_path_factory.mktemp("results"), FORMATS)
    return outputs, annotate(clip, outputs, models)


def lines(annotated):
    return [json.loads(line) for line in annotated[0].files["jsonl"].read_text().splitlines()]


def test_the_folder_says_what_its_models_are(models):
    assert models.schema.classes == CLASSES
    assert models.schema.regions.names == ("eyes", "lips", "brow")
    assert models.schema.regions["brow"] == BROW
    assert models.weights.regions == ("eyes", "lips", "brow")


@pytest.mark.parametrize("policy", [EveryFrame(), NewestFrame()])
def test_what_is_seen_is_what_the_models_say_of_the_regions_crops(models, clip, policy):
    options = Options(vote=VoteOptions(smooth=0))
    with VideoFile(clip) as video, Session(video, options, models, policy) as session:
        result = next(iter(session))
    (face,) = result.faces
    assert result.schema == models.schema
    assert list(face.regions) == list(face.seen) == ["eyes", "lips", "brow"]
    said = np.stack([face.regions[name] for name in face.regions])
    assert said.shape == (3, 3)
    assert face.seen["brow"] == 1, "no net knows what hides it"
    if min(face.seen.values()) == 1:
        np.testing.assert_allclose(face.probabilities_frame, said.mean(axis=0), atol=1e-6)
    assert face.label in CLASSES.labels
    assert face.emotion == CLASSES[int(face.probabilities.argmax())]


def test_tables_have_a_column_for_each_class_and_region(annotated):
    outputs, _ = annotated
    table = list(csv.DictReader(io.StringIO(outputs.files["csv"].read_text())))
    wanted = [f"{row}_{name}" for row in (*ROWS[:3], "blendshapes", *ROWS[3:]) for name in CLASSES]
    columns = list(table[0])
    assert columns[8 : 8 + len(wanted)] == wanted
    assert columns[-3:] == ["eyes_seen", "lips_seen", "brow_seen"]
    assert pq.read_table(outputs.files["parquet"]).column_names == columns
    assert len(table) == FRAMES
    for row in table:
        assert sum(float(row[f"probabilities_{name}"]) for name in CLASSES) == pytest.approx(1, abs=1e-3)
        assert row["blendshapes_calm"] == ""


def test_json_lines_are_read_back(annotated):
    reported = lines(annotated)
    assert all(
        list(face[row]) == list(CLASSES) for line in reported for face in line["faces"] for row in ROWS
    )
    known, _ = read_timeline(annotated[0].files["jsonl"]).around(0.0)
    (face,) = known.faces
    assert face.classes.names == CLASSES.names
    assert list(face.regions) == ["eyes", "lips", "brow"]
    assert face.regions["brow"].tolist() == pytest.approx(list(reported[0]["faces"][0]["brow"].values()))


def test_summary_subtitles_and_page_use_their_names(annotated):
    outputs, summary = annotated
    assert summary.emotion in CLASSES
    assert list(summary.shares) == [*CLASSES.labels, "no_face"]
    assert list(summary.mean) == list(CLASSES)
    assert sum(summary.shares.values()) == pytest.approx(1, abs=1e-3)
    assert json.loads(outputs.summary.read_text())["video"]["emotion"] == summary.emotion
    for suffix in ("srt", "vtt"):
        text = outputs.files[suffix].read_text()
        assert any(label in text for label in CLASSES.labels)
        assert not any(name in text for name in EMOTIONS)
    page = outputs.files["html"].read_text()
    data = json.loads(re.search(r'<script[^>]* id="data">(.*?)</script>', page, re.DOTALL).group(1))
    assert [one["name"] for one in data["emotions"]] == list(CLASSES)
    assert [one["dark"] for one in data["emotions"]] == list(CLASSES.on_dark)
    assert data["predictions"] == ["vote", "eyes", "lips", "brow"]
    assert len(data["people"][0]["shares"]) == 4


def test_the_picture_has_their_colours_and_no_others(models, clip):
    with VideoFile(clip) as video, Session(video, Options(), models) as session:
        result = next(iter(session))
    drawn = Overlay().draw(result)
    (face,) = result.faces
    colour = bgr(CLASSES.on_dark[CLASSES.index(face.emotion)])
    assert (drawn == np.array(colour)).all(axis=2).sum() > 50


def test_events_are_reported_with_their_names(models, clip, tmp_path):
    with open(tmp_path / "events", "wb") as file:
        sink = EventSink(descriptor=file.fileno())
        with VideoFile(clip) as video, Session(video, Options(), models) as session:
            for result in session:
                sink.write(result, result.frame.image)
        sink.close()
    reported = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [one["event"] for one in reported][:: len(reported) - 1] == ["appeared", "left"]
    assert {one["emotion"] for one in reported} <= {*CLASSES.labels, None}


def test_a_program_gets_them_by_name(models, clip):
    with emotion.stream(clip, models=models) as results:
        (face,) = next(iter(results)).faces
    assert list(face.probabilities) == list(CLASSES)
    assert list(face.regions) == ["eyes", "lips", "brow"]


@pytest.fixture
def client(models, folder, tmp_path):
    served = make_app(ServeOptions(folder=tmp_path), models, analysis=_engine(folder))
    with TestClient(served, base_url="http://127.0.0.1:8000") as client:
        yield client


def _engine(folder):
    options = Options()
    return type(options)(engine=type(options.engine)(models=folder))


def test_the_page_and_its_responses_know_them(client, clip):
    about = client.get("/api/models").json()
    assert (about["emotions"], about["regions"]) == (list(CLASSES), ["eyes", "lips", "brow"])
    assert len(about["vote"]) == 3
    assert 'EMOTIONS = ["calm", "tense", "laughing"]' in client.get("/static/classes.js").text
    sheet = client.get("/static/colours.css").text
    assert "--class-tense: light-dark(#BE2C15, " in sheet
    assert not any(name in sheet for name in EMOTIONS)
    with VideoFile(clip) as video:
        picture = next(iter(video)).image
    file = io.BytesIO()
    Pictures.fromarray(picture[..., ::-1]).save(file, "PNG")
    answer = client.post("/api/photos", content=file.getvalue()).json()
    (face,) = answer["faces"]
    assert (answer["emotions"], answer["regions"]) == (list(CLASSES), ["eyes", "lips", "brow"])
    assert all(len(face[name]) == 3 for name in ("eyes", "lips", "brow", "probabilities"))


def test_the_page_s_overview_is_of_what_the_timeline_says(annotated):
    found = overview(annotated[0].files["jsonl"])
    assert (found["emotions"], found["regions"]) == (CLASSES.names, ("eyes", "lips", "brow"))
    (person,) = found["people"]
    assert all(len(shares) == 3 for shares in person["brow"])


def test_they_are_evaluated_on_photographs(models, folder, clip, tmp_path):
    with VideoFile(clip) as video:
        for frame, label in zip(video, CLASSES, strict=False):
            (tmp_path / label).mkdir()
            Pictures.fromarray(frame.image[..., ::-1]).save(tmp_path / label / "a.png")
    photographs = [
        Photograph(tmp_path / label / "a.png", f"set/{label}/a.png", label, None, None) for label in CLASSES
    ]
    with closing(PhotographFinder(nets=models.nets)) as finder:
        faces = faces_of_photographs(photographs, finder.largest, schema=models.schema)
    found = evaluate(predict(faces, models.regions), models.weights, read_rules(folder).rules)
    assert list(found.scores) == ["eyes", "lips", "brow", "vote"]
    assert [row.emotion for row in found.vote.emotions] == list(CLASSES)
    assert [row.name for row in found.hidden][1:] == ["eyes hidden", "lips hidden", "brow hidden"]
    assert found.to_json()["classes"] == list(CLASSES)
    page = report.to_html(found)
    assert "laughing" in page
    assert "brow" in page
    assert "happiness" not in page


def test_their_folder_is_copied_whole(folder, tmp_path):
    assert command("models", "copy", str(folder), str(tmp_path / "copy")) == 0
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {path.name for path in folder.iterdir()}
    assert Models.load(models=tmp_path / "copy", provider="cpu").schema.classes == CLASSES


def test_the_command_line_takes_their_folder(folder, clip, tmp_path):
    words = ("annotate", str(clip), "--models", str(folder), "-o", str(tmp_path), "--formats", "csv")
    assert command(*words) == 0
    head = (tmp_path / "clip.emotions.csv").read_text().splitlines()[0]
    assert "brow_laughing" in head
    assert "happiness" not in head


def command(*words):
    return CliRunner().invoke(app, words).exit_code


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("three"), (EYES, LIPS, FACE))


def test_a_whole_face_votes_beside_eyes_and_lips_and_regions_are_chosen(three, clip):
    for chosen in ((), ("eyes", "lips"), ("face",)):
        loaded = Models.load(models=three, provider="cpu", regions=chosen)
        with VideoFile(clip) as video, Session(video, Options(), loaded) as session:
            (face,) = next(iter(session)).faces
        assert tuple(face.regions) == loaded.weights.regions == (chosen or ("eyes", "lips", "face"))
        assert face.probabilities_frame is not None


def test_the_command_line_chooses_regions(three, clip, tmp_path):
    words = ("annotate", str(clip), "--models", str(three), "-o", str(tmp_path), "--formats", "csv")
    assert command(*words, "--regions", "lips,face") == 0
    head = (tmp_path / "clip.emotions.csv").read_text().splitlines()[0]
    assert "face_calm" in head
    assert "eyes_calm" not in head
    with pytest.raises(ModelFileError, match="no model of the region chin"):
        Models.load(models=three, provider="cpu", regions=("chin",))
