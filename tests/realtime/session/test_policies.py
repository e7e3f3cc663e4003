"""However many workers share the work, the results are those of a plain loop."""

import numpy as np
import pytest

from emotion.realtime.options import Options
from emotion.realtime.session import EveryFrame, Inline, Models, Session, Workers, default_classifiers
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile

FRAMES = 60

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def models():
    return Models.load(provider="cpu", precision="fp32")


class FirstFrames:
    """The beginning of the bundled clip."""

    def __iter__(self):
        with VideoFile(DEMO) as video:
            for _, frame in zip(range(FRAMES), video, strict=False):
                yield frame


@pytest.fixture(scope="module")
def plain(models):
    """Every frame through every stage, one after the other: no thread, no batch."""
    results = list(FirstFrames())
    for stage in EveryFrame(Workers(classifiers=1, batch=1)).stages(models, Options()):
        worker = stage[0] if isinstance(stage, list) else stage
        results = [result for item in results for result in worker.process([item])]
        worker.close()
    return results


def analyse(models, workers):
    with Session(FirstFrames(), models=models, policy=EveryFrame(workers)) as session:
        return list(session)


def assert_same(results, expected, atol):
    assert [result.frame.index for result in results] == list(range(FRAMES))
    for result, wanted in zip(results, expected, strict=True):
        assert [face.track_id for face in result.faces] == [face.track_id for face in wanted.faces]
        for face, other in zip(result.faces, wanted.faces, strict=True):
            assert face.box == other.box
            for name in ("eyes", "lips", "probabilities_frame", "probabilities"):
                ours, theirs = getattr(face, name), getattr(other, name)
                assert (ours is None) == (theirs is None)
                if ours is not None:
                    np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


def test_the_clip_has_something_to_compare(plain):
    assert all(result.faces for result in plain)
    shares = np.array([result.faces[0].probabilities_frame for result in plain])
    assert np.ptp(shares, axis=0).max() > 0.1


@pytest.mark.parametrize("classifiers", [1, 3])
def test_workers_change_nothing_at_all(models, plain, classifiers):
    assert_same(analyse(models, Workers(classifiers, batch=1)), plain, atol=0)


def test_in_the_callers_thread_the_results_are_the_same(models, plain):
    with Session(FirstFrames(), models=models, policy=Inline()) as session:
        assert_same(list(session), plain, atol=0)


def test_batches_change_no_more_than_rounding(models, plain):
    assert_same(analyse(models, Workers(2, batch=8)), plain, atol=1e-5)


@pytest.mark.parametrize("sparing", [{"finders": 2}, {"stride": 2}, {"finders": 2, "stride": 3}])
def test_sparing_landmarkers_keep_the_order_and_see_the_same_face(models, plain, sparing):
    results = analyse(models, Workers(2, **sparing))
    assert [result.frame.index for result in results] == list(range(FRAMES))
    away = []
    for result, wanted in zip(results, plain, strict=True):
        (face,), (other,) = result.faces, wanted.faces
        assert face.track_id == other.track_id
        assert np.abs(face.points - other.points).max() < 0.03 * other.box.width
        away.append(np.abs(face.probabilities - other.probabilities))
    # Where two emotions are even, a pixel turns the one into the other for some frames; seldom.
    assert np.max(away) < 0.15
    assert np.mean(away) < 0.02


@pytest.mark.parametrize(("cores", "classifiers"), [(1, 2), (2, 2), (3, 3), (64, 4)])
def test_there_is_a_worker_a_core_up_to_a_limit(cores, classifiers):
    assert default_classifiers(cores) == classifiers


@pytest.mark.parametrize("values", [{"classifiers": 0}, {"finders": 0}, {"batch": 0}, {"stride": 0}])
def test_a_team_has_members(values):
    with pytest.raises(ValueError, match="at least"):
        Workers(**values)
