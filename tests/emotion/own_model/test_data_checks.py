"""What is said of the data before anything is learnt from it."""

import base64

import cv2
import numpy as np
import pytest

from emotion.models.classes import Classes
from emotion.models.data.stored import LeftOut
from emotion.own_model import data_checks as module
from emotion.own_model import page
from emotion.own_model.data_checks import check
from tests.helpers.clips import clip, number

CALM, TENSE = "calm", "tense"


def rows(held_out):
    return [
        {
            "id": str(number),
            "source": f"photos/{label}/{number}.png",
            "label": label,
            "group": number,
            "split": "test" if number < held_out else "train",
            "eye_distance": 60.0,
            "alignment_error": 2.0,
        }
        for number, label in enumerate((CALM, TENSE) * 200)
    ]


def test_it_says_why_most_photographs_of_a_class_are_left_out_in_folders_and_tables(monkeypatch, tmp_path):
    why = "near duplicates with different labels"
    left_out = [LeftOut(f"photos/{CALM}/b{n}.png", f"{why}: group {n}", CALM) for n in range(30)]
    left_out.append(LeftOut("labels.csv/a.png", "no face found", CALM))
    left_out.append(LeftOut("photos/a.png", "in no folder of a class"))
    monkeypatch.setattr(module, "read_manifest", lambda data: rows(0))
    monkeypatch.setattr(module, "read_rejected", lambda data: left_out)
    monkeypatch.setattr(module, "_light", lambda data, found: np.full(len(found), 100.0))
    found = check(tmp_path, Classes((CALM, TENSE)), [None] * 400)
    assert [(one.lost, one.reason) for one in found.counts] == [
        (31, why),
        (0, ""),
    ]
    (line,) = (line for line in found.warnings if "cannot be used" in line)
    assert f"the most common reason: {why}." in line


def test_faces_that_neither_table_nor_pattern_names_are_found(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "read_manifest", lambda data: rows(0))
    monkeypatch.setattr(module, "read_rejected", lambda data: [])
    monkeypatch.setattr(module, "_light", lambda data, found: np.full(len(found), 100.0))
    known = [str(number) for number in range(100)]
    found = check(tmp_path, Classes((CALM, TENSE)), known + [None] * 300)
    assert any("Who is on 300 of 400 photographs is not known" in line for line in found.warnings)
    found = check(tmp_path, Classes((CALM, TENSE)), known * 4)
    assert not any("not known" in line for line in found.warnings)


@pytest.mark.parametrize(("held_out", "evaluated"), [(100, 100), (0, 400)])
def test_the_score_is_as_sure_as_the_faces_of_the_evaluation_are_many(
    monkeypatch, tmp_path, held_out, evaluated
):
    monkeypatch.setattr(module, "read_manifest", lambda data: rows(held_out))
    monkeypatch.setattr(module, "read_rejected", lambda data: [])
    monkeypatch.setattr(module, "_light", lambda data, found: np.full(len(found), 100.0))
    found = check(tmp_path, Classes((CALM, TENSE)), [None] * 400)
    assert found.evaluated == evaluated
    assert any(f"known from {evaluated} faces" in line for line in found.warnings)


def test_faces_of_one_video_or_person_say_as_little_as_one(monkeypatch, tmp_path):
    grouped = [row | {"group": number % 4} for number, row in enumerate(rows(0))]
    monkeypatch.setattr(module, "read_manifest", lambda data: grouped)
    monkeypatch.setattr(module, "read_rejected", lambda data: [])
    monkeypatch.setattr(module, "_light", lambda data, rows: np.full(len(rows), 100.0))
    found = " ".join(check(tmp_path, Classes((CALM, TENSE)), [None] * 400).warnings)
    assert (
        "400 faces of 4 people, videos or groups of copies: were it 70%, it could as well be 27% or 94%"
        in found
    )
    people = ["Ada" if number % 2 else None for number in range(400)]
    assert check(tmp_path, Classes((CALM, TENSE)), people).apart == 3


def test_what_included_models_reached_is_not_promised_to_random_weights(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "read_manifest", lambda data: rows(0))
    monkeypatch.setattr(module, "read_rejected", lambda data: [])
    monkeypatch.setattr(module, "_light", lambda data, found: np.full(len(found), 100.0))
    for nothing in (False, True):
        found = " ".join(check(tmp_path, Classes((CALM, TENSE)), [None] * 400, nothing).warnings)
        assert ("Random weights learn little" in found) == nothing
        assert ("of the accuracy with 600 per class" in found) != nothing


def test_the_page_shows_frames_without_a_face(tmp_path):
    (tmp_path / "talks" / "calm").mkdir(parents=True)
    clip(tmp_path / "talks" / "calm" / "a.mp4", 20)
    sources = ["talks/calm/a.mp4#0.40", "talks/calm/a.mp4#9.00", "elsewhere/a.mp4#0.40"]
    sheet = page._sheet(sources, [tmp_path / "talks"])
    assert [name for name, _ in sheet] == sources
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(sheet[0][1]), np.uint8), cv2.IMREAD_COLOR)
    assert number(shown) == 10
    assert [picture for _, picture in sheet[1:]] == ["", ""]


def test_the_page_shows_pictures_that_a_table_holds(tmp_path):
    table = tmp_path / "fer2013.csv"
    pixels = " ".join(["0"] * 32 + ["255"] * 32)
    table.write_text(f"emotion,pixels\n3,{pixels}\n")
    ((name, picture),) = page._sheet(["fer2013.csv/line-2"], [table])
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert name == "fer2013.csv/line-2"
    assert shown[: len(shown) // 4].max() < 16
    assert shown[-len(shown) // 4 :].min() > 239


def test_faces_that_a_table_holds_out_are_not_said_to_be_cross_validated(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "read_rejected", lambda data: [])
    monkeypatch.setattr(module, "_light", lambda data, found: np.full(len(found), 100.0))
    for held_out in (0, 40):
        monkeypatch.setattr(module, "read_manifest", lambda data, held_out=held_out: rows(held_out)[:100])
        found = " ".join(check(tmp_path, Classes((CALM, TENSE)), [None] * 100).warnings)
        assert ("the score is from cross-validation" in found) == (held_out == 0)
