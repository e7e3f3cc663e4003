"""New last layers for kept features."""

import numpy as np
import pytest

from emotion.models.classes import SIX, Classes
from emotion.models.training.refit import Head
from emotion.own_model.folds import in_folds
from emotion.own_model.heads import learn_head, start_of


def features_of(labels, spread=1.0, seed=0):
    """Features, float32 (1, n, d), around a place for each class."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(labels.max() + 1, 12)) * 2
    found = centres[labels] + rng.normal(size=(len(labels), 12)) * spread
    return found[None].astype(np.float32)


def test_a_model_that_knows_the_classes_is_begun_with():
    head = Head(np.arange(12, dtype=np.float32).reshape(2, 6), np.arange(6, dtype=np.float32))
    found = start_of(head, SIX, Classes(("neutral", "happy")))
    assert found.kernel.tolist() == [[4, 0], [10, 6]]
    assert found.bias.tolist() == [4, 0]
    assert start_of(head, SIX, Classes(("calm", "happy"))) is None
    assert start_of(head, SIX, Classes(("happiness", "happy"))) is None


def test_what_is_said_of_a_face_was_learnt_from_others():
    labels = np.arange(120) % 4
    features, folds = features_of(labels), in_folds(labels, np.arange(120))
    rows = []
    found = learn_head(features, labels, folds, 4, log=rows.append)
    assert (found.predictions.argmax(axis=1) == labels).mean() > 0.9
    np.testing.assert_allclose(found.predictions.sum(axis=1), 1, atol=1e-5)
    assert found.pull in {row["pull"] for row in rows}
    noise = np.random.default_rng(1).permutation(labels)
    fitted = learn_head(features, noise, folds, 4)
    assert (fitted.predictions.argmax(axis=1) == noise).mean() < 0.45


def test_where_there_is_little_to_learn_a_known_last_layer_stays():
    labels = np.arange(300) % 4
    good = learn_head(features_of(labels, 2.0), labels, in_folds(labels, np.arange(300)), 4).head
    few = np.arange(40) % 4
    features, folds = features_of(few, 2.0, seed=5), in_folds(few, np.arange(40))
    judged = np.arange(400) % 4
    unseen = features_of(judged, 2.0, seed=6)[0]
    right = [
        (learn_head(features, few, folds, 4, start).head(unseen).argmax(axis=1) == judged).mean()
        for start in (None, good)
    ]
    assert right[1] > right[0]
    assert right[1] == pytest.approx((good(unseen).argmax(axis=1) == judged).mean(), abs=0.03)
