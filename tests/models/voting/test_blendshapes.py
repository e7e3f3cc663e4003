from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS, Classes
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


@pytest.mark.parametrize("largest", [2e-6, 2e-5])
def test_a_blendshape_that_the_rounding_of_data_sets_hides_says_nothing(largest):
    """Data sets keep five decimals; live there are all: a face must be judged the same."""
    truth = labels(600)
    given = shapes(truth)
    given[:, 7] = np.random.default_rng(1).uniform(0, largest, len(truth))
    kept = np.round(given, 5)
    model = train_blendshapes(kept, truth, (kept, truth))
    np.testing.assert_allclose(model(given), model(kept), atol=0.02)
    squinting = given.copy()
    squinting[:, 7] = 0.5
    np.testing.assert_allclose(model(squinting), model(given), atol=1e-6)


def test_in_models_of_earlier_versions_what_did_not_vary_says_nothing_either(trained, tmp_path):
    scale = trained.scale.copy()
    scale[7] = 1e-6
    replace(trained, scale=scale).save(tmp_path)
    model = BlendshapeModel.read(tmp_path)
    given = shapes(labels(60), 3)
    squinting = given.copy()
    squinting[:, 7] = 0.5
    np.testing.assert_allclose(model(squinting), model(given), atol=1e-6)


def test_a_face_that_is_seen_is_told_as_one_that_a_data_set_keeps(trained):
    given = shapes(labels(60), 3)
    given[:, 1:8] = np.random.default_rng(5).uniform(0, 3e-5, (60, 7))
    kept = np.array([[round(float(score), 5) for score in row] for row in given], np.float32)
    assert (kept != given).any()
    np.testing.assert_array_equal(trained(given), trained(kept))


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


def test_a_network_is_computed_layer_by_layer():
    """By hand: half of the square roots, rectified, and two classes of which the second gets the sum."""
    mean, scale = np.full(52, 0.5, np.float32), np.full(52, 2.0, np.float32)
    first = np.zeros((52, 2), np.float32)
    first[3, 0], first[7, 1] = 1.0, -1.0
    second = np.array([[0, 4.0], [0, 4.0]], np.float32)
    layers = ((first, np.array([0.1, 0.0], np.float32)), (second, np.array([0.0, 1.0], np.float32)))
    model = BlendshapeModel(mean, scale, layers, 0.5, Classes(("calm", "tense")))
    given = np.full((2, 52), 0.25, np.float32)
    given[0, 3] = 1.0  # (1 - 0.5) / 2 + 0.1 = 0.35, and (0.5 - 0.5) / 2 = 0
    given[1, [3, 7]] = -5.0, 9.0  # cut to 0 and 1: -0.25 + 0.1 and -0.25, both rectified
    logits = np.array([(4 * 0.35 + 1) / 0.5, 1 / 0.5])
    np.testing.assert_allclose(model(given)[:, 1], 1 / (1 + np.exp(-logits)), rtol=1e-5)
    plain = BlendshapeModel(mean, scale, layers, classes=Classes(("calm", "tense")))
    np.testing.assert_allclose(plain(given)[:, 1], 1 / (1 + np.exp(-logits / 2)), rtol=1e-5)


def test_large_numbers_overflow_nothing():
    layers = ((np.zeros((52, 2), np.float32), np.array([1000.0, 0.0], np.float32)),)
    model = BlendshapeModel(
        np.zeros(52, np.float32), np.ones(52, np.float32), layers, classes=Classes(("a", "b"))
    )
    np.testing.assert_allclose(model(np.zeros((1, 52), np.float32)), [[1, 0]])


class Network:
    """In place of scikit-learn's: notes what it is asked, and learns nothing."""

    asked: ClassVar[dict] = {}

    def __init__(self, hidden, **options):
        self.asked.clear()
        self.asked.update(hidden=hidden, **options)

    def fit(self, values, labels, sample_weight):
        self.asked.update(values=values, weights=sample_weight)
        self.coefs_ = [np.zeros((52, 4)), np.zeros((4, 6))]
        self.intercepts_ = [np.zeros(4), np.zeros(6)]


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr("sklearn.neural_network.MLPClassifier", Network)
    return Network.asked


@pytest.mark.parametrize(
    ("faces", "batch"), [(60, 16), (1280, 16), (1366, 17), (8000, 100), (20_480, 256), (30_000, 256)]
)
def test_thirty_passes_are_some_hundred_steps_each_in_batches_of_16_to_256(asked, faces, batch):
    truth = labels(faces)
    given = np.zeros((faces, 52), np.float32)
    train_blendshapes(given, truth, (given[:60], truth[:60]), seed=7)
    assert (asked["batch_size"], asked["max_iter"], asked["random_state"]) == (batch, 30, 7)
    assert (asked["hidden"], asked["alpha"]) == ((64,), 1.0)


def test_a_face_counts_the_less_the_more_common_its_emotion_is(asked):
    truth = np.array([0] * 400 + [1] * 100 + [2, 3, 4, 5] * 25)
    given = shapes(truth)
    train_blendshapes(given, truth, (given, truth))
    counted = asked["weights"]
    assert counted.mean() == pytest.approx(1)
    assert counted[450] / counted[0] == pytest.approx(2)
    assert counted[-1] / counted[450] == pytest.approx(2)
    np.testing.assert_allclose(asked["values"].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(asked["values"].std(axis=0), 1, atol=1e-3)


def test_with_weights_classes_are_taken_to_be_equally_likely(asked):
    truth = labels(600)
    given, counts = shapes(truth), np.where(truth == 2, 3.0, 1.0)
    model = train_blendshapes(given, truth, (given, truth), weights=counts)
    bias = model.layers[-1][1]
    np.testing.assert_allclose(bias[:2], np.log(8), rtol=1e-5)
    assert bias[2] == pytest.approx(np.log(8 / 3), rel=1e-5)
    assert asked["weights"].mean() == pytest.approx(1)


def test_its_file_says_the_first_format(trained, tmp_path):
    with np.load(trained.save(tmp_path)) as stored:
        assert int(stored["format"]) == 1
        assert stored["mean"].shape == (52,)


def test_a_model_that_says_no_numbers_is_refused(trained, tmp_path):
    path = trained.save(tmp_path)
    good = dict(np.load(path))
    np.savez(tmp_path / FILE, **good | {"scale": np.zeros(52, np.float32)})
    with pytest.raises(ModelFileError, match="not a classifier"), np.errstate(all="ignore"):
        BlendshapeModel.read(tmp_path)


@pytest.mark.parametrize("weighed", [False, True])
def test_two_classes_are_distinguished(weighed):
    truth = np.arange(80) % 2
    given = shapes(truth)
    weights = np.full(80, 1 / 80) if weighed else None
    two = Classes(("rest", "smile"))
    model = train_blendshapes(given, truth, (given, truth), classes=two, weights=weights)
    said = model(shapes(truth, 1))
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    assert said.shape == (80, 2)
    assert (said.argmax(axis=1) == truth).mean() > 0.9
