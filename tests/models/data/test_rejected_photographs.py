"""Photographs that cannot be used are listed with the reason, and the others go on."""

import os
import sys

import cv2
import numpy as np
import PIL.Image
import pytest

from emotion.models.data import dataset
from emotion.models.data.dataset import DatasetOptions, make_dataset
from emotion.models.data.image_io import read_photograph
from emotion.models.data.stored import load_region, read_manifest
from emotion.models.errors import DatasetError
from tests.helpers.photographs_to_learn import photo
from tests.helpers.pictures import damaged_jpeg, moving_pictures, png_that_claims


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
    reported = (small / "out" / "rejected.csv").read_text()
    assert "faces/fear/a.png,too large: 60000x60000 pixels" in reported
    assert "faces/fear/c.jpg,damaged: Corrupt JPEG data" in reported
    assert "faces/fear/d.gif,unreadable: it holds several pictures and is a video" in reported
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
    assert summary.rejected == {"too large to analyse" if end else "damaged": 1}
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


def test_pictures_in_folders_of_other_names_are_listed(small):
    (small / "faces" / "fear").rename(small / "faces" / "Disgust")
    summary = make_dataset([small / "faces"], small / "out", DatasetOptions(validation=0, test=0))
    assert summary.rejected == {"in a folder of another name than the classes'": 2}
    listed = (small / "out" / "rejected.csv").read_text()
    assert "faces/Disgust/0.png,in a folder of another name than the classes': Disgust" in listed


def test_a_broken_video_is_listed(clips):
    (clips / "faces" / "fear" / "a clip.mp4").write_bytes(b"no video")
    summary = make_dataset([clips / "faces"], clips / "out")
    assert summary.rejected["unreadable"] == 1
    assert "a clip.mp4,unreadable" in (clips / "out" / "rejected.csv").read_text()
