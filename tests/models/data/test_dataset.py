"""A data set from photographs: its files, and a run that is stopped and goes on."""

import json
import os
import sys
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from emotion.models.classes import EMOTIONS
from emotion.models.data import dataset
from emotion.models.data.dataset import DatasetOptions, make_dataset
from emotion.models.data.image_io import read_gray, read_photograph
from emotion.models.data.splits import parts_of
from emotion.models.data.stored import load_region, read_manifest
from emotion.models.errors import DatasetError
from emotion.models.regions import EYES, LIPS
from tests.helpers.photographs_to_learn import photo


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
    look = dataset._analyse

    def stopping(photograph, **rest):
        if len(looked) == 5:
            raise KeyboardInterrupt
        looked.append(photograph.source)
        return look(photograph, **rest)

    monkeypatch.setattr(dataset, "_analyse", stopping)
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


def test_a_photograph_that_was_replaced_is_analysed_again(small, monkeypatch):
    make_dataset([small / "faces"], small / "out")
    looked = []
    look = dataset._analyse
    monkeypatch.setattr(
        dataset, "_analyse", lambda item, **rest: looked.append(item.source) or look(item, **rest)
    )
    (small / "faces" / "fear" / "0.png").write_bytes(b"not a picture")
    make_dataset([small / "faces"], small / "out")
    assert looked == ["faces/fear/0.png"]
    assert "faces/fear/0.png,unreadable,fear" in (small / "out" / "rejected.csv").read_text()
    assert len(list((small / "out" / "eyes" / "fear").iterdir())) == 1


def test_a_photograph_that_could_not_be_read_is_tried_again(small, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(dataset.Photograph, "read", lambda photograph: read_photograph(small / "none.png"))
        with pytest.raises(DatasetError, match="Not one usable face"):
            make_dataset([small / "faces"], small / "out")
    make_dataset([small / "faces"], small / "out")
    assert len(read_manifest(small / "out")) == 12


def test_the_crops_of_photographs_that_are_gone_are_removed(small):
    make_dataset([small / "faces"], small / "out")
    (small / "faces" / "fear" / "0.png").unlink()
    (small / "faces" / "anger" / "0.png").rename(small / "faces" / "fear" / "was anger.png")
    make_dataset([small / "faces"], small / "out")
    crops = {path.stem for path in (small / "out" / "eyes").rglob("*.png")}
    assert crops == {row["id"] for row in read_manifest(small / "out")}


def test_a_journal_of_an_older_release_is_gone_on_with(small, monkeypatch):
    make_dataset([small / "faces"], small / "out")
    journal = small / "out" / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    text = "".join(
        json.dumps({key: value for key, value in line.items() if key != "state"}) + "\n" for line in lines
    )
    journal.write_text(text)
    monkeypatch.setattr(dataset, "_analyse", None)
    make_dataset([small / "faces"], small / "out")
    assert journal.read_text() == text


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


def test_roots_that_cannot_be_distinguished_are_refused(small):
    (small / "b").mkdir()
    (small / "faces").rename(small / "b" / "faces")
    with pytest.raises(DatasetError, match="share a name"):
        make_dataset([small / "b" / "faces", small / "b" / "faces"], small / "out")


def test_a_folder_that_is_no_data_set_says_so(tmp_path):
    with pytest.raises(DatasetError, match="emotion dataset"):
        load_region(tmp_path, "eyes", ("train",))


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


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_folders_may_have_names_that_are_no_text(small):
    root, out = (small / os.fsdecode(name) for name in (b"caf\xe9", b"out\xe9"))
    (small / "faces").rename(root)
    (root / "fear" / os.fsdecode(b"\xe9.psd")).touch()
    for _ in range(2):
        make_dataset([root], out)
    parts = parts_of(out / "manifest.parquet")
    assert {row["source"] for row in read_manifest(out)} == set(parts)
    assert all(source.startswith(r"caf\xe9/") for source in parts)
    assert r"caf\xe9/fear/\xe9.psd" in (out / "rejected.csv").read_text()


def test_what_is_analysed_is_in_the_journal_at_once(small):
    counts = []

    def progress(done, total):
        journal = small / "out" / "journal.jsonl"
        counts.append((done, len(journal.read_text().splitlines()) if journal.exists() else 0))

    make_dataset([small / "faces"], small / "out", progress=progress)
    assert counts == [(number, number) for number in range(13)]
