"""What files say of how they were made, and what stays of what their source says of itself."""

import json

import av
import pyarrow.parquet as pq
import pytest

from emotion.models.small_files import sha256
from emotion.provenance import chosen
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.options import Options
from emotion.realtime.session import policies
from emotion.realtime.sinks.study_record import FULL, StudyRecord
from emotion.realtime.stages.options import FaceOptions
from emotion.videos import Outputs, annotate
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.helpers import clips
from tests.helpers.results import face, result, video_frame


@pytest.fixture
def source(tmp_path):
    """A clip that says something of itself, with sound in a language."""
    plain, reported = tmp_path / "plain.mp4", tmp_path / "talk.mkv"
    clips.clip(plain, 5, audio="aac")
    with av.open(str(plain)) as given, av.open(str(reported), "w") as made:
        made.metadata.update(
            {"title": "A talk", "comment": "take 2", "creation_time": "2025-01-02T03:04:05Z"}
        )
        streams = [made.add_stream_from_template(one) for one in given.streams]
        streams[1].metadata["language"] = "deu"
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                made.mux(packet)
    return reported


@pytest.fixture
def annotated(source, tmp_path, monkeypatch):
    monkeypatch.setattr(policies.EveryFrame, "stages", lambda *_: [NoFaces()])
    outputs = Outputs.of(source, tmp_path / "out", ("mp4", "parquet"))
    annotate(source, outputs, NO_MODELS, Options(faces=FaceOptions(max_faces=2)))
    return outputs


def test_each_file_says_what_it_follows_from(annotated, source):
    said = json.loads(annotated.summary.read_text())["provenance"]
    assert said["source"] == {
        "name": "talk.mkv",
        "bytes": source.stat().st_size,
        "sha256": sha256(source),
    }
    assert said["options"] == {"max_faces": 2}
    assert {"program", "models", "libraries", "processor", "date"} <= set(said)
    kept = pq.read_schema(annotated.files["parquet"]).metadata[b"provenance"]
    assert json.loads(kept) == said
    with av.open(str(annotated.video)) as made:
        first, _, second = made.metadata["comment"].partition("\n")
        assert first == "take 2"
        assert json.loads(second) == said


def test_what_the_source_says_of_itself_stays(annotated):
    with av.open(str(annotated.video)) as made:
        assert made.metadata["title"] == "A talk"
        assert made.metadata["creation_time"].startswith("2025-01-02T03:04:05")
        assert made.streams.audio[0].metadata["language"] in ("deu", "ger")


def test_options_that_change_nothing_are_not_told():
    assert chosen(Options()) == {}
    assert chosen(Options(drawing=DrawingOptions(privacy="blur"))) == {"privacy": "blur"}


def read(path):
    return json.loads(path.read_text())


def test_the_picture_of_a_video_is_the_one_with_the_surest_face_and_hidden_where_wanted(tmp_path):
    asked = []

    def hide(one):
        asked.append(one.frame.index)
        return one.frame.image

    with StudyRecord(tmp_path / "a.study.json", hidden=hide) as sink:
        for index in range(6):
            sink.write(result(index, face("fear", share=0.4 + 0.1 * index)), video_frame(index).image)
    # Whoever hides faces follows them, and so sees every frame.
    assert asked == list(range(6))
    values = read(tmp_path / "a.study.json")
    assert values["thumbnail"]
    assert values["columns"][:2] == ["seen", "uncertain"]
    assert values["bins"] >= 2
    assert FULL == 250


def test_an_interrupted_record_is_a_part(tmp_path):
    sink = StudyRecord(tmp_path / "a.study.json")
    sink.write(result(0), video_frame(0).image)
    kept = sink.abort()
    assert kept.name == "a.study.partial.json"
    assert read(kept)["bins"] == 1
    assert StudyRecord(tmp_path / "b.study.json").abort() is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.study.partial.json"]
