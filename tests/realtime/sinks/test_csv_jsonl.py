import csv
import json
from dataclasses import replace
from fractions import Fraction

import pytest

from emotion.models.atomic_files import partial_path
from emotion.models.classes import EMOTIONS
from emotion.models.schema import SHIPPED
from emotion.realtime.errors import SinkError
from emotion.realtime.messages import Box
from emotion.realtime.sinks import csv_jsonl as timeline
from emotion.realtime.sinks.columns import Columns
from emotion.realtime.sinks.csv_jsonl import CsvTimeline, JsonLinesTimeline, _row, as_dict
from tests.helpers.results import face, result, sure

KINDS = [CsvTimeline, JsonLinesTimeline]


def written(kind, path, *results):
    with kind(path) as sink:
        for one in results:
            sink.write(one, one.frame.image)
    return path


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def objects(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_row_holds_all_that_is_thought_of_a_face(tmp_path):
    (row,) = rows(written(CsvTimeline, tmp_path / "a.csv", result(3, face("fear", track=7), pts=1234)))
    assert tuple(row) == Columns(SHIPPED).all
    assert (row["frame"], row["pts"], row["seconds"], row["track_id"]) == ("3", "1234", "1.234000", "7")
    assert (row["left"], row["top"], row["width"], row["height"]) == ("10", "8", "20", "24")
    assert (row["emotion"], row["confidence"]) == ("fear", "0.9")
    assert (row["label"], row["since"]) == ("fear", "0.0")
    for prediction in ("eyes", "lips", "probabilities_frame", "probabilities"):
        assert float(row[f"{prediction}_fear"]) == 0.9
        assert sum(float(row[f"{prediction}_{name}"]) for name in EMOTIONS) == pytest.approx(1, abs=1e-3)


def test_every_frame_appears_also_without_a_face(tmp_path):
    results = (result(0), result(1, face("anger", 1), face("neutral", 2)), result(2))
    table = rows(written(CsvTimeline, tmp_path / "a.csv", *results))
    assert [(row["frame"], row["track_id"]) for row in table] == [
        ("0", ""),
        ("1", "1"),
        ("1", "2"),
        ("2", ""),
    ]
    lines = objects(written(JsonLinesTimeline, tmp_path / "a.jsonl", *results))
    assert [len(line["faces"]) for line in lines] == [0, 2, 0]
    assert lines[1]["faces"][1]["probabilities"]["neutral"] == 0.9


def test_regions_that_are_not_seen_are_empty(tmp_path):
    hidden = result(0, face("fear", lips=False))
    (row,) = rows(written(CsvTimeline, tmp_path / "a.csv", hidden))
    assert row["eyes_fear"] == "0.9"
    assert row["lips_fear"] == row["lips_anger"] == ""
    (line,) = objects(written(JsonLinesTimeline, tmp_path / "a.jsonl", hidden))
    assert line["faces"][0]["lips"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_fails_keeps_whole_lines_under_the_partial_name(tmp_path, kind):
    path = tmp_path / "a.txt"
    path.write_text("an earlier result")
    with pytest.raises(RuntimeError), kind(path) as sink:
        for index in range(5):
            sink.write(result(index, face("fear")), result(index).frame.image)
        raise RuntimeError
    assert path.read_text() == "an earlier result"
    text = partial_path(path).read_text()
    assert text.endswith("\n")
    assert len(text.splitlines()) == (6 if kind is CsvTimeline else 5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_without_a_frame_leaves_nothing_behind(tmp_path, kind):
    with pytest.raises(RuntimeError), kind(tmp_path / "a.txt"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_lines_reach_the_disk_while_the_run_goes_on(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(timeline, "_FLUSH_SECONDS", 0.0)
    sink = kind(tmp_path / "a.txt")
    sink.write(result(0, face("fear")), result(0).frame.image)
    assert partial_path(tmp_path / "a.txt").read_text().endswith("\n")
    sink.abort()


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_written_ends_in_a_sentence(tmp_path, kind):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.txt", tmp_path / "missing" / "a.txt", tmp_path / "folder"):
        with pytest.raises(SinkError, match=path.name):
            kind(path)
    with pytest.raises(SinkError, match="being read"):
        kind(tmp_path / "file", source=tmp_path / "file")
    with pytest.raises(SinkError, match="make room"), kind(tmp_path / "full") as sink:
        sink._draft.file.close()
        sink._draft.file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
        sink.write(result(0, face("fear")), result(0).frame.image)


def test_a_third_prediction_is_reported_where_there_is_one(tmp_path):
    third = result(0, face("fear", blendshapes=sure("anger", 0.8)))
    path = written(JsonLinesTimeline, tmp_path / "a.jsonl", third, result(1, face("fear")))
    with_third, without = (one["faces"][0] for one in objects(path))
    assert with_third["blendshapes"]["anger"] == 0.8
    assert without["blendshapes"] is None
    with_third, without = rows(written(CsvTimeline, tmp_path / "a.csv", third, result(1, face("fear"))))
    assert with_third["blendshapes_anger"] == "0.8"
    assert without["blendshapes_anger"] == without["blendshapes_fear"] == ""


@pytest.mark.parametrize("value", [0.123456, "mouth", None, 3])
def test_details_have_four_digits(tmp_path, value):
    one = replace(face("fear"), details={"sharpness": value})
    (line,) = objects(written(JsonLinesTimeline, tmp_path / "a.jsonl", result(0, one)))
    assert line["faces"][0]["sharpness"] == (0.1235 if isinstance(value, float) else value)


def test_numbers_have_as_many_digits_as_they_are_worth():
    long = replace(
        face("fear", share=0.623456, box=Box(1.26, 2.34, 30.55, 40.449)),
        since=1.23456,
        seen={"eyes": 0.123456, "lips": 0.98765},
    )
    one = result(0, long)
    one = replace(one, frame=replace(one.frame, pts=1, time_base=Fraction(1, 3)))
    reported = as_dict(one)
    (found,) = reported["faces"]
    assert reported["seconds"] == 0.333333
    assert found["box"] == {"left": 1.3, "top": 2.3, "width": 30.6, "height": 40.4}
    assert found["probabilities"]["fear"] == 0.6235
    assert found["confidence"] == 0.6235
    assert (found["since"], found["eyes_seen"], found["lips_seen"]) == (1.235, 0.12, 0.99)
    row = _row(long, Columns(SHIPPED))
    assert row[1:5] == [1.3, 2.3, 30.6, 40.4]
    assert row[-5:] == [0.6235, "fear", 1.235, 0.12, 0.99]


@pytest.mark.parametrize(("later", "there"), [(0.49, False), (0.5, True)])
def test_a_kill_takes_no_more_than_half_a_second(tmp_path, monkeypatch, later, there):
    now = [100.0]
    monkeypatch.setattr(timeline.time, "monotonic", lambda: now[0])
    sink = JsonLinesTimeline(tmp_path / "a.jsonl")
    now[0] += later
    one = result(0)
    sink.write(one, one.frame.image)
    assert bool(partial_path(tmp_path / "a.jsonl").read_text()) is there
    sink.write(one, one.frame.image)
    assert len(partial_path(tmp_path / "a.jsonl").read_text().splitlines()) == int(there)
    sink.abort()
