"""Last layers on kept features: of all sets, without one, taught by another region."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="export needs the train extra")

from emotion.benchmarks.studies.last_layers import (
    Faces,
    balanced_on,
    fit,
    fitted_rows,
    logits,
    taught_rows,
    widened,
)
from emotion.models.training.refit import fit_head


@pytest.fixture
def faces() -> Faces:
    """The eyes tell little, the face much; half of the faces have no label to learn from."""
    rng = np.random.default_rng(0)
    count = 720
    labels = np.arange(count) % 6
    centres = np.eye(6, dtype=np.float32)
    features = {
        name: (strength * centres[labels] + rng.standard_normal((count, 6))).astype(np.float32)
        for name, strength in (("eyes", 1.0), ("face", 4.0), ("blendshapes", 1.0))
    }
    return Faces(
        labels=labels,
        sets=np.repeat(["a", "b", "c"], count // 3),
        groups=np.arange(count),
        learnt=np.arange(count) // 6 % 2 == 0,
        labelled=np.arange(count) // 6 % 4 == 0,
        features=features,
        before={name: np.zeros((count, 6), np.float32) for name in ("eyes", "face")},
    )


def test_a_set_that_is_left_out_says_nothing(faces: Faces) -> None:
    whole, without = fit(faces, "eyes"), fit(faces, "eyes", "c")
    assert np.abs(whole.kernel - without.kernel).max() > 1e-3
    other = faces.labels.copy()
    other[faces.sets == "c"] = 0
    changed = Faces(**{name: getattr(faces, name) for name in Faces.__slots__} | {"labels": other})
    np.testing.assert_array_equal(fit(changed, "eyes", "c").kernel, without.kernel)


def test_the_lines_say_what_is_known_and_what_is_unseen(faces: Faces) -> None:
    lines = list(fitted_rows(faces, ("eyes", "face"), ("a", "b", "c"), 0.5))
    assert [line.split(":")[0] for line in lines][-1] == "eyes x face x blendshapes"
    assert all(line.count("c ") == 2 for line in lines)
    reported = logits(faces, "face", 0.5)
    assert balanced_on(faces, "a", reported).value > 80
    assert balanced_on(faces, "a", reported, reported).value == 0


def test_a_teacher_predicts_faces_without_labels(faces: Faces) -> None:
    lines = list(taught_rows(faces, "face", ["eyes"], ("a", "b", "c"), 0.0))
    assert len(lines) == 8
    assert lines[0].startswith("eyes, fitted to all: a ")
    assert lines[-1].startswith("eyes x blendshapes, without c: c ")
    assert "taught" in lines[-1]


def test_a_wider_last_stage_separates_what_no_plane_does() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((600, 2)).astype(np.float32)
    labels = (points.prod(axis=1) > 0).astype(np.int64)
    even = np.full(600, 1 / 600)
    rates = []
    for features in (points, widened(points, 64)):
        head = fit_head(features, labels, even, pull=1e-3)
        rates.append((head(features)[:, :2].argmax(axis=1) == labels).mean())
    assert rates[0] < 0.65
    assert rates[1] > 0.9
