import numpy as np
import pytest

from emotion.models.classes import EMOTIONS
from emotion.models.errors import DatasetError, ModelFileError
from emotion.models.voting.blendshapes import FILE, BlendshapeModel, train_blendshapes
from tests.helpers.predictions import labels


def shapes(truth, seed=0):
    """Blendshapes of which one an emotion stands out."""
    values = np.random.default_rng(seed).uniform(0, 0.3, (len(truth), 52))
    values[np.arange(len(truth)), 8 * truth] += 0.7
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def trained():
    truth = labels(1200)
    return train_blendshapes(shapes(truth), truth, (shapes(truth, 1), truth))


def test_the_classifier_learns(trained):
    truth = labels(300)
    said = trained(shapes(truth, 2))
    assert said.dtype == np.float32
    assert said.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-5)
    assert (said.argmax(axis=1) == truth).mean() > 0.9


def test_it_says_the_same_after_reading(trained, tmp_path):
    trained.save(tmp_path)
    again = BlendshapeModel.read(tmp_path)
    given = shapes(labels(60), 3)
    np.testing.assert_allclose(again(given), trained(given), atol=1e-6)


def test_a_missing_emotion_is_said():
    truth = labels(60) % 5
    with pytest.raises(DatasetError, match="lacks faces"):
        train_blendshapes(shapes(truth), truth, (shapes(truth), truth))


def test_broken_files_are_refused(trained, tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read"):
        BlendshapeModel.read(tmp_path)
    path = trained.save(tmp_path)
    with pytest.raises(ModelFileError, match="sha256"):
        BlendshapeModel.read(tmp_path, "0" * 64)
    good = dict(np.load(path))
    for change, reason in (
        ({"format": 99}, "version"),
        ({"classes": np.array(EMOTIONS[::-1])}, "version"),
        ({"mean": np.zeros(3, np.float32)}, "not a classifier"),
        ({"mean": np.array([object()])}, "not a classifier"),
    ):
        np.savez(tmp_path / FILE, **good | change)
        with pytest.raises(ModelFileError, match=reason):
            BlendshapeModel.read(tmp_path)
    path.write_bytes(b"PK no zip")
    with pytest.raises(ModelFileError, match="not a classifier"):
        BlendshapeModel.read(tmp_path)
