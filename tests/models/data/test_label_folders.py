"""Labelled photographs in folders, with votes in tables."""

import unicodedata

import pytest

from emotion.models.classes import Labels
from emotion.models.data.dataset import find_photographs
from emotion.models.data.label_folders import describe_others, describe_votes, find_others, video_and_time
from emotion.models.data.options import read_labels
from emotion.models.errors import DatasetError
from tests.helpers.photographs_to_learn import photo


def test_photographs_are_found_in_folders_and_in_parts(tmp_path):
    photo(tmp_path / "plain" / "Happy" / "a.jpg")
    photo(tmp_path / "plain" / "sadness" / "deep" / "b.webp")
    photo(tmp_path / "plain" / "disgust" / "c.png")
    (tmp_path / "plain" / "sadness" / "notes.txt").write_text("no picture")
    photo(tmp_path / "parts" / "val" / "fear" / "d.png")
    photo(tmp_path / "parts" / "test" / "fear" / "d.png")
    plain = list(find_photographs(tmp_path / "plain"))
    assert [(p.source, p.label, p.split) for p in plain] == [
        ("plain/Happy/a.jpg", "happiness", None),
        ("plain/sadness/deep/b.webp", "sadness", None),
    ]
    parts = list(find_photographs(tmp_path / "parts"))
    assert {(p.split, p.label) for p in parts} == {("validation", "fear"), ("test", "fear")}
    assert len({p.id for p in parts}) == 2


def test_photographs_are_found_through_links_and_without_hidden_ones(tmp_path):
    photo(tmp_path / "elsewhere" / "deep" / "a.png")
    photo(tmp_path / "root" / "fear" / "._b.png")
    photo(tmp_path / "root" / ".fear" / "c.png")
    (tmp_path / "root" / "fear" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "anger").symlink_to(tmp_path / "elsewhere")
    found = [(one.label, one.source) for one in find_photographs(tmp_path / "root")]
    assert found == [("anger", "root/anger/deep/a.png"), ("fear", "root/fear/linked/deep/a.png")]


def test_votes_become_soft_labels(tmp_path):
    photo(tmp_path / "fear" / "a.png")
    photo(tmp_path / "fear" / "b.png")
    (tmp_path / "votes.csv").write_text(
        "path,neutral,happiness,surprise,sadness,anger,disgust,fear\n"
        "fear/a.png,0,0,4,0,0,2,4\n"
        "fear/b.png,0,0,0,0,0,9,0\n"
    )
    votes = {p.source.rsplit("/")[-1]: p.votes for p in find_photographs(tmp_path)}
    assert votes["a.png"] == (0, 0, 0.5, 0, 0, 0.5)
    assert votes["b.png"] is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"fear/a.png,one", "could not convert"),
        (b"fear/a.png,-1", "no number"),
        (b"fear/a.png,nan", "no number"),
        (b"fear/a.png,inf", "no number"),
        (b"fear/\xfc.png,1", "decode"),
    ],
)
def test_votes_that_are_none_end_in_a_sentence(tmp_path, row, reason):
    photo(tmp_path / "fear" / "a.png")
    (tmp_path / "votes.csv").write_bytes(
        b"path,fear,neutral,happiness,surprise,sadness,anger\n" + row + b"\n"
    )
    with pytest.raises(DatasetError, match=rf"votes\.csv cannot be read as votes: .*{reason}"):
        list(find_photographs(tmp_path))


def test_votes_may_come_from_a_spreadsheet_with_empty_cells(tmp_path):
    photo(tmp_path / "fear" / "a.png")
    text = "path,fear,neutral,happiness,surprise,sadness,anger\nfear/a.png,3,1,,\n"
    (tmp_path / "votes.csv").write_text(text, encoding="utf-8-sig")
    assert next(find_photographs(tmp_path)).votes == (0, 0, 0.75, 0, 0.25, 0)


def test_votes_fit_names_however_their_accents_are_written(tmp_path):
    photo(tmp_path / "fear" / unicodedata.normalize("NFD", "Zoë.png"))
    text = "path,fear,neutral,happiness,surprise,sadness,anger\nfear/Zoë.png,3,1,0,0,0,0\n"
    (tmp_path / "votes.csv").write_text(unicodedata.normalize("NFC", text), encoding="utf-8")
    assert next(find_photographs(tmp_path)).votes == (0, 0, 0.75, 0, 0.25, 0)


@pytest.mark.parametrize(
    ("head", "path", "reported"),
    [
        ("path,fear,neutral,happiness,surprise,sadness,anger", "fear/a.png", None),
        ("path,fear,neutral,happy,surprise,sadness,anger", "fear/a.png", "needs the columns path, happiness"),
        ("path,fear,neutral,happiness,surprise,sadness,anger", "a.png", "whose paths are such as fear/a.png"),
    ],
)
def test_votes_that_are_not_used_are_reported(tmp_path, head, path, reported):
    photo(tmp_path / "fear" / "a.png")
    (tmp_path / "votes.csv").write_text(f"{head}\n{path},3,1,0,0,0,0\n")
    said = describe_votes(tmp_path)
    assert len(said) == (reported is not None)
    assert all("votes.csv is not used" in line and reported in line for line in said)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_folders_name_is_known_however_its_accents_are_written(tmp_path, form):
    photo(tmp_path / unicodedata.normalize(form, "Überraschung") / "a.png")
    labels = Labels(names=read_labels([f"{unicodedata.normalize('NFD', 'Überraschung')}=surprise"]))
    assert next(find_photographs(tmp_path, labels)).label == "surprise"


def test_a_folder_is_of_the_class_that_emotion_learn_names_after_it(tmp_path):
    photo(tmp_path / "Freude & Glück" / "a.png")
    assert next(find_photographs(tmp_path, Labels(("freude-glück", "ruhig")))).label == "freude-glück"
    assert list(find_others(tmp_path, Labels(("freude-glück", "ruhig")))) == []


def test_folders_of_no_class_are_reported_with_what_is_in_them(tmp_path):
    for name in ("fear/a.png", "Very Afraid/a.png", "Very Afraid/b.png", "notes/readme.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (sentence,) = describe_others(tmp_path)
    assert "folder Very Afraid is skipped, with 2 pictures and videos" in sentence
    assert "--map 'very afraid=CLASS'" in sentence


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_folders_that_are_no_data_end_in_a_sentence(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="folder"):
        list(find_photographs(tmp_path / name))


def test_pictures_in_no_folder_of_a_class_are_reported(tmp_path):
    names = ("train/fear/a.png", "test/fear/b.png", "validation set/fear/c.png", "train/d.png", "e.png")
    for name in (*names, "f.txt", ".g.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    assert {source.partition("/")[2]: reason for source, reason in find_others(tmp_path)} == {
        "validation set/fear/c.png": "in a folder beside the parts: validation set",
        "train/d.png": "in no folder of a class",
        "e.png": "in no folder of a class",
    }
    beside, loose = describe_others(tmp_path)
    assert beside.startswith("The folder validation set is skipped, with 1 picture or video: beside train")
    assert loose == "2 pictures and videos are skipped: in no folder of a class."


@pytest.mark.parametrize(
    ("source", "video", "seconds"),
    [
        ("talks/calm/a.mp4#12.40", "talks/calm/a.mp4", 12.4),
        ("photos/calm/anna #2.jpg", "photos/calm/anna #2.jpg", None),
        ("photos/#1.50/a.png", "photos/#1.50/a.png", None),
        ("talks/take #1.20.mp4#0.00", "talks/take #1.20.mp4", 0.0),
    ],
)
def test_frames_are_told_from_photographs_with_a_number_sign_in_their_names(source, video, seconds):
    assert video_and_time(source) == (video, seconds)


def test_where_no_folder_is_a_class_those_that_are_there_are_named(tmp_path):
    for name in ("train/1", "train/2", "test/1"):
        photo(tmp_path / name / "a.png")
    with pytest.raises(DatasetError, match=r"named after a class, only 1, 2: .*--map 1=CLASS"):
        list(find_photographs(tmp_path))
