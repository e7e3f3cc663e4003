"""What the fast arrangements change: the comparison itself, and that it stays within what is stated."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.benchmarks.clips import ClipSpec, make_clip
from emotion.benchmarks.studies.sparing import Difference, analyse, difference
from emotion.models.regions import eye_distance
from emotion.realtime.session import Workers
from tests.emotion.test_videos import DEMO
from tests.helpers.landmarks import landmarks
from tests.helpers.results import face
from tests.helpers.shipped_models import shipped_models

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def models():
    return shipped_models("fp32")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "short.mp4"
    make_clip(DEMO, path, ClipSpec(480, 360, 1, 48))
    return path


@pytest.fixture(scope="module")
def plain(models, short):
    return analyse(short, models, Workers(finders=1, stride=1))


def changed(faces, **values):
    return tuple(replace(face, **values) for face in faces)


def test_a_run_is_no_different_from_itself(plain):
    found = difference(plain, plain)
    assert found == Difference(len(plain), 0, 0, 0, 1, 1, 0)


def test_what_differs_is_counted(plain):
    none = [(), *plain[1:]]
    assert difference(none, plain).other_count == 1 / len(plain)
    shares = np.roll(plain[0][0].probabilities, 1)
    other = [changed(plain[0], probabilities=shares), *plain[1:]]
    assert difference(other, plain).same_emotion == pytest.approx(1 - 1 / len(plain))
    assert difference(other, plain).same_label == 1
    other = [changed(plain[0], label="uncertain"), *plain[1:]]
    assert difference(other, plain).same_emotion == 1
    assert difference(other, plain).same_label == pytest.approx(1 - 1 / len(plain))
    other = [changed(plain[0], probabilities=shares), *plain[1:]]
    assert difference(other, plain).shares > 0
    moved = [changed(faces, points=faces[0].points + np.float32([3, 4])) for faces in plain]
    apart = difference(moved, plain).landmarks
    face = plain[0][0].points
    assert apart == pytest.approx(5 / np.linalg.norm(face[33] - face[263]), rel=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_mean_and_worst_twentieth_of_moved_landmarks_are_numpys(seed):
    """Faces are moved by known lengths, told as shares of the distance between the eyes."""
    moves = np.random.default_rng(seed).gamma(2.0, 1.0, 100).astype(np.float32)
    plain = [(face("fear", points=landmarks(2.0)),)] * 100
    found = [
        changed(faces, points=faces[0].points + np.float32([move, 0]))
        for faces, move in zip(plain, moves, strict=True)
    ]
    reported = difference(found, plain)
    shares = moves / eye_distance(landmarks(2.0))
    assert reported.landmarks == pytest.approx(shares.mean(), rel=1e-3)
    assert reported.landmarks_p95 == pytest.approx(np.quantile(shares, 0.95), rel=1e-3)


@pytest.mark.parametrize("sparing", [Workers(finders=2), Workers(stride=2), Workers()])
def test_sparing_changes_as_little_as_the_documents_say(models, short, plain, sparing):
    found = difference(analyse(short, models, sparing), plain)
    assert found.other_count == 0
    assert found.landmarks < 0.02
    assert found.shares < 0.02  # of the strongest two either may be ahead in a face that hesitates
