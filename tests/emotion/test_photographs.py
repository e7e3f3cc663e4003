"""Photographs with the models that ship: annotated pictures and one table of all."""

import csv
import json
from collections import Counter
from fractions import Fraction

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

import emotion
from emotion.annotated_pictures import is_own_picture
from emotion.cli import app as cli
from emotion.inputs import Input, find_inputs
from emotion.models.classes import EMOTIONS
from emotion.photographs import (
    PhotographOutputs,
    PhotographSummary,
    annotate_photographs,
    photographs_done,
)
from emotion.realtime.errors import SinkError
from emotion.realtime.messages import VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.session import EachPicture, Models, Session
from emotion.realtime.sinks.options import OutputOptions
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.options import FaceOptions
from tests.helpers.pictures import smooth_jpeg

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def models():
    return Models.load(provider="cpu", models="lite")


@pytest.fixture(scope="module")
def face():
    """A picture with one face, 480x270."""
    with VideoFile(DEMO) as video:
        return next(iter(video)).image.copy()


@pytest.fixture
def folder(tmp_path, face):
    """Two photographs of a face, one without, one that is no picture."""
    place = tmp_path / "in"
    (place / "deep").mkdir(parents=True)
    cv2.imwrite(str(place / "a 2.jpg"), face)
    cv2.imwrite(str(place / "a 2.png"), face[:, ::-1])
    (place / "deep" / "none.jpg").write_bytes(smooth_jpeg())
    (place / "a 10.jpg").write_bytes(b"text")
    return place


def look(images, models, options=None, inline=False):
    frames = [VideoFrame(index, index, Fraction(1), 0.0, image) for index, image in enumerate(images)]
    with Session(frames, options, models, EachPicture(finders=1, inline=inline)) as session:
        return list(session)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_gives_annotated_pictures_and_one_table(models, folder):
    photographs = find_inputs([folder], recursive=True)
    outputs = PhotographOutputs.of(photographs, folder.parent / "out", ("mp4", "csv", "jsonl", "parquet"))
    reported, progress = [], []
    summary = annotate_photographs(
        photographs, outputs, models, progress=lambda *done: progress.append(done), say=reported.append
    )
    made = sorted(
        str(path.relative_to(folder.parent / "out")) for path in (folder.parent / "out").rglob("*.*")
    )
    assert made == [
        *("a 2.jpg.annotated.jpg", "a 2.png.annotated.jpg", "deep/none.annotated.jpg"),
        *("photos.csv", "photos.jsonl", "photos.parquet", "photos.summary.json"),
    ]
    table = rows(outputs.tables["csv"])
    assert [(row["file"].rpartition("/")[2], row["track_id"]) for row in table] == [
        *(("a 2.jpg", "1"), ("a 2.png", "1"), ("none.jpg", "")),
    ]
    assert {"since", "frame", "seconds"}.isdisjoint(table[0])
    assert (table[0]["picture_width"], table[0]["picture_height"]) == ("480", "270")
    assert pq.read_table(outputs.tables["parquet"]).column_names == list(table[0])
    lines = [json.loads(line) for line in outputs.tables["jsonl"].read_text().splitlines()]
    assert [len(line["faces"]) for line in lines] == [1, 1, 0]
    assert "since" not in lines[0]["faces"][0]
    values = json.loads(outputs.summary.read_text())
    assert (values["complete"], values["photographs"], values["without_face"], values["faces"]) == (
        False,
        3,
        1,
        2,
    )
    assert summary.sentence().startswith("2 faces in 3 photographs: ")
    assert summary.sentence().endswith("; no face in 1")
    assert len(reported) == 1
    assert "a 10.jpg" in reported[0]
    assert progress[-1] == (4, 4)


def test_an_annotated_picture_shows_the_face_and_more(models, folder, face):
    photographs = find_inputs([folder / "a 2.jpg"])
    outputs = PhotographOutputs.of(photographs, None, ("mp4",))
    annotate_photographs(photographs, outputs, models)
    drawn = cv2.imread(str(folder / "a 2.annotated.jpg"))
    assert drawn.shape == face.shape
    assert (np.abs(drawn.astype(int) - face).max(axis=2) > 60).mean() > 0.01
    assert not outputs.tables


def test_nothing_is_carried_from_one_photograph_to_the_next(models, face):
    nothing = np.zeros_like(face)
    mixed = look([nothing, face, face[:, ::-1], nothing, face], models)
    (alone,) = look([face], models, inline=True)
    assert [len(result.faces) for result in mixed] == [0, 1, 1, 0, 1]
    for number in (1, 4):
        (found,), (wanted,) = mixed[number].faces, alone.faces
        np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-4)
        assert found.track_id == 1


def test_small_faces_of_a_group_are_found_too(models, face):
    group = np.full((1080, 1920, 3), 90, np.uint8)
    group[200:740, 60:1020] = cv2.resize(face, (960, 540))
    for left in (1120, 1500):
        group[500:680, left : left + 320] = cv2.resize(face, (320, 180))
    (result,) = look([group], models)
    assert len(result.faces) == 3
    assert [found.track_id for found in result.faces] == [1, 2, 3]
    (few,) = look([group], models, Options(faces=FaceOptions(max_faces=1)))
    assert len(few.faces) == 1


def test_a_face_that_leans_is_looked_for_again(models, face):
    turned = cv2.warpAffine(face, cv2.getRotationMatrix2D((330, 190), 40, 1), (480, 270))
    (result,) = look([turned], models)
    assert len(result.faces) == 1


def test_columns_on_demand(models, face, tmp_path):
    wanted = FaceOptions(columns=("blendshapes", "pose", "quality", "reason"))
    cv2.imwrite(str(tmp_path / "face.png"), face)
    cv2.imwrite(str(tmp_path / "mirrored.png"), face[:, ::-1])
    photographs = find_inputs([f"{tmp_path}/*.png"])
    outputs = PhotographOutputs.of(photographs, tmp_path, ("csv", "parquet"))
    annotate_photographs(photographs, outputs, models, Options(faces=wanted))
    one, other = rows(outputs.tables["csv"])
    assert sum(name.startswith("blendshape_") for name in one) == 52
    assert 0 <= float(one["blendshape_jawOpen"]) <= 1
    angles = {name: (float(one[name]), float(other[name])) for name in ("yaw", "pitch", "roll")}
    assert all(abs(value) < 45 for pair in angles.values() for value in pair)
    # A mirror turns the head to the other side, and leans it so; it still looks as far up.
    assert angles["yaw"][0] == pytest.approx(-angles["yaw"][1], abs=4)
    assert angles["roll"][0] == pytest.approx(-angles["roll"][1], abs=4)
    assert angles["pitch"][0] == pytest.approx(angles["pitch"][1], abs=4)
    assert 30 < float(one["eye_distance"]) < 200
    assert 0 < float(one["light"]) < 1
    assert float(one["sharpness"]) > 0
    assert (one["uncertain_because"] == "") == (one["label"] in EMOTIONS)


def test_a_face_that_leans_has_its_own_roll(models, face):
    pose = Options(faces=FaceOptions(columns=("pose",)))

    def roll(image):
        (result,) = look([image], models, pose)
        return result.faces[0].details["roll"]

    # Against the clock, as the picture is turned.
    turned = cv2.warpAffine(face, cv2.getRotationMatrix2D((330, 190), 15, 1), (480, 270))
    assert roll(turned) - roll(face) == pytest.approx(15, abs=5)


def test_the_command_takes_photographs_and_a_file_for_their_table(monkeypatch, capsys, folder, tmp_path):
    table = tmp_path / "faces.csv"
    monkeypatch.setattr(
        "sys.argv", ["emotion", "annotate", str(folder), "-o", str(table), "--models", "lite"]
    )
    assert cli.run() == 3
    said = capsys.readouterr()
    assert "a 10.jpg" in said.err
    assert "1 of 3 photographs could not be read" in said.err
    assert Counter(row["track_id"] for row in rows(table)) == {"1": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.csv", "faces.summary.json", "in"]


@pytest.mark.parametrize(
    ("output", "said"),
    [(("a.csv", "b.csv"), "would hold the same"), (("a.mp4",), "The table of photographs is a .csv")],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_done(
    monkeypatch, capsys, folder, tmp_path, output, said
):
    places = [part for name in output for part in ("-o", str(tmp_path / name))]
    monkeypatch.setattr("sys.argv", ["emotion", "annotate", str(folder), *places])
    assert cli.run() == 6
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("a.*"))


def test_a_copy_is_called_by_what_it_is_a_copy_of(models, face, tmp_path):
    """The temporary file, and with it its name, is gone when the table is read."""
    copy, broken = tmp_path / "1.png", tmp_path / "2.png"
    cv2.imwrite(str(copy), face)
    broken.write_bytes(b"no picture")
    photographs = [
        Input(path, "photograph", fetched=True, address=f"https://host/{path.name}")
        for path in (copy, broken)
    ]
    outputs = PhotographOutputs.of(photographs, tmp_path / "out", ("csv",))
    said = []
    summary = annotate_photographs(photographs, outputs, models, Options(), say=said.append)
    (row,) = csv.DictReader(outputs.tables["csv"].read_text().splitlines())
    assert row["file"] == "https://host/1.png"
    reason = "https://host/2.png cannot be used: it is no picture, or damaged."
    assert (summary.left_out, said) == ({"https://host/2.png": reason}, [reason])


@pytest.fixture
def crowded(folder, face):
    """The same folder with a photograph of two, and without the one that is no picture."""
    (folder / "a 10.jpg").unlink()
    cv2.imwrite(str(folder / "two.png"), np.hstack([face, face]))
    return folder


def test_more_faces_than_there_is_room_for_are_reported(models, crowded, tmp_path):
    photographs = find_inputs([str(crowded)])
    outputs = PhotographOutputs.of(photographs, tmp_path / "out", ("csv",))
    options = Options(faces=FaceOptions(max_faces=1))
    said = []
    summary = annotate_photographs(photographs, outputs, models, options, say=said.append)
    name = str(crowded / "two.png")
    assert said == [f"At least 1 more face in {name}: see --max-faces."]
    assert json.loads(outputs.summary.read_text())["more_faces"] == [{"file": name, "faces": 1}]
    assert summary.labels.total() == 3
    again = photographs_done(photographs, outputs, models, options)
    assert again is not None
    assert again.crowd() == said[0], "a run that finds all done says it, too"


def test_a_resumed_run_tells_the_crowd_that_the_stopped_one_saw(models, crowded, tmp_path):
    photographs = find_inputs([str(crowded)])
    outputs = PhotographOutputs.of(photographs, tmp_path / "out", ("csv",))
    options = Options(faces=FaceOptions(max_faces=1))

    def stop(done, total):
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate_photographs(photographs, outputs, models, options, stop)
    summary = annotate_photographs(photographs, outputs, models, options, resume=True)
    assert summary.more_faces == {str(crowded / "two.png"): 1}


def test_of_several_crowds_the_first_is_named():
    summary = PhotographSummary(more_faces={"a.jpg": 3, "b.jpg": 1, "c.jpg": 1})
    assert summary.crowd() == "At least 5 more faces in a.jpg and 2 other photographs: see --max-faces."


def test_where_none_could_be_read_nothing_is_reported_of_faces():
    assert PhotographSummary(left_out={"a.jpg": "damaged"}).sentence() == "none could be read"


def test_where_none_could_be_read_an_earlier_table_stays(monkeypatch, capsys, folder, tmp_path):
    def annotate(name):
        arguments = ["emotion", "annotate", str(folder / name), "-o", str(tmp_path / "out")]
        monkeypatch.setattr("sys.argv", [*arguments, "--models", "lite", "--formats", "csv"])
        return cli.run(), capsys.readouterr()

    assert annotate("a 2.jpg")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    code, said = annotate("a 3.jpg")
    assert (code, said.out) == (3, "")
    assert "a 3.jpg does not exist: check the path." in " ".join(said.err.split())
    assert "No photograph could be read: see above." in said.err
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_only_own_pictures_and_tables_are_replaced(models, folder):
    photographs = find_inputs([folder / "a 2.jpg"])
    outputs = PhotographOutputs.of(photographs, None, ("mp4", "csv"))
    for _ in range(2):
        annotate_photographs(photographs, outputs, models)
    own = folder / "a 2.annotated.jpg"
    assert is_own_picture(own)
    assert not is_own_picture(folder / "a 2.jpg")
    own.write_bytes(own.read_bytes()[:-3] + b"\0\xff\xd9")
    with pytest.raises(SinkError, match=r"a 2\.annotated\.jpg would be replaced"):
        annotate_photographs(photographs, outputs, models)
    own.unlink()
    with outputs.tables["csv"].open("a") as table:
        table.write("a remark\n")
    with pytest.raises(SinkError, match=r"photos\.csv would be replaced"):
        annotate_photographs(photographs, outputs, models)
    annotate_photographs(photographs, outputs, models, Options(outputs=OutputOptions(overwrite=True)))
    assert len(rows(outputs.tables["csv"])) == 1


class Killed(BaseException):
    """What ends a run in its middle."""


def annotated(models, place, output, resume=True, stop_after=None, options=None):
    """The tables of a run, and what it said; it may end in its middle."""
    found = find_inputs([place], recursive=True)
    outputs = PhotographOutputs.of(found, output, ("mp4", "csv", "jsonl", "parquet"))
    said = []

    def progress(done, total):
        if done == stop_after:
            raise Killed

    try:
        annotate_photographs(found, outputs, models, options, progress, say=said.append, resume=resume)
    except Killed:
        return None, said
    return {name: path.read_bytes() for name, path in outputs.tables.items()}, said


def test_a_run_that_was_killed_goes_on_and_gives_the_same(models, folder, tmp_path):
    options = Options(faces=FaceOptions(columns=("quality", "landmarks")))
    whole, _ = annotated(models, folder, tmp_path / "whole", options=options)
    assert annotated(models, folder, tmp_path / "cut", stop_after=3, options=options)[0] is None
    (journal,) = (tmp_path / "cut").glob("*.journal.partial.jsonl")
    with open(journal, "ab") as file:
        file.write(b'{"file": "cut sh')  # as a kill may leave it
    table, said = annotated(models, folder, tmp_path / "cut", options=options)
    assert table == whole
    assert said[0] == "2 photographs of an earlier run: already analysed."
    assert not journal.exists()


@pytest.mark.parametrize("change", ["photograph", "picture", "options", "no resume"])
def test_a_run_looks_again_at_what_is_not_the_same(models, folder, tmp_path, change):
    out = tmp_path / "out"
    annotated(models, folder, out, stop_after=3)
    if change == "photograph":
        (folder / "a 2.jpg").write_bytes(smooth_jpeg())
    if change == "picture":
        next(out.glob("*.annotated.jpg")).unlink()
    options = Options(faces=FaceOptions(max_faces=2)) if change == "options" else None
    said = annotated(models, folder, out, change != "no resume", options=options)[1]
    kept = [line for line in said if "earlier run" in line]
    assert kept == (
        [] if change in ("options", "no resume") else ["1 photograph of an earlier run: already analysed."]
    )


def test_the_command_says_what_is_done_already(monkeypatch, capsys, folder, tmp_path):
    out = str(tmp_path / "out")
    monkeypatch.setattr("sys.argv", ["emotion", "annotate", str(folder), "-o", out, "--formats", "mp4,csv"])
    assert cli.run() == 3
    assert "annotated        2 in" in capsys.readouterr().out
    assert cli.run() == 3
    said = capsys.readouterr().err
    assert "3 photographs are done already and are skipped." in said
    assert "a 10.jpg" in said
    assert "1 of 3 photographs could not be read" in said


def test_photographs_that_are_done_are_not_looked_at_again(models, folder, tmp_path):
    found = find_inputs([folder], recursive=True)
    outputs = PhotographOutputs.of(found, tmp_path, ("mp4", "csv"))
    first = annotate_photographs(found, outputs, models)
    assert photographs_done(found, outputs, models, Options()) == first
    assert photographs_done(found[1:], outputs, models, Options()) is None
    next(tmp_path.glob("*.annotated.jpg")).unlink()
    assert photographs_done(found, outputs, models, Options()) is None


def test_of_a_photograph_that_a_face_fills_the_result_stands_beside_it(models, face, tmp_path):
    (found,) = look([face], models)[0].faces
    left, top, right, bottom = found.box.inside(face.shape[1], face.shape[0], margin=0.03)
    cv2.imwrite(str(tmp_path / "close.png"), face[top:bottom, left:right])
    emotion.annotate_files(tmp_path / "close.png", tmp_path / "out", models="lite")
    drawn = cv2.imread(str(tmp_path / "out" / "close.annotated.jpg"))
    assert drawn.shape[1] / drawn.shape[0] > 1.4 * (right - left) / (bottom - top)
    assert drawn.shape == emotion.analyze(tmp_path / "close.png", models="lite").draw().shape
