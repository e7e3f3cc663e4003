"""Frames of videos in a data set."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion.models.data import dataset
from emotion.models.data.dataset import DatasetOptions, make_dataset
from emotion.models.data.stored import read_manifest
from emotion.models.data.video_frames import sample_frames
from tests.helpers.clips import clip, number
from tests.helpers.photographs_to_learn import finding


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_frames_of_a_video_whose_name_is_no_utf_8(tmp_path):
    clip(tmp_path / "clip.mp4", 10)
    (tmp_path / "clip.mp4").rename(tmp_path / os.fsdecode(b"caf\xe9.mp4"))
    assert len(list(sample_frames(tmp_path / os.fsdecode(b"caf\xe9.mp4"), 0))) == 10


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
    look = dataset._analyse
    monkeypatch.setattr(
        dataset, "_analyse", lambda item, **rest: looked.append(item.source) or look(item, **rest)
    )
    next((clips / "out" / "eyes" / "fear").glob("a clip-*.png")).unlink()
    make_dataset([clips / "faces"], clips / "out", options)
    assert looked == ["faces/fear/a clip.mp4"]
    assert read_manifest(clips / "out") == before


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
