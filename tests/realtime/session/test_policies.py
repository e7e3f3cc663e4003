"""However many workers share the work, the results are those of a plain loop."""

import inspect
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from emotion.models.engines.options import EngineOptions
from emotion.models.errors import OptionError
from emotion.models.manifest import ZOO, read_manifest
from emotion.models.regions import REGIONS
from emotion.models.schema import SHIPPED
from emotion.realtime.media import VideoInfo
from emotion.realtime.monitoring.metrics import SILENT
from emotion.realtime.options import Options
from emotion.realtime.session import (
    EveryFrame,
    Inline,
    Models,
    NewestFrame,
    Session,
    Workers,
    default_classifiers,
    policies,
)
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.stages.look_ahead import LookAhead
from emotion.realtime.stages.options import FaceOptions, VoteOptions
from tests.helpers.results import video_frame
from tests.helpers.shipped_models import shipped_models

FRAMES = 60

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def models():
    return shipped_models("fp32")


class FirstFrames:
    """The beginning of the bundled clip."""

    def __iter__(self):
        with VideoFile(DEMO) as video:
            for _, frame in zip(range(FRAMES), video, strict=False):
                yield frame


@pytest.fixture(scope="module")
def causal(models):
    """Every frame through every stage, one after the other: no thread, no batch."""
    results = list(FirstFrames())
    options = Options(vote=VoteOptions(causal=True))
    for stage in EveryFrame(Workers(1, 1, 1, 1)).stages(models, options):
        worker = stage[0] if isinstance(stage, list) else stage
        results = [result for item in results for result in worker.process([item])]
        worker.close()
    return results


@pytest.fixture(scope="module")
def plain(causal):
    """The same, with what follows known."""
    stage = LookAhead()
    return [*(result for item in causal for result in stage.process([item])), *stage.finish()]


def analyse(models, workers, **vote):
    options = Options(vote=VoteOptions(**vote))
    with Session(FirstFrames(), options, models, EveryFrame(workers)) as session:
        return list(session)


def assert_same(results, expected, atol):
    assert [result.frame.index for result in results] == list(range(FRAMES))
    for result, wanted in zip(results, expected, strict=True):
        assert [face.track_id for face in result.faces] == [face.track_id for face in wanted.faces]
        for face, other in zip(result.faces, wanted.faces, strict=True):
            assert face.box == other.box
            for name in ("eyes", "lips", "probabilities_frame", "probabilities"):
                ours, theirs = face.probabilities_of(name), other.probabilities_of(name)
                assert (ours is None) == (theirs is None)
                if ours is not None:
                    np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


def test_the_clip_has_something_to_compare(plain):
    assert all(result.faces for result in plain)
    shares = np.array([result.faces[0].probabilities_frame for result in plain])
    assert np.ptp(shares, axis=0).max() > 0.1


@pytest.mark.parametrize("classifiers", [1, 3])
def test_workers_change_nothing_at_all(models, plain, classifiers):
    assert_same(analyse(models, Workers(classifiers, 1, 1, 1)), plain, atol=0)


def test_in_the_callers_thread_the_results_are_the_same(models, causal):
    with Session(FirstFrames(), models=models, policy=Inline()) as session:
        assert_same(list(session), causal, atol=0)


def test_batches_change_no_more_than_rounding(models, plain):
    assert_same(analyse(models, Workers(2, 1, 8, 1)), plain, atol=1e-5)


SPARING = pytest.mark.parametrize("sparing", [{"finders": 2}, {"stride": 2}, {}, {"finders": 2, "stride": 3}])


def differences(results, expected):
    """By how much each frame's probabilities differ, float32 (frames, classes)."""
    assert [result.frame.index for result in results] == list(range(FRAMES))
    away = []
    for result, wanted in zip(results, expected, strict=True):
        (face,), (other,) = result.faces, wanted.faces
        assert face.track_id == other.track_id
        assert np.abs(face.points - other.points).max() < 0.03 * other.box.width
        away.append(np.abs(face.probabilities - other.probabilities))
    return np.array(away)


@SPARING
def test_sparing_landmarkers_keep_the_order_and_see_the_same_face(models, causal, sparing):
    away = differences(analyse(models, Workers(2, **sparing), causal=True), causal)
    # Where two emotions are even, a pixel turns the one into the other for some frames; seldom.
    assert away.max() < 0.15
    assert away.mean() < 0.02


@SPARING
def test_sparing_landmarkers_hardly_change_what_is_said_of_a_file(models, plain, sparing):
    """A step may lie a frame earlier or later, at which single frames differ by more."""
    assert differences(analyse(models, Workers(2, **sparing)), plain).mean() < 0.02


@pytest.mark.parametrize(("cores", "classifiers"), [(1, 2), (2, 2), (3, 3), (64, 4)])
def test_there_is_a_worker_a_core_up_to_a_limit(cores, classifiers):
    assert default_classifiers(cores) == classifiers


@pytest.mark.parametrize("values", [{"classifiers": 0}, {"finders": 0}, {"batch": 0}, {"stride": 0}])
def test_a_team_has_members(values):
    with pytest.raises(ValueError, match="at least"):
        Workers(**values)


def wanted(**engine):
    return Options(
        faces=FaceOptions(max_faces=7, finders=3, stride=2),
        vote=VoteOptions(smooth=0.9),
        live=LiveOptions(max_latency=150),
        engine=EngineOptions(**engine),
    )


def test_options_say_how_work_is_shared_out():
    assert Workers.of(wanted(workers=3, batch=5)) == Workers(classifiers=3, finders=3, batch=5, stride=2)
    assert Workers.of(Options()) == Workers()


@pytest.fixture
def made(monkeypatch):
    """The arguments by name with which stages are made, without making any that is heavy."""
    calls = {}

    def noting(name):
        named = inspect.signature(getattr(policies, name)).bind
        return lambda *args, **more: calls.setdefault(name, []).append(named(*args, **more).arguments)

    for name in ("FaceFinder", "EmotionClassifier", "LoadSheddingClassifier", "People"):
        monkeypatch.setattr(policies, name, noting(name))
    return calls


LOADED = tuple(SimpleNamespace(manifest=read_manifest(ZOO, name)) for name in REGIONS.names)
FOUND = {"max_faces": 7, "nets": "nets", "regions": REGIONS, "pose": False}
"""How faces are found with `wanted()`, whatever the policy."""


def test_every_frame_gives_its_stages_what_the_options_say(made):
    models, options = Models(LOADED, "weights", "nets"), wanted(workers=3, batch=5)
    steps = EveryFrame().stages(models, options)
    assert [len(step) if isinstance(step, list) else 1 for step in steps] == [1, 3, 1, 1]
    assert made["FaceFinder"] == [FOUND | {"turns": 3, "stride": 2}]
    assert made["EmotionClassifier"] == [{"models": LOADED, "batch": 5, "full": True, "schema": SHIPPED}] * 3
    assert made["People"] == [{"weights": "weights", "options": options.vote}]


def test_nothing_is_asked_of_pictures_that_are_too_small_for_faces(made):
    models, options = Models(LOADED, "weights"), Options(faces=FaceOptions(columns=("quality",)))
    no_faces, details = EveryFrame(size=(640, 16)).stages(models, options)
    assert (no_faces.name, made) == ("no faces", {})
    results = details.process(no_faces.process([video_frame(3), video_frame(4)]))
    assert [(one.frame.index, one.faces, one.schema, one.details) for one in results] == [
        (index, (), SHIPPED, ("quality",)) for index in (3, 4)
    ]
    EveryFrame(size=(640, 24)).stages(models, options)
    assert len(made["FaceFinder"]) == 1


@pytest.mark.parametrize(
    ("size", "asked", "batch"),
    [
        ((640, 480), 8, 8),
        ((1280, 720), 8, 8),
        ((1920, 1080), 8, 4),
        ((1080, 1920), 2, 2),
        ((3840, 2160), 8, 1),
        ((7680, 4320), 8, 1),
        (None, 8, 8),
    ],
)
def test_few_large_pictures_are_held_by_a_classifier(made, size, asked, batch):
    options = wanted(workers=1, batch=asked)
    EveryFrame(size=size).stages(Models(LOADED, "weights"), options)
    assert [arguments["batch"] for arguments in made["EmotionClassifier"]] == [batch]


def test_workers_that_are_named_count_more_than_options(made):
    models = Models(LOADED, "weights")
    EveryFrame(Workers(1, 2, 3, 4)).stages(models, wanted(workers=3))
    assert made["FaceFinder"] == [FOUND | {"nets": None, "turns": 2, "stride": 4}]
    assert made["EmotionClassifier"] == [{"models": LOADED, "batch": 3, "full": True, "schema": SHIPPED}]


def test_the_newest_frame_is_never_kept_waiting_for_a_batch_or_a_stride(made):
    models, options = Models(LOADED, "weights", "nets"), wanted(workers=3, batch=5)
    policy = NewestFrame.of(options)
    policy.stages(models, options)
    assert made["FaceFinder"] == [FOUND | {"deferred": True}]
    assert made["EmotionClassifier"] == [{"models": LOADED, "batch": 1, "schema": SHIPPED}]
    assert made["LoadSheddingClassifier"][0]["load_shedder"] is policy.load_shedder
    assert made["People"] == [{"weights": "weights", "options": options.vote}]


@pytest.mark.parametrize("landmarks", ["auto", "mediapipe"])
def test_mediapipe_itself_tells_the_pose(made, landmarks):
    options = Options(faces=FaceOptions(columns=("pose",)), engine=EngineOptions(landmarks=landmarks))
    for policy in (EveryFrame(), NewestFrame(), Inline()):
        policy.stages(Models(LOADED, "weights", "nets"), options)
    assert [(one["nets"], one["pose"]) for one in made["FaceFinder"]] == [(None, True)] * 3


def test_its_nets_alone_do_not(made):
    options = Options(faces=FaceOptions(columns=("pose",)), engine=EngineOptions(landmarks="onnx"))
    with pytest.raises(OptionError, match="auto or mediapipe"):
        Inline().stages(Models(LOADED, "weights", "nets"), options)


def test_inline_looks_at_each_frame_and_no_two_together(made):
    models, options = Models(LOADED, "weights", "nets"), wanted(workers=3, batch=5)
    Inline().stages(models, options)
    assert made["FaceFinder"] == [FOUND | {"turns": 1, "stride": 1}]
    assert made["EmotionClassifier"] == [{"models": LOADED, "batch": 1, "full": True, "schema": SHIPPED}]
    assert made["People"] == [{"weights": "weights", "options": options.vote}]


@pytest.mark.parametrize(("latency", "sheds"), [(None, False), (100, True)])
def test_the_latency_to_aim_at_is_that_of_the_options(latency, sheds):
    shedder = NewestFrame.of(Options(live=LiveOptions(max_latency=latency))).load_shedder
    # 0.15 seconds, result after result: too late for 100 milliseconds.
    changes = [shedder.note(0.15, 0.2 * number) for number in range(20)]
    assert any(changes) == sheds


def names(policy, models, **vote):
    stages = policy.stages(models, Options(vote=VoteOptions(**vote)))
    reported = [(stage[0] if isinstance(stage, list) else stage).name for stage in stages]
    for stage in stages:
        for worker in stage if isinstance(stage, list) else [stage]:
            worker.close()
    return reported


def test_only_of_files_is_it_known_what_follows(models):
    assert names(EveryFrame(), models)[-1] == "look ahead"
    assert names(EveryFrame(), models, causal=True)[-1] == "people"
    assert names(EveryFrame(), models, smooth=0)[-1] == "people"
    for policy in (NewestFrame(), Inline()):
        assert names(policy, models)[-1] == "people"


class Source(list):
    def __init__(self, width, height):
        super().__init__()
        self.info = VideoInfo(path=None, width=width, height=height, time_base=Fraction(1, 30))


@pytest.mark.parametrize(
    ("source", "asked", "shown", "capacity"),
    [
        (Source(1280, 720), None, True, None),
        (Source(1920, 1080), None, True, 2),
        (Source(1080, 1920), None, True, 2),
        (Source(3840, 2160), None, True, 0),
        (Source(3840, 2160), None, False, 2),
        (Source(3840, 2160), 5, True, 5),
        ([], None, True, None),
    ],
)
def test_few_large_pictures_wait(monkeypatch, source, asked, shown, capacity):
    made = []

    class Results:
        def __class_getitem__(cls, item):
            return lambda *args, **more: made.append(more["capacity"])

    monkeypatch.setattr(policies, "Pipeline", Results)
    EveryFrame(capacity=asked, pictures=shown).start(source, [], SILENT)
    assert made == [capacity]
