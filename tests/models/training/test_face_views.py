"""Views of faces, computed once, and the upper blocks that learn from them."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorFlow's own imports use what Python has deprecated
    pytest.importorskip("tensorflow", reason="training needs the train extra")

from emotion.models.data.pools import Pool
from emotion.models.errors import DatasetError
from emotion.models.training.augmentation import DRAWS, FEATURE_STEPS, Mix
from emotion.models.training.face_views import cut_views, load_views

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
SIZE = (24, 21)


@pytest.fixture
def pool():
    """Twelve faces of two sets, dark on the left and bright on the right; fear is rare in one of them."""
    count, rng = 12, np.random.default_rng(0)
    labels = np.array([0, 0, 0, 0, 0, 2, 0, 1, 2, 3, 4, 5])
    image = np.zeros((22, 20), np.uint8)
    image[4:18, 4:16] = np.linspace(40, 220, 12).astype(np.uint8)
    return Pool(
        images=np.repeat(image[None], count, axis=0),
        labels=labels,
        targets=np.eye(6, dtype=np.float32)[labels],
        teacher_predictions=np.eye(6, dtype=np.float32)[labels],
        blendshapes=rng.random((count, 52)).astype(np.float32),
        sets=np.array(["one"] * 6 + ["other"] * 6),
        groups=np.arange(count),
        sources=tuple(f"{number}.png" for number in range(count)),
        margin=3,
    )


def halves(pictures):
    """Instead of a network's lower blocks: the mean gray of a picture's left and right half."""
    middle = pictures.shape[2] // 2
    sides = [part.mean(axis=(1, 2)) for part in (pictures[:, :, :middle], pictures[:, :, middle:])]
    return np.clip(np.stack(sides, axis=1)[:, None, None, :] / 40, 0, 6)


def test_views_know_their_faces_and_mirrors(pool, tmp_path):
    cut_views(pool, {"one": 6, "other": 6}, SIZE, halves, tmp_path, twice=("one",))
    views = load_views(tmp_path, pool)
    assert len(views) == 18
    assert views.images.dtype == np.uint8
    assert views.images.shape == (18, 1, 1, 2)
    assert sorted(views.sources) == sorted([*pool.sources, *pool.sources[:6]])
    rows = np.load(tmp_path / "views.npz")
    np.testing.assert_array_equal(views.labels, pool.labels[rows["rows"]])
    left, right = views.images[:, 0, 0, 0].astype(int), views.images[:, 0, 0, 1].astype(int)
    # Faces are brighter on the right, but in a mirror.
    np.testing.assert_array_equal(left > right, rows["flipped"])
    # Of a mirrored face left and right blendshapes change places, and the others stay.
    given = pool.blendshapes[rows["rows"]]
    np.testing.assert_array_equal(views.blendshapes[~rows["flipped"]], given[~rows["flipped"]])
    assert (views.blendshapes[rows["flipped"]] != given[rows["flipped"]]).any()


def test_rare_emotions_come_first_and_the_same_seed_gives_the_same_views(pool, tmp_path):
    for folder in ("first", "second"):
        cut_views(pool, {"one": 2}, SIZE, halves, tmp_path / folder)
    views = load_views(tmp_path / "first", pool)
    assert sorted(views.labels.tolist()) == [0, 2]
    np.testing.assert_array_equal(views.images, load_views(tmp_path / "second", pool).images)


def test_views_that_are_not_there_are_refused(pool, tmp_path):
    with pytest.raises(DatasetError, match="cut them first"):
        load_views(tmp_path, pool)
    with pytest.raises(DatasetError, match="no faces of third"):
        cut_views(pool, {"third": 5}, SIZE, halves, tmp_path)


def test_features_are_mixed_as_far_as_they_are_drawn_to_be():
    features = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    draws = np.zeros((2, DRAWS), np.float32)
    np.testing.assert_allclose(np.asarray(Mix()(features, draws)).ravel(), [0, 255 / FEATURE_STEPS])
    draws[:, 13] = 0.25
    np.testing.assert_allclose(np.asarray(Mix()(features, draws)).ravel(), [1.5, 4.5])
