"""Playback: pictures in their time, results ahead of them, and the ways through a video."""

import json
import queue
import time

import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.playback.clock import PlayClock
from emotion.realtime.playback.player import Player
from emotion.realtime.playback.result_index import IndexedResult, ResultIndex, read_timeline
from emotion.realtime.sinks.csv_jsonl import JsonLinesTimeline
from emotion.realtime.sources.file import VideoFile
from tests.fakes.pipeline_parts import Gated
from tests.helpers import clips
from tests.helpers.results import face, result, sure, video_frame

STEP = 0.04


class Film:
    """Pictures every 40 ms, opened as often as is asked for."""

    def __init__(self, count=50):
        self.count = count
        self.opened = []
        self.closed = 0
        self.taken = -1

    def __call__(self, start):
        self.opened.append(start)
        return self.read(start)

    def wait_for(self, index):
        """Until a picture is decoded and waits to be shown."""
        deadline = time.monotonic() + 30
        while self.taken < index:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def read(self, start):
        try:
            for index in range(self.count):
                if index * STEP >= start - 1e-6:
                    yield video_frame(index)
                    self.taken = index
        finally:
            self.closed += 1


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def hands():
    return Time()


def player(hands, film=None, stages=(), known=None, **options):
    return Player(film or Film(), stages, known, step=STEP, clock=PlayClock(hands), **options)


def take(playing, seconds=30):
    """The next picture, however long it takes to be decoded and looked at."""
    end = time.monotonic() + seconds
    while True:
        try:
            return playing.take(0.01)
        except NothingYetError:
            assert time.monotonic() < end, "no picture"


def index(playing):
    return take(playing).frame.index


def nothing_comes(playing):
    with pytest.raises(NothingYetError):
        playing.take(0.03)
    return True


def seen_by(stage, playing, count):
    for _ in range(count):
        stage.entered.get(timeout=30)
    deadline = time.monotonic() + 30
    while len(playing.known) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def smiling(frame):
    return EmotionFrame(frame, (face("happiness"),))


def test_pictures_come_in_their_time(hands):
    with player(hands) as playing:
        assert index(playing) == 0
        assert nothing_comes(playing)
        for wanted in range(1, 5):
            hands.now += STEP + 1e-9
            assert index(playing) == wanted
            assert nothing_comes(playing)


def test_pictures_whose_time_has_passed_are_left_out_and_counted(hands):
    film = Film()
    with player(hands, film) as playing:
        assert index(playing) == 0
        film.wait_for(12)
        hands.now += 10 * STEP + 1e-9
        assert index(playing) == 10
        assert playing.late == 9


def test_twice_as_fast(hands):
    film = Film()
    with player(hands, film) as playing:
        assert index(playing) == 0
        film.wait_for(4)
        playing.clock.speed = 2.0
        hands.now += STEP + 1e-9
        assert index(playing) == 2


def test_pause_and_go_on(hands):
    with player(hands) as playing:
        assert index(playing) == 0
        playing.pause()
        hands.now += 100
        assert nothing_comes(playing)
        playing.pause(False)
        assert nothing_comes(playing)
        hands.now += STEP + 1e-9
        assert index(playing) == 1


def test_steps_forward_and_back(hands):
    with player(hands) as playing:
        assert index(playing) == 0
        for wanted in (1, 2, 3):
            playing.step()
            assert index(playing) == wanted
            assert nothing_comes(playing)
        for wanted in (2, 1, 0, 0):
            playing.step_back()
            assert index(playing) == wanted
        assert playing.paused


def test_seeking_gives_a_picture_at_once_also_while_paused(hands):
    film = Film()
    with player(hands, film) as playing:
        assert index(playing) == 0
        playing.pause()
        playing.seek(1.0)
        assert index(playing) == 25
        assert nothing_comes(playing)
        playing.seek(-7)
        assert index(playing) == 0
        assert film.opened == [0.0, 1.0, 0.0]
    assert film.closed == 3


def test_the_end_and_back(hands):
    film = Film(3)
    with player(hands, film) as playing:
        assert index(playing) == 0
        film.wait_for(2)
        hands.now += 100
        assert index(playing) == 2
        with pytest.raises(StopIteration):
            take(playing)
        playing.seek(0)
        assert index(playing) == 0


def test_results_run_ahead_and_are_shown_in_between(hands):
    models = Gated(smiling)
    with player(hands, Film(20), [models]) as playing:
        seen_by(models, playing, 20)
        first = take(playing)
        assert [one.emotion for one in first.faces] == ["happiness"]
        assert len(models.seen) == 20


def test_what_is_known_is_not_looked_at_again(hands):
    models, film = Gated(smiling), Film(20)
    with player(hands, film, [models]) as playing:
        seen_by(models, playing, 20)
        film.taken = -1
        playing.seek(0)
        assert take(playing).faces
        film.wait_for(19)
        with pytest.raises(queue.Empty):
            models.entered.get(timeout=0.2)
        assert [frame.index for frame in models.seen] == list(range(20))


def test_slow_models_look_at_what_is_still_to_come(hands):
    models = Gated(smiling, open_=False)
    with player(hands, Film(50), [models]) as playing:
        models.entered.get(timeout=30)
        assert index(playing) == 0
        hands.now += 0.5
        take(playing)
        before = len(models.seen)
        models.gate.set()
        deadline = time.monotonic() + 30
        while models.seen[-1].index < 40 and time.monotonic() < deadline:
            time.sleep(0.001)
        late = [frame.index for frame in models.seen[before + 2 :]]
        assert min(late) * STEP >= 0.5


def test_after_a_jump_the_models_look_at_no_picture_from_before_it(hands):
    models, film = Gated(smiling, open_=False), Film(50)
    with player(hands, film, [models]) as playing:
        models.entered.get(timeout=30)
        film.wait_for(40)
        before = len(models.seen)
        playing.pause()
        playing.seek(1.6)
        models.gate.set()
        seen_by(models, playing, 10)
        # One more was on its way between the feed and the models.
        assert min(frame.index for frame in models.seen[before + 2 :]) >= 40


def test_held_pictures_wait_for_their_results(hands):
    models = Gated(smiling, open_=False)
    with player(hands, Film(20), [models], hold=True) as playing:
        models.entered.get(timeout=30)
        hands.now += 1
        assert nothing_comes(playing)
        models.gate.set()
        assert take(playing).faces


def test_a_broken_stage_ends_it(hands):
    def crash(frame):
        raise RuntimeError("broken on purpose")

    with player(hands, stages=[Gated(crash)]) as playing, pytest.raises(RuntimeError, match="on purpose"):
        while True:
            take(playing)


def test_moments_in_any_order():
    known = ResultIndex()
    for seconds in (0.2, 0.0, 0.1, 0.2):
        known.add(IndexedResult(seconds, (face("fear"),)))
    assert len(known) == 3
    before, after = known.around(0.05)
    assert (before.seconds, after.seconds) == (0.0, 0.1)
    before, after = known.around(0.1)
    assert before is after
    assert known.covers(0.15)
    assert not known.covers(0.25)
    assert known.has(0.1)
    assert not known.has(0.15)
    assert known.around(5.0) == (None, None)


def test_a_timeline_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "t.jsonl"
    sink = JsonLinesTimeline(path)
    third = face("fear", 2, eyes=False, blendshapes=sure("anger", 0.7), seen={"lips": 0.4}, label="uncertain")
    sink.write(result(0, face("happiness", share=0.8), third), None)
    sink.write(result(1), None)
    sink.close()
    known = read_timeline(path)
    first, second = known.around(0.0)[0], known.around(0.04)[0]
    assert [(one.track_id, one.emotion) for one in first.faces] == [(1, "happiness"), (2, "fear")]
    assert first.faces[0].confidence == pytest.approx(0.8)
    assert first.faces[0].box == face("fear").box
    assert first.faces[1].regions["eyes"] is None
    assert first.faces[1].blendshapes == pytest.approx(sure("anger", 0.7), abs=1e-4)
    assert first.faces[0].blendshapes is None
    assert first.faces[1].seen == {"eyes": 0.0, "lips": 0.4}
    assert first.faces[1].label == "uncertain"
    assert second.faces == ()


@pytest.mark.parametrize(
    "text", ["no json", '{"seconds": 1}', json.dumps({"seconds": 1, "faces": [{}]}), "[1]"]
)
def test_what_is_no_timeline_is_refused(tmp_path, text):
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    with pytest.raises(SourceError, match="no timeline"):
        read_timeline(path)
    with pytest.raises(SourceError, match="cannot be read"):
        read_timeline(tmp_path / "none.jsonl")


@pytest.mark.parametrize("start", [0.0, 0.2, 0.39, 0.4, 1.16])
def test_a_file_from_a_time_on(tmp_path, start):
    path = tmp_path / "c.mp4"
    clips.clip(path, 30)
    with VideoFile(path, start=start) as video:
        shown = [(clips.number(frame.image), frame.seconds) for frame in video]
    first = next(n for n in range(30) if n * 0.04 >= start - 1e-9)
    assert [number for number, _ in shown] == list(range(first, 30))
    assert shown[0][1] == pytest.approx(first * 0.04)


def test_a_file_from_after_its_end_on(tmp_path):
    path = tmp_path / "c.mp4"
    clips.clip(path, 10)
    with VideoFile(path, start=99) as video:
        assert list(video) == []
