"""Batches of a pipeline of one's own: what Ray Data and its like hand to a class."""

import numpy as np
import pytest

import emotion
from emotion.models.errors import OptionError
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from tests.helpers.pictures import smooth_jpeg
from tests.helpers.shipped_models import shipped_models


@pytest.fixture(scope="module")
def rows():
    return emotion.FaceRows(shipped_models())


@pytest.fixture(scope="module")
def face():
    with VideoFile(DEMO) as video:
        return next(iter(video)).image.copy()


def test_each_face_is_a_row_and_what_cannot_be_read_is_one_that_says_why(rows, face):
    pictures = np.empty(3, object)
    pictures[:] = [face, np.zeros((40, 60, 3), np.uint8), np.zeros((4, 4), np.float64)]
    table = rows({"image": pictures, "path": np.array(["a.jpg", "dark.jpg", "odd.jpg"])})
    assert table["file"].to_pylist() == ["a.jpg", "dark.jpg", "odd.jpg"]
    assert table["label"].to_pylist()[0] == emotion.analyze(face, models=shipped_models()).faces[0].label
    assert table["label"].to_pylist()[1:] == [None, None]
    assert [bool(error) for error in table["error"].to_pylist()] == [False, False, True]


def test_batches_have_the_same_columns_whatever_is_in_them(rows, face):
    tables = [
        rows({"image": np.stack([face, face])}),
        rows({"bytes": np.array([smooth_jpeg(), b"no picture"], object)}),
        rows({"path": np.array(["/nowhere/none.jpg"])}),
        rows({"image": []}),
    ]
    assert len({str(table.schema) for table in tables}) == 1
    assert [table.num_rows for table in tables] == [2, 2, 1, 0]


def test_pictures_of_ray_have_red_first(face):
    reported = emotion.FaceRows(shipped_models(), rgb=True)({"image": face[None, :, :, ::-1]})
    shown = emotion.FaceRows(shipped_models())({"image": face[None]})
    assert reported.equals(shown)


def test_a_batch_without_pictures_says_which_columns_it_may_have(rows):
    with pytest.raises(OptionError, match="a column image, bytes, path, not label"):
        rows({"label": [1]})
