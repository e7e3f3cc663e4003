"""What a user's folders say: the classes, who is on the photographs, and what is held out."""

import unicodedata

import numpy as np
import pytest

from emotion.models.errors import DatasetError, OptionError
from emotion.own_model.build import _in_parts
from emotion.own_model.folders import classes_of, describe_skipped, people_of
from emotion.own_model.folds import held_out, in_folds, joined
from emotion.own_model.options import LearnOptions


def folders(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "a.jpg").touch()
    return root


def test_folders_name_the_classes(tmp_path):
    root = folders(tmp_path / "photos", "Very Happy", "tense", "calm", "surprise", ".thumbnails")
    (root / "notes").mkdir()
    classes, names = classes_of([root], "calm")
    assert classes.names == ("surprise", "calm", "tense", "very-happy")
    assert classes.neutral == "calm"
    assert names["very happy"] == "very-happy"


def test_folders_and_pictures_of_no_class_are_reported(tmp_path):
    root = folders(tmp_path / "photos", "calm", "tense")
    (root / "angry").mkdir()
    (root / "loose.jpg").touch()
    empty, loose = describe_skipped([root], *classes_of([root]))
    assert empty == "The folder angry is skipped: it has no picture or video of a format that is read."
    assert loose.startswith("1 picture or video is skipped")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_and_vowel_signs_belong_to_the_names_of_classes(tmp_path, form):
    names = ["Überraschung", "खुशी", "ความกลัว", "colère & forte"]
    root = folders(tmp_path / "photos", *(unicodedata.normalize(form, name) for name in names))
    assert set(classes_of([root])[0].names) == {"überraschung", "खुशी", "ความกลัว", "colère-forte"}


@pytest.mark.parametrize(("named", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_table_knows_photographs_however_their_accents_are_written(tmp_path, named, written):
    source, row = (unicodedata.normalize(form, "fröhlich/Zoë.jpg") for form in (named, written))
    table = tmp_path / "people.csv"
    table.write_text(f"path,person\n{row},Zoë\n", encoding="utf-8")
    assert people_of([f"photos/{source}"], LearnOptions(group_by=table)) == ["Zoë"]


def test_people_are_known_on_photographs_with_a_number_sign_in_their_names(tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("path,person\ncalm/take #1.jpg,Zoë\ncalm/take #2.jpg,Ada\n", encoding="utf-8")
    sources = ["photos/calm/take #1.jpg", "photos/calm/take #2.jpg"]
    assert people_of(sources, LearnOptions(group_by=table)) == ["Zoë", "Ada"]
    assert people_of(["photos/calm/#ada_2.jpg"], LearnOptions(person="#([a-z]+)_")) == ["ada"]


def test_parts_hold_the_classes_and_roots_share_them(tmp_path):
    one = folders(tmp_path / "one", "train/calm", "test/calm", "test/tense")
    two = folders(tmp_path / "two", "laughing")
    assert classes_of([one, two])[0].names == ("calm", "laughing", "tense")


def test_the_labels_of_a_table_are_classes_as_names_of_folders_are(tmp_path):
    folders(tmp_path, "photos")
    table = tmp_path / "labels.csv"
    table.write_text("image,label\nphotos/a.jpg,Very Happy\n")
    two = folders(tmp_path / "two", "calm", "surprise")
    classes, names = classes_of([table, two])
    assert classes.names == ("surprise", "calm", "very-happy")
    assert names["very happy"] == "very-happy"


@pytest.mark.parametrize(("column", "held"), [("", False), (",split", True)])
def test_a_column_of_parts_decides_what_is_held_out(tmp_path, column, held):
    folders(tmp_path, "train")
    table = tmp_path / "labels.csv"
    table.write_text(f"image,label{column}\ntrain/a.jpg,calm{',test' if held else ''}\n")
    rows = [{"source": "labels.csv/train/a.jpg"}]
    assert _in_parts(rows, [table]) is held
    assert _in_parts([{"source": "photos/train/calm/a.jpg"}], [tmp_path / "photos"])


@pytest.mark.parametrize(
    ("names", "reason"),
    [(("calm",), "has only calm"), ((), "has none"), (("calm", "uncertain"), "means something else")],
)
def test_folders_that_make_no_classes_are_said_so(tmp_path, names, reason):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DatasetError, match=reason):
        classes_of([folders(tmp_path / "photos", *names)])


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(DatasetError, match="is not a folder"):
        classes_of([tmp_path / "gone"])


def test_who_is_who_stands_in_a_table_or_in_names(tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("path,person\ncalm/a.jpg,Ann\nphotos/tense/c.jpg,Cy\nd.jpg,\n")
    sources = ["photos/calm/a.jpg", "photos/tense/c.jpg#1.50", "photos/tense/d.jpg", "photos/calm/bo_3.jpg"]
    options = LearnOptions(group_by=table, person=r"([a-z]+)_\d")
    assert people_of(sources, options) == ["Ann", "Cy", None, "bo"]
    table.write_text("file,name\na,b\n")
    with pytest.raises(DatasetError, match="has the columns file, name; needed are path and person"):
        people_of(sources, options)
    with pytest.raises(DatasetError, match="cannot be read"):
        people_of(sources, LearnOptions(group_by=tmp_path / "gone.csv"))
    for pattern in ("(", "abc"):
        with pytest.raises(OptionError):
            people_of(sources, LearnOptions(person=pattern))


def test_what_says_of_nobody_who_it_is_is_refused(tmp_path):
    sources = ["photos/calm/Ann/1.jpg", "photos/tense/Cy/2.jpg#1.50"]
    with pytest.raises(OptionError, match=r"fits none of the photographs' file names, such as 1\.jpg"):
        people_of(sources, LearnOptions(person="(Ann|Cy)"))
    table = tmp_path / "people.csv"
    table.write_text("path,person\nAnn,Ann\n")
    with pytest.raises(DatasetError, match=r"none of the photographs: write their paths as calm/Ann/1\.jpg"):
        people_of(sources, LearnOptions(group_by=table))
    assert people_of(sources, LearnOptions()) == [None, None]


def test_copies_and_people_stay_together_through_one_another():
    groups = np.array([0, 1, 1, 2, 3, 4])
    people = ["Ann", "Ann", None, None, "Cy", "Cy"]
    assert joined(groups, people).tolist() == [0, 0, 0, 3, 4, 4]


def test_folds_hold_each_class_alike_and_keep_groups_whole():
    labels = np.repeat([0, 1, 2], [200, 50, 25])
    groups = np.arange(275) // 2
    folds = in_folds(labels, groups)
    for fold in range(5):
        counts = np.bincount(labels[folds == fold], minlength=3)
        assert np.abs(counts - [40, 10, 5]).max() <= 2
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))


def test_the_faces_of_a_class_of_one_group_are_in_all_folds_and_none_is_held_out():
    labels = np.repeat([0, 1], 150)
    groups = np.where(labels == 0, np.arange(300) // 2, 999)
    folds = in_folds(labels, groups)
    assert np.bincount(folds[labels == 1]).tolist() == [30] * 5
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups[labels == 0]))
    assert not held_out(labels, groups, 0.2).any()


@pytest.mark.parametrize("share", [0.004, 0.05, 0.2, 0.3, 0.4, 0.5])
def test_as_many_are_held_out_as_requested(share):
    kept = held_out(np.arange(800) % 4, np.arange(800), share)
    np.testing.assert_allclose(np.bincount((np.arange(800) % 4)[kept]), 200 * share, atol=1.5)


def test_a_part_is_held_out_where_there_are_enough():
    labels = np.arange(500) % 4
    kept = held_out(labels, np.arange(500), 0.2)
    assert np.bincount(labels[kept]).tolist() == [25] * 4
    assert (held_out(labels, np.arange(500), 0.2) == kept).all()
    assert not held_out(labels[:396], np.arange(396), 0.2).any()
    assert not held_out(labels, np.arange(500), 0.0).any()
