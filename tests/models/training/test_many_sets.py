"""Training on several sets: rounds, heads and exact resume."""

import warnings
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorFlow's own imports use what Python has deprecated
    pytest.importorskip("tensorflow", reason="training needs the train extra")

import keras

from emotion.models.classes import EMOTIONS
from emotion.models.data.pools import Pool, with_teacher_predictions, write_teacher_predictions
from emotion.models.errors import DatasetError, ModelFileError
from emotion.models.training.many_sets import SetsOptions, order, predict, quotas, train_on_sets, without
from emotion.models.training.networks import EMOTION_HEAD
from emotion.models.training.set_heads import SET_HEAD, log_shares, with_set_heads
from emotion.models.training.set_networks import take_part, upper_network
from emotion.models.training.set_scores import score_sets

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

SHARES = (("street", 0.75), ("studio", 0.25))


def make_pool(count: int = 120, margin: int = 2, side: int = 32) -> Pool:
    rng = np.random.default_rng(0)
    labels = rng.choice(6, count, p=[0.4, 0.2, 0.05, 0.1, 0.15, 0.1])
    sets = np.where(np.arange(count) % 3 == 0, "studio", "street")
    targets = np.eye(6, dtype=np.float32)[labels]
    return Pool(
        images=rng.integers(5, 255, (count, side + 2 * margin, side + 2 * margin), dtype=np.uint8),
        labels=labels,
        targets=targets,
        teacher_predictions=targets,
        blendshapes=rng.random((count, 52), dtype=np.float32),
        sets=sets,
        groups=np.arange(count),
        sources=tuple(f"{name}/{i}.png" for i, name in enumerate(sets.tolist())),
        margin=margin,
    )


def tiny_network() -> keras.Model:
    images = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, 2, activation="relu")(keras.layers.Rescaling(1 / 255)(images))
    return keras.Model(images, with_set_heads(keras.layers.GlobalAveragePooling2D()(x), len(SHARES), 1e-3))


def test_a_round_is_full_and_gives_rare_emotions_more_than_their_share() -> None:
    pool = make_pool(600)
    options = SetsOptions(SHARES, steps=10, batch=40, evenness=0.5)
    counts = quotas(pool, options)
    assert counts.sum() == 400
    assert counts[0].sum() == pytest.approx(300, abs=6)
    street = np.bincount(pool.labels[pool.sets == "street"], minlength=6)
    assert counts[0, 2] / counts[0, 0] == pytest.approx((street[2] / street[0]) ** 0.5, rel=0.2)


def test_faces_come_equally_often_and_those_of_a_set_side_by_side() -> None:
    pool = make_pool(600)
    options = SetsOptions(SHARES, steps=10, batch=40)
    rows = np.concatenate([order(pool, options, index).ravel() for index in range(6)])
    for name in ("street", "studio"):
        for label in range(6):
            members = (pool.sets == name) & (pool.labels == label)
            times = np.bincount(rows, minlength=len(pool))[members]
            assert times.max() - times.min() <= 1
    first = pool.sets[order(pool, options, 0)[0]]
    assert (first[1:] != first[:-1]).sum() == 1


def test_a_set_that_lacks_an_emotion_has_no_influence_on_it() -> None:
    logs = log_shares([[3, 0, 0, 0, 1, 0], [1, 1, 1, 1, 1, 1]])
    assert np.exp(logs[0, [0, 4]]) == pytest.approx([0.75, 0.25])
    assert logs[0, 1] < np.log(1e-3)
    assert logs[1] == pytest.approx(np.full(6, np.log(1 / 6)))


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(DatasetError, match="moon"):
        quotas(make_pool(), SetsOptions((("moon", 1.0),)))
    with pytest.raises(ValueError, match="sum to one"):
        SetsOptions((("street", 0.5),))


def test_a_set_left_out_is_not_learnt_from() -> None:
    pool, options = without(make_pool(), SetsOptions(SHARES), "studio")
    assert set(pool.sets.tolist()) == {"street"}
    assert options.shares == (("street", 1.0),)


def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    pool = make_pool()
    options = SetsOptions(SHARES, rounds=3, steps=2, batch=16, teacher_weight=0.5, warm_up=2, fall=1.0)
    keras.utils.set_random_seed(1)
    first = tiny_network().get_weights()

    def run(folder: Path, stop: int) -> list[np.ndarray]:
        network = tiny_network()
        network.set_weights(first)

        def score(_: keras.Model, done: int) -> dict[str, float]:
            if done == stop:
                raise KeyboardInterrupt
            return {"street common": 0.1 * done}

        train_on_sets(network, pool, folder, options, (24, 24), score)
        return network.get_weights()

    whole = run(tmp_path / "whole", stop=0)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", stop=3)
    parts = run(tmp_path / "parts", stop=0)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(whole, first, strict=True))
    lines = (tmp_path / "parts" / "history.csv").read_text().splitlines()
    assert len(lines) == 4
    with pytest.raises(DatasetError, match="other options"):
        train_on_sets(tiny_network(), pool, tmp_path / "parts", SetsOptions(SHARES), (24, 24))


def test_predictions_are_kept_by_source(tmp_path: Path) -> None:
    pool = make_pool(12)
    logits = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)
    write_teacher_predictions(tmp_path / "predictions.parquet", pool.sources[:6], logits)
    taught = with_teacher_predictions(pool, tmp_path / "predictions.parquet")
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(taught.teacher_predictions[:6], wanted, atol=2e-3)
    np.testing.assert_array_equal(taught.teacher_predictions[6:], pool.targets[6:])
    with pytest.raises(DatasetError, match="none of these faces"):
        with_teacher_predictions(pool[np.arange(6, 12)], tmp_path / "predictions.parquet")
    with pytest.raises(DatasetError, match="no teacher's predictions"):
        with_teacher_predictions(pool, tmp_path / "missing.parquet")


def test_as_many_faces_as_are_wanted_are_taken_of_each_set_or_class() -> None:
    pool = make_pool(600)
    assert np.unique(pool.at_most(20).sets, return_counts=True)[1].tolist() == [20, 20]
    few = pool.at_most(5, per_class=True)
    counts = [((few.sets == name) & (few.labels == label)).sum() for name, _ in SHARES for label in range(6)]
    assert counts == [5] * 12
    assert few.sources == pool.at_most(5, per_class=True).sources, "always the same ones"


def test_scores_tell_the_common_head_from_the_sets_own() -> None:
    pool = make_pool(300)
    right = 5 * np.eye(6, dtype=np.float32)[pool.labels]
    added = np.zeros((300, 2, 6), np.float32)
    added[:, 1] = -2 * right
    scores = {
        score.name: score
        for score in score_sets(pool, {EMOTION_HEAD: right, SET_HEAD: added}, [*dict(SHARES)])
    }
    assert scores["street"].own.value == scores["street"].common.value == 1.0
    assert scores["studio"].common.value == 1.0
    assert scores["studio"].own.value == 0.0
    assert len(scores["street"].recalls) == len(EMOTIONS)
    assert "street, 200 faces" in scores["street"].in_words()


def test_a_network_predicts_the_mean_of_a_face_and_its_mirror_image() -> None:
    network = tiny_network()
    crops = make_pool(5).crops()
    predictions, mirrored = predict(network, crops, batch=4), predict(network, crops[:, :, ::-1], batch=4)
    assert predictions[EMOTION_HEAD].shape == (5, len(EMOTIONS))
    assert predictions[SET_HEAD].shape == (5, len(SHARES), len(EMOTIONS))
    np.testing.assert_allclose(predictions[EMOTION_HEAD], mirrored[EMOTION_HEAD], atol=1e-5)


def test_upper_blocks_go_on_from_a_network_that_has_them() -> None:
    part, whole = upper_network((2, 2, 1024), 13, 2), upper_network((4, 4, 512), 12, 2)
    take_part(part, whole)
    for layer in ("conv_pw_13", EMOTION_HEAD):
        for ours, theirs in zip(part.get_layer(layer).weights, whole.get_layer(layer).weights, strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    with pytest.raises(ModelFileError, match="conv_dw_12"):
        take_part(whole, part)
    with pytest.raises(ModelFileError, match="has another"):
        take_part(upper_network((2, 2, 1024), 13, 3), whole)
