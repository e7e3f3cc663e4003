"""The one assembly: what each policy does with a source, with stages that the tests hold in their hands."""

import gc
import threading
import time
import weakref
from dataclasses import replace

import pytest

from emotion.models.errors import ModelFileError
from emotion.models.native.memory import LIVE_TURNOVER, Turnover
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.session import EveryFrame, Inline, NewestFrame, Session, session
from emotion.realtime.stages.load_shedding import LEVELS, LoadShedder
from tests.fakes.pipeline_parts import FakeSink, Fed, Gated
from tests.helpers.results import face, video_frame

PATIENCE = 30
POLICIES = [EveryFrame(), NewestFrame(), Inline()]


def smiling(frame):
    return EmotionFrame(frame, (face("happiness"),))


class Film:
    """So many frames, then perhaps an error; tells in which thread it was read, and when it was closed."""

    def __init__(self, count=3, error=None):
        self.count, self.error = count, error
        self.read_in, self.closed = None, threading.Event()

    def __iter__(self):
        self.read_in = threading.current_thread()
        yield from map(video_frame, range(self.count))
        if self.error:
            raise self.error

    def close(self):
        assert not self.closed.is_set()
        self.closed.set()


class Broken:
    """A policy that cannot make its stages, or not set them to work."""

    def __init__(self, at):
        self.at = at

    def stages(self, *of):
        if self.at == "stages":
            raise ModelFileError("damaged")
        return []

    def start(self, *of):
        raise ModelFileError("damaged")


def indices(results):
    return [result.frame.index for result in results]


@pytest.mark.parametrize("policy", [EveryFrame(), EveryFrame(capacity=1), Inline()])
def test_every_frame_has_its_result_in_order(policy):
    source, stage = Film(50), Gated(smiling)
    with Session(source, policy=policy, stages=[stage]) as session:
        results = list(session)
        assert list(session) == []
    assert indices(results) == list(range(50))
    assert all(result.faces[0].emotion == "happiness" for result in results)
    assert source.closed.is_set()
    assert stage.closed.is_set()


def test_only_inline_is_done_in_the_callers_thread_and_not_ahead_of_it():
    for policy in POLICIES:
        source, stage = Film(), Gated(smiling)
        with Session(source, policy=policy, stages=[stage]) as session:
            if isinstance(policy, Inline):
                assert source.read_in is None
            next(session)
            here = source.read_in is threading.current_thread()
            assert here == isinstance(policy, Inline)


def test_files_are_worked_on_ahead_but_not_without_end():
    source, stage = Film(1000), Gated(smiling)
    with Session(source, policy=EveryFrame(capacity=2), stages=[stage]) as session:
        for _ in range(3):
            stage.entered.get(timeout=PATIENCE)
        assert next(session).frame.index == 0
    assert len(stage.seen) < 20


def test_the_newest_frame_is_analysed_and_no_more_than_two_are_in_work():
    source, metrics = Fed(), Metrics()
    first, second = Gated(lambda frame: frame), Gated(smiling, open_=False)
    second.name = "second"
    with Session(source, policy=NewestFrame(), stages=[first, second], observer=metrics) as session:
        for index in range(2):
            source.put(video_frame(index))
            assert first.entered.get(timeout=PATIENCE).index == index
        # Neither has been taken as a result, so the source's others wait at the door, the newest only.
        for index in range(2, 9):
            source.put(video_frame(index))
        source.end()
        assert source.closed.wait(PATIENCE)
        second.gate.set()
        assert indices(session) == [0, 1, 8]
    assert metrics.snapshot()["source"].dropped == 6
    assert metrics.snapshot()["source"].given == 3


def test_a_slow_consumer_gets_results_of_new_frames():
    source, stage = Fed(), Gated(smiling)
    with Session(source, policy=NewestFrame(), stages=[stage]) as session:
        for index in range(2):
            source.put(video_frame(index))
            assert stage.entered.get(timeout=PATIENCE).index == index
        for index in range(2, 100):
            source.put(video_frame(index))
        source.end()
        assert source.closed.wait(PATIENCE)
        assert indices(session) == [0, 1, 99]


class Noting(LoadShedder):
    """Goes to the level that leaves out most, from its first result on."""

    def __init__(self):
        super().__init__(None)
        self.noted = []

    @property
    def saving(self):
        return replace(LEVELS[-1 if self.noted else 0], faces_every=3 if self.noted else 1)

    def note(self, latency, now):
        self.noted.append((latency, now))
        return len(self.noted) == 1


def test_the_load_shedder_hears_of_each_result_and_is_obeyed():
    source, stage, shedder = Fed(), Gated(smiling), Noting()
    with Session(source, policy=NewestFrame(shedder), stages=[stage]) as session:
        source.put(replace(video_frame(0), captured_at=time.monotonic() - 7))
        assert next(session).frame.index == 0
        ((latency, now),) = shedder.noted
        assert 7 <= latency < 7 + PATIENCE
        assert now == pytest.approx(time.monotonic(), abs=PATIENCE)
        for index in range(1, 7):
            source.put(video_frame(index))
            if index % 3 == 0:
                assert next(session).frame.index == index
        source.end()
        assert list(session) == []
    assert [frame.index for frame in stage.seen] == [0, 3, 6]
    assert len(shedder.noted) == 3


@pytest.mark.parametrize("policy", POLICIES)
def test_an_error_of_the_source_comes_after_what_precedes_it_and_closes_all(policy):
    error = OSError("torn")
    source, stage = Film(1, error), Gated(smiling)
    session = Session(source, policy=policy, stages=[stage])
    assert next(session).frame.index == 0
    with pytest.raises(OSError, match="torn") as raised:
        next(session)
    assert raised.value is error
    assert source.closed.is_set()
    assert stage.closed.is_set()


@pytest.mark.parametrize("policy", POLICIES)
def test_an_error_of_a_stage_names_it_and_the_frame(policy):
    def crash(frame):
        raise RuntimeError("broken on purpose")

    source = Film()
    with (
        Session(source, policy=policy, stages=[Gated(crash)]) as session,
        pytest.raises(RuntimeError) as raised,
    ):
        next(session)
    (note,) = raised.value.__notes__
    assert note.startswith("in the stage gated, at frame ")
    assert source.closed.is_set()


@pytest.mark.parametrize("policy", POLICIES)
def test_leaving_it_early_closes_source_and_stages(policy):
    source, stage = Film(1000), Gated(smiling)
    with Session(source, policy=policy, stages=[stage]) as session:
        next(session)
    session.close()
    assert source.closed.is_set()
    assert stage.closed.is_set()


@pytest.mark.parametrize("policy", [EveryFrame(), NewestFrame()])
def test_closing_frees_a_source_that_waits(policy):
    source, stage = Fed(), Gated(smiling)
    session = Session(source, policy=policy, stages=[stage])
    source.put(video_frame(0))
    next(session)
    session.close()
    assert source.closed.is_set()
    assert list(session) == []


@pytest.mark.parametrize("policy", [EveryFrame(), NewestFrame()])
def test_one_that_is_forgotten_stops(policy):
    source, stage = Fed(), Gated(smiling)
    gc.disable()
    try:
        session = weakref.ref(Session(source, policy=policy, stages=[stage]))
        assert session() is None
    finally:
        gc.enable()
    assert source.closed.wait(PATIENCE)
    assert stage.closed.wait(PATIENCE)


@pytest.mark.parametrize("at", ["stages", "start"])
def test_a_source_is_closed_where_the_stages_cannot_be_made(at):
    source = Film()
    with pytest.raises(ModelFileError, match="damaged"):
        Session(source, models=object(), policy=Broken(at))
    assert source.closed.is_set()


@pytest.mark.parametrize("policy", POLICIES)
def test_the_observer_hears_of_source_and_stages(policy):
    metrics = Metrics()
    with Session(Film(1), policy=policy, stages=[Gated(smiling)], observer=metrics) as session:
        assert len(list(session)) == 1
    report = metrics.snapshot()
    assert [stage.name for stage in report.stages] == ["source", "gated"]
    assert (report["source"].given, report["gated"].taken, report["gated"].given) == (1, 1, 1)


def test_a_run_gives_each_frames_own_picture_where_nothing_is_drawn():
    sink, pictures = FakeSink(), []
    sink.write = lambda result, image: pictures.append((result, image))
    with Session(Film(3), stages=[Gated(smiling)]) as session:
        session.run(sink)
    assert [result.frame.index for result, _ in pictures] == [0, 1, 2]
    assert all(image is result.frame.image for result, image in pictures)
    assert sink.end is None  # whoever opened it closes it


def test_a_run_draws_writes_and_tells_in_this_order():
    reported, sink = [], FakeSink()
    picture = video_frame(0).image
    sink.write = lambda result, image: reported.append(("write", image is picture))

    def draw(result):
        reported.append(("draw", result.frame.index))
        return picture

    with Session(Film(2), stages=[Gated(smiling)]) as session:
        session.run(sink, draw, lambda result: reported.append(("listen", result.frame.index)))
    assert reported == [
        step for index in (0, 1) for step in (("draw", index), ("write", True), ("listen", index))
    ]


def test_a_run_ends_with_the_sinks_error():
    sink, source = FakeSink(error=OSError("full"), error_at=1), Film(1000)
    with pytest.raises(OSError, match="full"), Session(source, stages=[Gated(smiling)]) as session:
        session.run(sink)
    assert sink.seen == [0]
    assert source.closed.is_set()


def test_memory_is_given_back_as_pictures_pass(monkeypatch):
    passed = []
    monkeypatch.setattr(Turnover, "passed", lambda self, nbytes: passed.append(nbytes))
    frames = [EmotionFrame(video_frame(index), ()) for index in range(5)]
    with Session(frames, policy=Inline(), stages=[]) as results:
        assert len(list(results)) == 5
    assert passed == [result.frame.nbytes for result in frames]


@pytest.mark.parametrize(("policy", "limits"), [(Inline, ()), (NewestFrame, (LIVE_TURNOVER,))])
def test_memory_is_given_back_seldom_where_somebody_waits_for_each_picture(monkeypatch, policy, limits):
    made = []
    monkeypatch.setattr(session, "Turnover", lambda *limits: made.append(limits) or Turnover(*limits))
    with Session(Film(1), policy=policy(), stages=[Gated(smiling)]) as results:
        assert len(list(results)) == 1
    assert made == [limits]
