import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

from emotion.models.classes import EMOTIONS
from emotion.models.evaluation.scores import score, share
from emotion.models.statistics.calibration import expected_calibration_error
from tests.helpers.predictions import labels, probabilities


def test_scores_are_those_of_scikit_learn():
    truth = labels()
    said = probabilities(truth, 1.0)
    predicted = said.argmax(axis=1)
    found = score(truth, said, np.arange(len(truth)))
    assert found.accuracy.value == pytest.approx((predicted == truth).mean())
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert found.calibration_error.value == pytest.approx(expected_calibration_error(truth, said))
    for measure, name in ((recall_score, "recall"), (precision_score, "precision"), (f1_score, "f1")):
        expected = measure(truth, predicted, average=None)
        assert [getattr(row, name).value for row in found.emotions] == pytest.approx(expected.tolist())
    assert np.sum(found.confusion) == len(truth)
    assert [row.emotion for row in found.emotions] == list(EMOTIONS)


def test_every_interval_holds_its_value():
    truth = labels(120)
    found = score(truth, probabilities(truth, 1.0), np.arange(120))
    for rate in (found.accuracy, found.balanced_accuracy, *(row.f1 for row in found.emotions)):
        assert 0 <= rate.low < rate.value < rate.high <= 1


def test_an_emotion_that_never_occurs_does_not_count():
    truth = np.array([0, 0, 4, 4])
    said = np.eye(6, dtype=np.float32)[[0, 0, 4, 0]]
    found = score(truth, said, np.arange(4))
    assert found.balanced_accuracy.value == pytest.approx(0.75)
    assert found.emotions[2].faces == 0
    assert found.emotions[4].recall.value == 0.5
    assert found.emotions[0].precision.value == pytest.approx(2 / 3)


def test_copies_of_a_face_widen_the_interval():
    right = np.array([True] * 30 + [False] * 10)
    apart, copies = share(right, np.arange(40)), share(right, np.arange(40) // 10)
    assert apart.value == copies.value
    assert copies.high - copies.low > apart.high - apart.low


def test_surer_predictions_are_right_more_often():
    truth = labels(3000)
    found = score(truth, probabilities(truth, 1.5), np.arange(3000)).coverage
    assert found[0].coverage == 1.0
    assert found[-1].coverage == pytest.approx(0.05, abs=0.01)
    assert found[-1].accuracy.value > found[0].accuracy.value + 0.15
    assert [p.confidence for p in found] == sorted(p.confidence for p in found)


def test_reliability_counts_every_face_once():
    truth = labels()
    bins = score(truth, probabilities(truth, 1.0), np.arange(600)).reliability
    assert sum(part.faces for part in bins) == 600
    assert [part.confidence for part in bins] == sorted(part.confidence for part in bins)
