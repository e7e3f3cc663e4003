"""Labelled photographs and videos in CSV files."""

import csv
from pathlib import Path

import numpy as np
import pytest

from emotion.cli.evaluate import _files, _labelled
from emotion.models.classes import Labels
from emotion.models.data import dataset
from emotion.models.data.dataset import DatasetOptions, make_dataset
from emotion.models.data.label_tables import is_table, rows_by_source
from emotion.models.data.labelled import (
    describe_others,
    find_others,
    find_photographs,
    find_unread,
    find_videos,
)
from emotion.models.data.stored import read_manifest
from emotion.models.errors import DatasetError
from emotion.models.evaluation.options import EvaluationOptions
from emotion.realtime.errors import SinkError
from tests.helpers.photographs_to_learn import photo


def table(folder, *rows, name="labels.csv", encoding="utf-8", delimiter=","):
    path = folder / name
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


@pytest.fixture
def folder(tmp_path):
    for name in ("a.jpg", "deep/b.png", "c.webp", "d.png"):
        photo(tmp_path / name)
    (tmp_path / "e.mp4").touch()
    (tmp_path / "f.psd").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("head", "encoding", "delimiter"),
    [
        (("image", "label"), "utf-8", ","),
        (("Image_Path", "Emotion"), "utf-8-sig", ";"),
        (("FILENAME", "expression"), "utf-8", "\t"),
        (("pth", "label"), "utf-8", ","),
    ],
)
def test_columns_are_known_by_their_names_and_labels_as_folders_are(folder, head, encoding, delimiter):
    rows = [("a.jpg", "Happy"), ("deep\\b.png", " fear "), ("e.mp4", "joyful")]
    path = table(folder, head, *rows, (), encoding=encoding, delimiter=delimiter)
    found = list(find_photographs(path))
    assert [(one.source, one.label, one.split) for one in found] == [
        ("labels.csv/a.jpg", "happiness", None),
        ("labels.csv/deep/b.png", "fear", None),
    ]
    assert found[1].read().shape[2] == 3
    (video,) = find_videos(path, Labels(names={"joyful": "happiness"}))
    assert (video.path, video.label) == (folder / "e.mp4", "happiness")


def test_columns_may_come_in_any_order_among_others(folder):
    path = table(folder, ("id", "usage", "label", "notes", "path"), (7, "Test", "anger", "?", "a.jpg"))
    (one,) = find_photographs(path)
    assert (one.path, one.label, one.split) == (folder / "a.jpg", "anger", "test")


def test_other_labels_and_formats_are_counted_and_reported(folder):
    path = table(
        folder,
        ("image", "label"),
        *[("a.jpg", "fear"), ("c.webp", "disgust"), ("d.png", "disgust"), ("f.psd", "anger")],
    )
    assert [one.source for one in find_photographs(path)] == ["labels.csv/a.jpg"]
    assert list(find_others(path)) == [
        ("labels.csv/c.webp", "a label that is none of the classes: disgust"),
        ("labels.csv/d.png", "a label that is none of the classes: disgust"),
    ]
    (sentence,) = describe_others(path)
    assert sentence.startswith("The label disgust is skipped, with 2 pictures and videos")
    assert "--map disgust=CLASS" in sentence
    assert list(find_unread(path)) == [("labels.csv/f.psd", "anger", ".psd")]


def test_a_table_like_that_of_fer2013_holds_the_pictures_themselves(tmp_path):
    pixels = np.arange(48 * 48) % 256
    row = " ".join(map(str, pixels))
    path = table(
        tmp_path,
        ("emotion", "pixels", "Usage"),
        *[
            ("3", row, "Training"),
            ("6", row, "PublicTest"),
            ("2", row, "PrivateTest"),
            ("1", row, "Training"),
        ],
        name="fer2013.csv",
    )
    found = list(find_photographs(path))
    assert [(one.label, one.split) for one in found] == [
        ("happiness", "train"),
        ("neutral", "validation"),
        ("fear", "test"),
    ]
    assert found[0].source == "fer2013.csv/line-2"
    assert (found[0].read() == pixels.reshape(48, 48, 1)).all()
    assert [source for source, _ in find_others(path)] == ["fer2013.csv/line-5"]


@pytest.mark.parametrize(
    ("rows", "reported"),
    [
        ([("image", "age"), ("a.jpg", "3")], "has the columns image, age. It needs one for the file"),
        ([], "has the columns none"),
        ([("image", "label")], "has no rows"),
        ([("image", "label"), ("a.jpg", "fear"), ("d.png", "")], "line 3 has no label"),
        ([("image", "label"), ("a.jpg",)], "line 2 has no label"),
        ([("image", "label"), ("", "fear")], "line 2 names no file"),
        ([("image", "label"), ("a.jpg", "fear"), ("gone.jpg", "fear")], "line 3: .*gone.jpg is not there"),
        ([("image", "label"), ("a.jpg", "fear"), ("a.jpg", "anger")], "fear in line 2 and anger in line 3"),
        ([("image", "label", "split"), ("a.jpg", "fear", "dev")], "line 2 has the part dev"),
        ([("image", "label"), ("a.jpg", "3")], "no label of the classes happiness.*, but 3. .*--map"),
        ([("emotion", "pixels"), ("3", "1 2 3")], "line 2 has 3 pixels"),
        ([("emotion", "pixels"), ("3", "1 2 3 x")], "line 2 has pixels that are no numbers"),
        ([("emotion", "pixels"), ("3", "1 2 3 256")], "line 2 has pixels that are no numbers"),
        ([("emotion", "pixels"), ("3", "")], "line 2 has 0 pixels"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(folder, rows, reported):
    with pytest.raises(DatasetError, match=reported):
        list(find_photographs(table(folder, *rows)))


def test_a_table_that_cannot_be_read_ends_in_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        list(find_photographs(tmp_path / "none.csv"))
    path = tmp_path / "latin.csv"
    path.write_bytes("image,label\nü.jpg,fear\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="UTF-8"):
        list(find_photographs(path))
    (tmp_path / "folder.csv").mkdir()
    assert not is_table(tmp_path / "folder.csv")


def test_a_row_that_is_repeated_counts_once_and_a_changed_table_is_read_anew(folder):
    path = table(folder, ("image", "label"), ("a.jpg", "fear"), ("a.jpg", "fear"))
    assert len(list(find_photographs(path))) == 1
    table(folder, ("image", "label"), ("a.jpg", "fear"), ("d.png", "fear"), ("c.webp", "anger"))
    assert len(list(find_photographs(path))) == 3


def test_absolute_paths_are_files_too(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = table(elsewhere, ("image", "label"), (str(folder / "a.jpg"), "fear"))
    (one,) = find_photographs(path)
    assert one.path == folder / "a.jpg"
    assert "//" not in one.source
    assert {source: row.path for source, row in rows_by_source(path).items()} == {one.source: one.path}


def test_a_table_is_evaluated_by_parts_and_never_replaced_by_the_report(folder, capsys):
    rows = [("a.jpg", "fear", "train"), ("d.png", "anger", "test"), ("c.webp", "disgust", "test")]
    path = table(folder, ("image", "label", "split"), *rows, name="predictions.csv")
    photographs, videos = _labelled(path, Labels(), EvaluationOptions())
    assert ([one.source for one in photographs], videos) == (["predictions.csv/d.png"], [])
    said = capsys.readouterr().err
    assert "The label disgust is skipped, with 1 picture" in said
    assert "Only the test part is" in said
    assert "1 of 2." in said
    with pytest.raises(SinkError, match="is being read"):
        _files(path, folder, folder / "models", overwrite=True)


def test_a_data_set_of_a_table_lists_what_is_none_of_its_classes(folder, monkeypatch):
    monkeypatch.setattr(dataset, "in_processes", lambda look, items, workers, start: map(look, items))
    monkeypatch.setattr(dataset, "_landmarker", None, raising=False)
    monkeypatch.setattr(dataset, "find_portrait", lambda landmarker, image: None)
    path = table(folder, ("image", "label"), ("a.jpg", "fear"), ("d.png", "disgust"))
    with pytest.raises(DatasetError, match="Not one usable face"):
        make_dataset([path], folder / "data", DatasetOptions())
    with open(folder / "data" / "rejected.csv", newline="") as file:
        rejected = {row["source"]: (row["reason"], row["label"]) for row in csv.DictReader(file)}
    assert rejected == {
        "labels.csv/a.jpg": ("no face found", "fear"),
        "labels.csv/d.png": ("a label that is none of the classes: disgust", ""),
    }


def test_a_label_that_was_corrected_in_a_table_is_taken(small):
    rows = [(path.relative_to(small), path.parent.name) for path in sorted((small / "faces").rglob("*.png"))]
    make_dataset([table(small, ("image", "label"), *rows)], small / "out")
    wrong, label = rows[0]
    assert label != "fear"
    make_dataset([table(small, ("image", "label"), (wrong, "fear"), *rows[1:])], small / "out")
    found = {row["source"]: row for row in read_manifest(small / "out")}
    assert len(found) == 12
    assert found[f"labels.csv/{wrong.as_posix()}"]["label"] == "fear"
    crops = {path.relative_to(small / "out" / "eyes") for path in (small / "out" / "eyes").rglob("*.png")}
    assert crops == {Path(row["label"], f"{row['id']}.png") for row in found.values()}
