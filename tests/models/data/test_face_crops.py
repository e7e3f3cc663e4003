"""Whole faces, cut from the landmarks that a data set keeps."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from emotion.models.data.face_crops import MARGIN, SIZE, cut_faces, face_crop, load_faces
from emotion.models.errors import DatasetError
from emotion.models.regions import ANCHOR_PLACES, ANCHORS, FACE, FACE_OVAL, OUTLINE


def landmarks_at(scale: float, shift: float) -> np.ndarray:
    """Landmarks of a face that fits the canvas, in a picture that shows it `scale` times as large."""
    points = np.zeros((478, 2), np.float32)
    points[ANCHORS] = ANCHOR_PLACES * scale + shift
    turns = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    oval = np.stack([64 + 50 * np.sin(turns), 76 - 60 * np.cos(turns)], axis=1)
    points[FACE_OVAL] = oval * scale + shift
    return points


def test_a_face_is_cut_at_its_place_and_black_outside_the_oval() -> None:
    image = np.full((400, 400, 3), 200, np.uint8)
    cv2.circle(image, (158, 210), 6, (0, 0, 0), -1)
    crop = face_crop(image, landmarks_at(2.0, 30.0), margin=0)
    assert crop.shape == SIZE
    assert crop[round(90 - FACE.top), round(64 - FACE.left)] == 0
    assert crop[round(60 - FACE.top), round(64 - FACE.left)] == 200
    assert crop[0, 0] == crop[-1, -1] == 0


def test_a_margin_shows_more_and_changes_nothing_inside() -> None:
    image = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    points = landmarks_at(1.5, 20.0)
    inner = face_crop(image, points)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    np.testing.assert_array_equal(inner, face_crop(image, points, margin=0))


def test_faces_are_cut_by_a_data_sets_journal(tmp_path: Path) -> None:
    root, data = tmp_path / "street", tmp_path / "data"
    (root / "fear").mkdir(parents=True)
    data.mkdir()
    points = landmarks_at(1.0, 10.0)
    lines = [{"source": "street/fear/gone.png", "reason": "no face found"}]
    for name, tone in (("a", 90), ("b", 180)):
        cv2.imwrite(str(root / "fear" / f"{name}.png"), np.full((180, 160, 3), tone, np.uint8))
        lines.append({"source": f"street/fear/{name}.png", "outline": points[OUTLINE].ravel().tolist()})
    (data / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    cut_faces(data, [root])
    faces = load_faces(data)
    assert faces.images.shape == (2, SIZE[0] + 2 * MARGIN, SIZE[1] + 2 * MARGIN)
    middle = faces.images[faces.rows(["street/fear/b.png", "street/fear/a.png"]), 64, 64]
    assert middle.tolist() == [180, 90]
    with pytest.raises(DatasetError, match=r"gone\.png is missing"):
        faces.rows(["street/fear/gone.png"])
    with pytest.raises(DatasetError, match="no face of elsewhere"):
        cut_faces(data, [tmp_path / "elsewhere"])


def test_a_data_set_without_whole_faces_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no whole faces yet"):
        load_faces(tmp_path)
