import json
import os
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pyarrow.parquet as pq
import pytest

from emotion.models.classes import EMOTIONS, Labels
from emotion.models.data import dataset, stored
from emotion.models.data.dataset import DatasetOptions, find_photographs, make_dataset
from emotion.models.data.duplicates import perceptual_hash
from emotion.models.data.face_crops import cut_faces
from emotion.models.data.image_io import read_gray, read_photograph, write_png
from emotion.models.data.label_folders import find_others, told_of_others
from emotion.models.data.options import read_labels
from emotion.models.data.stored import load_region, read_manifest
from emotion.models.data.video_frames import sample_frames
from emotion.models.errors import DatasetError, OptionError
from emotion.models.evaluation.predictions import faces_of_dataset
from emotion.models.regions import EYES, FACE, LIPS, Regions, read_region
from tests.helpers.clips import clip, number
from tests.helpers.pictures import damaged_jpeg, moving_pictures, png_that_claims


def photo(path, seed=0):
    write_png(path, np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8))


def finding(source, label, seed, **more):
    noise = np.random.default_rng(seed).integers(0, 256, (96, 96), dtype=np.uint8)
    return {
        "source": source,
        "id": source.replace("/", "-"),
        "label": label,
        "eye_distance": 60.0,
        "alignment_error": 2.0,
        "eyes_visible": 1.0,
        "lips_visible": 1.0,
        "blendshapes": [0.1] * 52,
        "hash": [int(word) for word in perceptual_hash(noise)],
    } | more


def structure(seed):
    noise = np.random.default_rng(seed).normal(size=2304).astype(np.float32)
    return noise / np.linalg.norm(noise)


def arrange(photographs, options=DatasetOptions(), before=None, structures=None):  # noqa: B008
    """Rows and rejections for (source, label, split, seed of its look)."""
    made = [
        (dataset.Photograph(None, source, label, split, None), finding(source, label, seed))
        for source, label, split, seed in photographs
    ]
    structures = structures or {source: structure(seed) for source, _, _, seed in photographs}
    rows, rejected = dataset._arrange(
        [p for p, _ in made], {p.source: f for p, f in made}, options, before or {}, structures
    )
    return {row["source"]: row for row in rows}, rejected


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


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_folders_name_is_known_however_its_accents_are_written(tmp_path, form):
    photo(tmp_path / unicodedata.normalize(form, "Überraschung") / "a.png")
    labels = Labels(names=read_labels([f"{unicodedata.normalize('NFD', 'Überraschung')}=surprise"]))
    assert next(find_photographs(tmp_path, labels)).label == "surprise"


def test_a_folder_is_of_the_class_that_emotion_learn_names_after_it(tmp_path):
    photo(tmp_path / "Freude & Glück" / "a.png")
    assert next(find_photographs(tmp_path, Labels(("freude-glück", "ruhig")))).label == "freude-glück"
    assert list(find_others(tmp_path, Labels(("freude-glück", "ruhig")))) == []


def test_folders_of_no_class_are_told_with_what_is_in_them(tmp_path):
    for name in ("fear/a.png", "Very Afraid/a.png", "Very Afraid/b.png", "notes/readme.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (sentence,) = told_of_others(tmp_path)
    assert "folder Very Afraid is skipped, with 2 pictures and videos" in sentence
    assert "--map 'very afraid=CLASS'" in sentence


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_folders_that_are_no_data_end_in_a_sentence(tmp_path, name):
    (tmp_path / "empty" / "cats").mkdir(parents=True)
    with pytest.raises(DatasetError, match="folder"):
        list(find_photographs(tmp_path / name))


def test_near_duplicates_stay_on_one_side():
    photographs = [(f"a/{i}", "fear", None, i // 2) for i in range(400)]
    rows, rejected = arrange(photographs)
    assert not rejected
    for i in range(0, 400, 2):
        assert rows[f"a/{i}"]["split"] == rows[f"a/{i + 1}"]["split"]
        assert rows[f"a/{i}"]["group"] == rows[f"a/{i + 1}"]["group"]
    parts = [row["split"] for row in rows.values()]
    assert 0.04 < parts.count("test") / 400 < 0.16
    assert 0.04 < parts.count("validation") / 400 < 0.16


def test_a_copy_of_a_test_face_is_not_learnt_from():
    rows, rejected = arrange(
        [("a/1", "fear", "train", 1), ("a/2", "fear", "test", 1), ("a/3", "fear", "train", 3)]
    )
    assert rejected == {"a/1": "near duplicate of a test face: group 0"}
    assert rows["a/2"]["split"] == "test"


def test_a_copy_that_the_hash_misses_is_known_by_its_fine_structure():
    photographs = [("a/1", "fear", "train", 1), ("a/2", "fear", "test", 2), ("a/3", "fear", "train", 3)]
    toned = structure(2) + 0.4 * structure(1)
    structures = {
        "a/1": toned / np.linalg.norm(toned),
        "a/2": structure(2),
        "a/3": structure(3),
    }
    rows, rejected = arrange(photographs, structures=structures)
    assert set(rows) == {"a/2", "a/3"}
    assert rejected == {"a/1": "near duplicate of a test face: group 0"}


def test_copies_with_different_labels_are_dropped_and_listed():
    rows, rejected = arrange([("a/1", "fear", None, 1), ("a/2", "anger", None, 1), ("a/3", "fear", None, 2)])
    assert set(rows) == {"a/3"}
    assert all("different labels" in reason for reason in rejected.values())


def test_a_named_test_part_is_kept_and_no_more_is_drawn():
    photographs = [(f"a/{i}", "fear", "test" if i < 50 else "train", i) for i in range(500)]
    rows, _ = arrange(photographs, DatasetOptions(validation=0.2))
    for i in range(500):
        assert (rows[f"a/{i}"]["split"] == "test") == (i < 50)
    assert 60 < sum(row["split"] == "validation" for row in rows.values()) < 120


def test_each_root_gets_by_lot_the_part_that_its_folders_lack():
    without = [(f"a/{i}", "fear", "train", i) for i in range(300)]
    named = [(f"b/{i}", "fear", "train" if i < 350 else "validation", i) for i in range(300, 400)]
    rows, _ = arrange(without + named, DatasetOptions(test=0.0))
    validation = {source for source, row in rows.items() if row["split"] == "validation"}
    assert 10 < sum(source.startswith("a/") for source in validation) < 60
    assert {source for source in validation if source.startswith("b/")} == {f"b/{i}" for i in range(350, 400)}


def test_a_face_keeps_its_part_when_a_data_set_grows():
    photographs = [(f"a/{i}", "fear", None, i) for i in range(200)]
    before = {source: row["split"] for source, row in arrange(photographs)[0].items()}
    more = [(f"b/{i}", "fear", None, i) for i in range(150, 400)]  # 50 of them copies
    rows, _ = arrange(more + photographs, before=before)
    assert all(rows[source]["split"] == part for source, part in before.items())
    assert all(rows[f"b/{i}"]["split"] == before[f"a/{i}"] for i in range(150, 200))


def test_a_lot_does_not_hang_on_which_other_faces_are_found():
    photographs = [(f"a/{i}", "fear", None, i) for i in range(300)]
    whole = arrange(photographs)[0]
    fewer = arrange(photographs[7::-1] + photographs[20:])[0]
    assert all(row["split"] == whole[source]["split"] for source, row in fewer.items())


def test_splits_follow_the_seed_alone():
    photographs = [(f"a/{i}", "fear", None, i) for i in range(200)]
    first, again = arrange(photographs)[0], arrange(photographs)[0]
    other = arrange(photographs, DatasetOptions(seed=1))[0]
    assert first == again
    assert any(first[key]["split"] != other[key]["split"] for key in first)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Two photographs of each emotion that a fake landmarker finds, in one process."""
    for index, label in enumerate(EMOTIONS):
        for i in range(2):
            photo(tmp_path / "faces" / label / f"{i}.png", seed=2 * index + i)
    monkeypatch.setattr(dataset, "in_processes", lambda look, items, workers, start: map(look, items))
    monkeypatch.setattr(dataset, "_start_worker", lambda: None)
    monkeypatch.setattr(dataset, "_landmarker", None, raising=False)
    monkeypatch.setattr(dataset, "find_portrait", lambda landmarker, image: FakeFace())
    return tmp_path


class FakeFace:
    blendshapes = np.linspace(0, 1, 52, dtype=np.float32)

    @property
    def points(self):
        from tests.helpers.landmarks import landmarks

        return landmarks(0.25)


def test_a_data_set_holds_crops_manifest_and_options(small):
    summary = make_dataset([small / "faces"], small / "out")
    rows = read_manifest(small / "out")
    assert sum(sum(counts.values()) for counts in summary.faces.values()) == len(rows) == 12
    assert pq.read_schema(small / "out" / "manifest.parquet").names == dataset.schema().names
    for row in rows:
        for region in ("eyes", "lips"):
            assert (small / "out" / region / row["label"] / f"{row['id']}.png").exists()
    eyes = read_gray(small / "out" / "eyes" / rows[0]["label"] / f"{rows[0]['id']}.png")
    assert eyes.shape == EYES.padded_size(DatasetOptions().margin)
    assert (small / "out" / "rejected.csv").read_text().startswith("source,reason")


def test_a_part_is_read_back_in_order(small):
    make_dataset([small / "faces"], small / "out", DatasetOptions(validation=0, test=0, margin=4))
    data = load_region(small / "out", "eyes", ("train",))
    assert data.images.shape == (12, 56, 104)
    assert data.crops().shape == (12, 48, 96)
    assert sorted(data.labels.tolist()) == sorted([*range(6)] * 2)
    assert data.targets.argmax(axis=1).tolist() == data.labels.tolist()
    assert set(data.sources) == {"faces"}


def test_a_stopped_run_goes_on_where_it_was(small, monkeypatch):
    looked = []
    look = dataset._look_at

    def stopping(photograph, **rest):
        if len(looked) == 5:
            raise KeyboardInterrupt
        looked.append(photograph.source)
        return look(photograph, **rest)

    monkeypatch.setattr(dataset, "_look_at", stopping)
    with pytest.raises(KeyboardInterrupt):
        make_dataset([small / "faces"], small / "out")
    with open(small / "out" / "journal.jsonl", "a") as journal:
        journal.write('{"source": "faces/fear/0.p')  # killed in the middle of a line
    looked.append("so that it does not stop again")
    make_dataset([small / "faces"], small / "out")
    assert len(looked) == 13
    assert len(set(looked)) == 13
    lines = (small / "out" / "journal.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 12


def test_a_lost_crop_is_cut_again(small):
    make_dataset([small / "faces"], small / "out")
    lost = next((small / "out" / "eyes" / "fear").iterdir())
    before = lost.read_bytes()
    lost.unlink()
    make_dataset([small / "faces"], small / "out")
    assert lost.read_bytes() == before


def test_what_takes_long_is_said(small):
    said = []
    make_dataset([small / "faces"], small / "out", say=said.append)
    assert [line.split(" ")[0] for line in said] == ["Comparing"]


def test_other_options_are_not_mixed_in(small):
    make_dataset([small / "faces"], small / "out")
    with pytest.raises(DatasetError, match="other options"):
        make_dataset([small / "faces"], small / "out", replace(DatasetOptions(), margin=0))


def test_a_data_set_of_other_folders_is_not_replaced_and_one_more_is_taken(small):
    make_dataset([small / "faces"], small / "out")
    before = (small / "out" / "manifest.parquet").read_bytes()
    for index, label in enumerate(EMOTIONS):
        photo(small / "more" / label / "0.png", seed=99 + index)
    with pytest.raises(DatasetError, match=r"out was made of faces, and would be replaced by .*more:"):
        make_dataset([small / "more"], small / "out")
    assert (small / "out" / "manifest.parquet").read_bytes() == before
    make_dataset([small / "faces", small / "more"], small / "out")
    assert len(read_manifest(small / "out")) == 18


def test_roots_that_cannot_be_told_apart_are_refused(small):
    (small / "b").mkdir()
    (small / "faces").rename(small / "b" / "faces")
    with pytest.raises(DatasetError, match="share a name"):
        make_dataset([small / "b" / "faces", small / "b" / "faces"], small / "out")


def test_photographs_without_a_face_are_listed(small, monkeypatch):
    monkeypatch.setattr(dataset, "find_portrait", lambda landmarker, image: None)
    with pytest.raises(DatasetError, match="Not one usable face"):
        make_dataset([small / "faces"], small / "out")


def test_an_unreadable_picture_is_listed_with_the_reason(small):
    (small / "faces" / "fear" / "0.png").write_bytes(b"not a picture")
    (small / "faces" / "fear" / "1.png").write_bytes(b"")
    summary = make_dataset([small / "faces"], small / "out")
    assert summary.rejected == {"unreadable": 2}
    assert "faces/fear/0.png,unreadable" in (small / "out" / "rejected.csv").read_text()


def test_one_bad_picture_of_any_kind_is_listed_and_the_others_go_on(small):
    folder = small / "faces" / "fear"
    for name, claims in {"a.png": (60_000, 60_000), "b.png": (33_000, 33_000)}.items():
        (folder / name).write_bytes(png_that_claims(*claims))
    (folder / "c.jpg").write_bytes(damaged_jpeg())
    (folder / "d.gif").write_bytes(moving_pictures("GIF", 2))
    (folder / "e.nef").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    summary = make_dataset([small / "faces"], small / "out")
    assert summary.rejected == {"too large": 2, "damaged": 1, "unreadable": 1, "a format that is not read": 1}
    told = (small / "out" / "rejected.csv").read_text()
    assert "faces/fear/a.png,too large: 60000x60000 pixels" in told
    assert "faces/fear/c.jpg,damaged: Corrupt JPEG data" in told
    assert "faces/fear/d.gif,unreadable: it holds several pictures and is a video" in told
    assert len(read_manifest(small / "out")) == 12


def test_photographs_of_every_format_that_is_read_are_taken(small):
    pytest.importorskip("pillow_heif", reason="needs the extra 'heic'").register_heif_opener()
    folder = small / "faces" / "fear"
    kinds = {"a.heic": "HEIF", "b.avif": "AVIF", "c.tga": "TGA", "d.jp2": "JPEG2000"}
    for seed, (name, kind) in enumerate(kinds.items(), start=90):
        noise = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8)
        PIL.Image.fromarray(noise).save(folder / name, kind)
    make_dataset([small / "faces"], small / "out")
    found = {row["source"] for row in read_manifest(small / "out")}
    assert {f"faces/fear/{name}" for name in ("0.png", *kinds)} <= found


@pytest.mark.parametrize("end", [MemoryError, cv2.error, None])
def test_a_picture_that_is_too_much_for_its_process_is_listed(small, monkeypatch, end):
    look = dataset.find_portrait

    def fails(landmarker, image):
        if image[0, 0].tolist() == bad:
            raise end
        return look(landmarker, image)

    bad = read_photograph(small / "faces" / "fear" / "0.png")[0, 0].tolist()
    if end is None:
        monkeypatch.setattr(
            dataset,
            "in_processes",
            lambda look, items, *_: (None if "fear/0" in item.source else look(item) for item in items),
        )
    else:
        monkeypatch.setattr(dataset, "find_portrait", fails)
    summary = make_dataset([small / "faces"], small / "out")
    assert summary.rejected == {"too much to look at" if end else "damaged": 1}
    assert len(read_manifest(small / "out")) == 11


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_names_that_are_no_utf_8_or_as_long_as_may_be_are_taken(small):
    folder = small / "faces" / "fear"
    photo(folder / "there.png", seed=100)
    (folder / "there.png").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png"))
    photo(folder / ("ä" * 125 + ".png"), seed=101)
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(b"no picture")
    make_dataset([small / "faces"], small / "out")
    rows = {row["source"]: row for row in read_manifest(small / "out")}
    assert rows["faces/fear/caf\\xe9.png"]["id"].startswith("caf\\xe9-")
    assert f"faces/fear/{'ä' * 125}.png" in rows
    assert "faces/fear/\\xff.jpg,unreadable" in (small / "out" / "rejected.csv").read_text()
    # Once more, from the journal.
    make_dataset([small / "faces"], small / "out")
    assert len(load_region(small / "out", "eyes", ("train", "validation", "test"))) == 14


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_frames_of_a_video_whose_name_is_no_utf_8(tmp_path):
    clip(tmp_path / "clip.mp4", 10)
    (tmp_path / "clip.mp4").rename(tmp_path / os.fsdecode(b"caf\xe9.mp4"))
    assert len(list(sample_frames(tmp_path / os.fsdecode(b"caf\xe9.mp4"), 0))) == 10


def test_a_folder_that_is_no_data_set_says_so(tmp_path):
    with pytest.raises(DatasetError, match="emotion dataset"):
        load_region(tmp_path, "eyes", ("train",))


def test_folders_of_other_names_are_mapped(small):
    (small / "faces" / "fear").rename(small / "faces" / "Scared")
    options = DatasetOptions(validation=0, test=0, labels={"scared": "fear"})
    assert make_dataset([small / "faces"], small / "out", options).faces["train"]["fear"] == 2
    with pytest.raises(DatasetError, match="'disgust' is none of the classes"):
        DatasetOptions(labels={"eek": "disgust"})


def test_pictures_in_folders_of_other_names_are_listed(small):
    (small / "faces" / "fear").rename(small / "faces" / "Disgust")
    summary = make_dataset([small / "faces"], small / "out", DatasetOptions(validation=0, test=0))
    assert summary.rejected == {"in a folder of another name than the classes'": 2}
    listed = (small / "out" / "rejected.csv").read_text()
    assert "faces/Disgust/0.png,in a folder of another name than the classes': Disgust" in listed


def test_any_classes_can_be_cut_out_and_split(small):
    (small / "faces" / "fear").rename(small / "faces" / "Disgust")
    (small / "faces" / "happiness").rename(small / "faces" / "happy")
    (small / "faces" / "votes.csv").write_text("path,disgust,happy,calm\nDisgust/0.png,3,0,1\n")
    options = DatasetOptions(
        validation=0, test=0, classes=("disgust", "happy", "calm"), labels={"neutral": "calm"}
    )
    summary = make_dataset([small / "faces"], small / "out", options)
    assert set(summary.faces["train"]) == {"disgust", "happy", "calm"}
    assert min(summary.faces["train"].values()) > 0
    rows = {row["source"]: row for row in stored.read_manifest(small / "out")}
    assert {row["label"] for row in rows.values()} == {"disgust", "happy", "calm"}
    assert rows["faces/Disgust/0.png"]["votes"] == [0.75, 0, 0.25]
    assert (small / "out" / "eyes" / "calm").is_dir()
    assert (small / "out" / "montage" / "calm.png").exists()
    assert stored.read_options(small / "out") == options
    with pytest.raises(DatasetError, match="disgust, happy, calm, and what is asked about it knows hap"):
        load_region(small / "out", "eyes", ("train",))
    assert load_region(small / "out", "eyes", ("train",), None).classes == options.classes


@pytest.mark.parametrize(
    "classes", [("fear",), ("fear", "fear"), ("fear", "a/b"), ("fear", ".."), ("Fear", "joy")]
)
def test_classes_have_names_that_fit_folders(classes):
    with pytest.raises(ValueError, match="two different names"):
        DatasetOptions(classes=classes)


def test_a_montage_shows_each_emotion(small):
    make_dataset([small / "faces"], small / "out", DatasetOptions(validation=0, test=0))
    for label in EMOTIONS:
        picture = read_gray(small / "out" / "montage" / f"{label}.png")
        eyes, lips = (region.padded_size(DatasetOptions().margin) for region in (EYES, LIPS))
        assert picture.shape == (eyes[0] + lips[0] + 4, 12 * (eyes[1] + 4))
        assert picture.any()


def test_an_old_data_set_without_newer_options_is_gone_on_with(small):
    make_dataset([small / "faces"], small / "out")
    path = small / "out" / "dataset.json"
    values = json.loads(path.read_text())
    del values["options"]["every"], values["options"]["labels"]
    path.write_text(json.dumps(values))
    assert len(read_manifest(small / "out")) == 12
    make_dataset([small / "faces"], small / "out")


@pytest.fixture
def clips(small):
    """A clip of a second beside the photographs, whose frames all differ."""
    clip(small / "faces" / "fear" / "a clip.mp4", 25, size=(96, 96))
    return small


def test_frames_of_videos_are_faces_too_and_stay_together(clips):
    options = DatasetOptions(every=0.2, validation=0.3, test=0.3, max_hash_distance=0)
    make_dataset([clips / "faces"], clips / "out", options)
    frames = [row for row in read_manifest(clips / "out") if "clip" in row["source"]]
    assert sorted(row["source"] for row in frames) == [
        f"faces/fear/a clip.mp4#{seconds:.2f}" for seconds in (0, 0.2, 0.4, 0.6, 0.8)
    ]
    assert len({(row["group"], row["split"]) for row in frames}) == 1
    for row in frames:
        assert (clips / "out" / "lips" / "fear" / f"{row['id']}.png").exists()


def test_videos_are_looked_at_once(clips, monkeypatch):
    options = DatasetOptions(every=0.5)
    make_dataset([clips / "faces"], clips / "out", options)
    before = read_manifest(clips / "out")
    looked = []
    look = dataset._look_at
    monkeypatch.setattr(
        dataset, "_look_at", lambda item, **rest: looked.append(item.source) or look(item, **rest)
    )
    next((clips / "out" / "eyes" / "fear").glob("a clip-*.png")).unlink()
    make_dataset([clips / "faces"], clips / "out", options)
    assert looked == ["faces/fear/a clip.mp4"]
    assert read_manifest(clips / "out") == before


def test_a_broken_video_is_listed(clips):
    (clips / "faces" / "fear" / "a clip.mp4").write_bytes(b"no video")
    summary = make_dataset([clips / "faces"], clips / "out")
    assert summary.rejected["unreadable"] == 1
    assert "a clip.mp4,unreadable" in (clips / "out" / "rejected.csv").read_text()


def test_a_face_at_rest_in_two_videos_costs_only_that_face():
    """Both videos share a look (seed 1) under different labels; the rest of them stays."""
    made, findings = [], {}
    for label, seeds in (("fear", (1, 2, 3)), ("anger", (1, 4, 5))):
        video = dataset.Video(None, f"a/{label}.mp4", label, None)
        for seconds, seed in enumerate(seeds):
            frame = video.frame(seconds)
            made.append(frame)
            findings[frame.source] = finding(frame.source, label, seed)
    made = [replace(frame, path=Path("x.mp4")) for frame in made]
    structures = dict.fromkeys(findings, np.zeros(4, np.float32))
    rows, rejected = dataset._arrange(made, findings, DatasetOptions(), {}, structures)
    assert set(rejected) == {"a/fear.mp4#0.00", "a/anger.mp4#0.00"}
    assert len(rows) == 4
    assert len({row["group"] for row in rows}) == 1


def test_sampled_frames_are_evenly_spaced_and_the_right_ones(tmp_path):
    clip(tmp_path / "clip.mp4", 25)
    assert [number(image) for _, image in sample_frames(tmp_path / "clip.mp4", 0.2)] == [0, 5, 10, 15, 20]
    assert len(list(sample_frames(tmp_path / "clip.mp4", 0))) == 25
    assert list(sample_frames(tmp_path / "missing.mp4", 1)) == []


def test_faces_keep_the_part_that_another_data_sets_manifest_gives_them(small, tmp_path):
    options = DatasetOptions(validation=0.5, test=0.0)
    make_dataset([small / "faces"], small / "out", options, workers=1)
    first = pq.read_table(small / "out" / "manifest.parquet", columns=["source", "split"])
    assert set(first["split"].to_pylist()) == {"train", "validation"}
    swapped = {"train": "validation", "validation": "train"}
    parts = [swapped[part] for part in first["split"].to_pylist()]
    pq.write_table(first.set_column(1, "split", [parts]), tmp_path / "parts.parquet")
    make_dataset([small / "faces"], tmp_path / "again", options, workers=1, parts=tmp_path / "parts.parquet")
    again = [row["split"] for row in read_manifest(tmp_path / "again")]
    assert again == parts
    with pytest.raises(DatasetError, match="tells no parts"):
        make_dataset([small / "faces"], tmp_path / "none", workers=1, parts=tmp_path / "no.parquet")


def test_other_regions_are_cut_out_too_and_read_with_their_share_in_the_picture(small):
    options = DatasetOptions(validation=0, test=0, regions=("face", "brows=8,12,112,36@1"))
    make_dataset([small / "faces"], small / "out", options, workers=1)
    face = load_region(small / "out", "face", ("train",))
    brows = load_region(small / "out", "brows", ("train",))
    assert face.crops().shape[1:] == (128, 112)
    assert brows.crops().shape[1:] == (36, 112)
    (row, *_) = stored.read_manifest(small / "out")
    assert face.visible[0] == pytest.approx(row["face_visible"])
    faces = faces_of_dataset(small / "out", "train", Regions((EYES, FACE)))
    assert (faces.schema.regions.names, faces.visible.shape[1]) == (("eyes", "face"), 2)
    moved = Regions((EYES, read_region("brows=0,12,112,36@1")))
    with pytest.raises(DatasetError, match="its brows from another place"):
        faces_of_dataset(small / "out", "train", moved)
    with pytest.raises(DatasetError, match="holds eyes, lips, face, brows, not the chin"):
        load_region(small / "out", "chin", ("train",))
    again = make_dataset([small / "faces"], small / "out", options, workers=1)
    assert sum(again.faces["train"].values()) == len(face)


@pytest.mark.parametrize("region", ["chin", "brows=0,0,129,40", "9=1,2,3,4", "brows=a,b,c,d"])
def test_what_is_no_further_region_is_refused(region):
    with pytest.raises(OptionError) as error:
        DatasetOptions(regions=(region,))
    assert error.value.name == "regions"


def test_whole_faces_that_were_cut_later_are_a_region(small):
    make_dataset([small / "faces"], small / "out", DatasetOptions(validation=0, test=0), workers=1)
    with pytest.raises(DatasetError, match="no whole faces yet"):
        load_region(small / "out", "face", ("train",))
    cut_faces(small / "out", [small / "faces"])
    faces = load_region(small / "out", "face", ("train",))
    assert faces.crops().shape[1:] == (128, 112)
    assert faces.visible.min() > 0.5
