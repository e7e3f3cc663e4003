import json

import numpy as np
import pytest

from models import weights
from models.emotions import EMOTIONS, Emotion
from models.errors import ModelFileError
from models.vote import VoteWeights
from models.weights import EmotionWeight, SuccessRate


def one_hot(*classes):
    return np.eye(6, dtype=np.float32)[list(classes)]


def rows(*shares):
    return np.array(shares, dtype=np.float32)


def test_equal_vote_is_the_mean():
    eyes, lips = rows([0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), rows([0.1, 0.5, 0.1, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(
        VoteWeights.equal().vote(eyes, lips), [[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]], atol=1e-6
    )


def test_the_better_model_rules_where_both_disagree():
    weights_of = VoteWeights(np.ones(6, np.float32), np.ones(6, np.float32))
    weights_of.lips[Emotion.FEAR] = 1.5
    vote = weights_of.vote(one_hot(Emotion.ANGER), one_hot(Emotion.FEAR))[0]
    assert vote.argmax() == Emotion.FEAR
    assert vote[Emotion.FEAR] / vote[Emotion.ANGER] == pytest.approx(0.6 / 0.5)


def test_a_weight_changes_nothing_where_both_agree():
    uneven = VoteWeights(np.linspace(1, 2, 6, dtype=np.float32), np.ones(6, np.float32))
    both = rows([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(uneven.vote(both, both), both, atol=1e-6)


def test_a_hidden_region_votes_nothing():
    uneven = VoteWeights(np.full(6, 3, np.float32), np.ones(6, np.float32))
    eyes = one_hot(0, 0, 0)
    lips = one_hot(1, 1, 1)
    seen = (np.array([True, False, False]), np.array([False, True, False]))
    vote = uneven.vote(eyes, lips, seen)
    np.testing.assert_allclose(vote[:2], one_hot(0, 1))
    assert np.isnan(vote[2]).all()


def test_rates_that_differ_little_count_one():
    row = EmotionWeight("fear", SuccessRate.of(60, 100), SuccessRate.of(66, 100))
    assert row.weights == (1.0, 1.0)
    assert "both count 1" in row.in_words()


def test_a_clear_difference_counts_by_its_ratio():
    row = EmotionWeight("fear", SuccessRate.of(600, 1000), SuccessRate.of(890, 1000))
    assert row.weights == (1.0, 1.483)
    assert "the lips count 1.48 times" in row.in_words()


def test_wilson_interval_of_a_textbook_case():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    rate = SuccessRate.of(81, 263)
    assert (rate.low, rate.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert SuccessRate.of(0, 0) == SuccessRate(0.0, 0.0, 1.0, 0)
    assert SuccessRate.of(0, 20).low == 0.0


def test_derive_counts_recall_by_emotion():
    labels = np.repeat(np.arange(6), 100)
    eyes = one_hot(*labels)
    lips = one_hot(*np.where(labels == Emotion.ANGER, Emotion.NEUTRAL, labels))
    found = weights.derive(labels, eyes, lips)
    assert [row.emotion for row in found] == list(EMOTIONS)
    assert found[Emotion.ANGER].eyes.rate == 1.0
    assert found[Emotion.ANGER].lips.rate == 0.0
    assert found[Emotion.ANGER].weights[0] > 1
    assert found[Emotion.HAPPINESS].weights == (1.0, 1.0)


def test_saved_weights_come_back(tmp_path):
    labels = np.repeat(np.arange(6), 100)
    found = weights.derive(labels, one_hot(*labels), one_hot(*np.roll(labels, 50)))
    weights.save(tmp_path, found, {"faces": 600})
    table = VoteWeights.read(tmp_path)
    assert table.eyes.tolist() == pytest.approx([row.weights[0] for row in found])
    assert table.lips.tolist() == pytest.approx([row.weights[1] for row in found])
    assert weights.read(tmp_path) == found


def test_broken_weight_files_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read"):
        VoteWeights.read(tmp_path)
    labels = np.arange(6)
    path = weights.save(tmp_path, weights.derive(labels, one_hot(*labels), one_hot(*labels)), {})
    good = json.loads(path.read_text())
    wrong_order = good | {"classes": list(EMOTIONS[::-1])}
    zero = good | {"weights": {"eyes": dict.fromkeys(EMOTIONS, 0), "lips": dict.fromkeys(EMOTIONS, 1)}}
    missing = {key: value for key, value in good.items() if key != "weights"}
    for values, reason in (
        (wrong_order, "version"),
        (zero, "positive"),
        (missing, "not a table"),
        ([], "not a table"),
    ):
        path.write_text(json.dumps(values))
        with pytest.raises(ModelFileError, match=reason):
            VoteWeights.read(tmp_path)
