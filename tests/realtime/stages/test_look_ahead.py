"""People and what follows, together: from the models' answers to labels of a file."""

import weakref
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.messages import PredictionFrame, VideoFrame
from emotion.realtime.stages import look_ahead
from emotion.realtime.stages.look_ahead import LookAhead, _Votes
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.people import People
from tests.fakes.decoded import DecodedPicture
from tests.helpers.results import face as result_face
from tests.helpers.results import result as result_of
from tests.helpers.stage_inputs import face

HAPPY, SAD = np.eye(6, dtype=np.float32)[:2] * 0.7 + 0.05


def frame(index, seconds, rows, hidden=(), size=(8, 8)):
    """A frame of people side by side, on each of whom both regions agree."""
    picture = np.zeros((*size, 3), np.uint8)
    video_frame = VideoFrame(index, round(1e6 * seconds), Fraction(1, 1_000_000), 0.0, picture)
    faces = tuple(
        face(*((0.0, 0.0) if number in hidden else (1.0, 1.0)), left=300.0 * number)
        for number in range(len(rows))
    )
    rows = np.array(rows, np.float32).reshape(-1, 6)
    return PredictionFrame(video_frame, faces, np.stack([rows, rows]))


def run(frames, options=None, **more):
    """What is said of the frames, in two batches."""
    options = options or VoteOptions()
    people, stage = People(VoteWeights.equal(), options), LookAhead(options, **more)
    results = list(people.process(frames))
    half = len(results) // 2
    return [*stage.process(results[:half]), *stage.process(results[half:]), *stage.finish()]


def uneven():
    return np.cumsum(np.random.default_rng(7).uniform(0.01, 0.1, 120)).tolist()


@pytest.mark.parametrize(
    "times",
    [[n / fps for n in range(5 * fps)] for fps in (24, 30, 60)] + [uneven()],
    ids=["24", "30", "60", "uneven"],
)
def test_a_step_of_what_the_models_say_is_a_step_of_the_label_within_one_frame(times):
    step = 2.01
    results = run([frame(n, t, [HAPPY if t < step else SAD]) for n, t in enumerate(times)])
    labels = [result.faces[0].label for result in results]
    assert labels == ["happiness" if t < step else "sadness" for t in times]
    eyes = [int(result.faces[0].regions["eyes"].argmax()) for result in results]
    assert eyes == [int(t >= step) for t in times]


def test_alone_by_what_was_it_is_late():
    frames = [frame(n, n / 30, [HAPPY if n < 60 else SAD]) for n in range(120)]
    results = People(VoteWeights.equal(), VoteOptions()).process(frames)
    late = [result.faces[0].label for result in results].index("sadness") - 60
    assert 0.2 <= late / 30 < 0.35


def test_every_frame_comes_out_once_in_order_and_no_sooner_than_it_may():
    frames = [frame(n, n / 10, [HAPPY]) for n in range(40)]
    stage = LookAhead()
    results = list(People(VoteWeights.equal()).process(frames))
    given = [one.frame.index for one in stage.process(results)]
    assert given == list(range(30))
    assert [one.frame.index for one in stage.finish()] == list(range(30, 40))


def test_the_first_frame_says_what_is_seen_soon():
    hidden = [frame(n, n / 30, [HAPPY], hidden=[0]) for n in range(6)]
    seen = [frame(6 + n, 0.2 + n / 30, [HAPPY]) for n in range(30)]
    first, *_ = run([*hidden, *seen])
    (one,) = first.faces
    assert (one.label, one.known, one.old) == ("happiness", True, True)
    assert one.confidence == pytest.approx(0.75)


def test_of_whom_nothing_is_ever_seen_nothing_is_known():
    (one,) = run([frame(0, 0.0, [HAPPY], hidden=[0])])[0].faces
    assert (one.label, one.known, one.old) == ("uncertain", False, False)


def test_what_was_seen_stands_for_a_second_and_then_nothing_does():
    frames = [frame(n, n / 10, [HAPPY], hidden=[0] if n > 10 else []) for n in range(40)]
    faces = [result.faces[0] for result in run(frames)]
    assert [one.label for one in faces] == ["happiness"] * 21 + ["uncertain"] * 19
    assert [one.old for one in faces] == [False] * 11 + [True] * 10 + [False] * 19
    assert [one.known for one in faces] == [True] * 21 + [False] * 19
    assert faces[15].regions == {"eyes": None, "lips": None}


def test_people_are_decided_apart_through_absences():
    def rows(n):
        return [] if 20 <= n < 30 else [HAPPY, SAD if n < 60 else HAPPY]

    results = run([frame(n, n / 30, rows(n)) for n in range(120)])
    assert [len(result.faces) for result in results] == [0 if 20 <= n < 30 else 2 for n in range(120)]
    reported = [(face.track_id, face.label) for result in results[30:] for face in result.faces]
    assert {label for track, label in reported if track == 1} == {"happiness"}
    assert [label for track, label in reported if track == 2] == ["sadness"] * 30 + ["happiness"] * 60


def test_pictures_that_wait_are_bounded_and_steps_are_still_steps():
    size = (100, 100)
    frames = [frame(n, n / 30, [HAPPY if n < 60 else SAD], size=size) for n in range(120)]
    stage = LookAhead(VoteOptions(), most_bytes=10 * 30_000)
    given, waiting = [], 0
    for count, result in enumerate(People(VoteWeights.equal()).process(frames), start=1):
        given += stage.process([result])
        waiting = max(waiting, count - len(given))
    assert waiting == 10
    given += stage.finish()
    assert [one.faces[0].label for one in given] == ["happiness"] * 60 + ["sadness"] * 60


def test_pictures_wait_as_they_were_decoded_and_no_image_is_made():
    pictures = [DecodedPicture(np.full((100, 100, 3), n, np.uint8)) for n in range(40)]
    frames = [frame(n, n / 30, [HAPPY]) for n in range(40)]
    frames = [
        replace(one, frame=replace(one.frame, picture=picture))
        for one, picture in zip(frames, pictures, strict=True)
    ]
    results = list(People(VoteWeights.equal()).process(frames))
    # In half of the bytes twice as many fit: it looks as far ahead as nine images would let it.
    stage = LookAhead(VoteOptions(), most_bytes=10 * 15_000)
    given = list(stage.process(results))
    assert 40 - len(given) == 10
    given += stage.finish()
    assert [one.frame.picture for one in given] == pictures
    assert not any(picture.made for picture in pictures)


@pytest.mark.parametrize(
    ("nbytes", "rate", "most"),
    [
        (3.1e6, 50, 50),  # 1920x1080: a second
        (12.4e6, 30, 16),  # 3840x2160: half a second, in which labels are nearly as sure as in a whole one
        (12.4e6, 60, 24),  # so many at most: less than half a second
        (24.9e6, 30, 12),  # 3840x2160 in ten bits, likewise
        (400e6, 30, 0),  # 16384x8192: not one
    ],
)
def test_large_pictures_wait_for_half_a_second(nbytes, rate, most):
    class Large(DecodedPicture):
        nbytes = 0

    Large.nbytes = nbytes
    plain = [frame(n, n / rate, [HAPPY]) for n in range(100)]
    large = [replace(one, frame=replace(one.frame, picture=Large(one.frame.image))) for one in plain]
    stage = LookAhead()
    given = list(stage.process(list(People(VoteWeights.equal()).process(large))))
    assert 100 - len(given) == most


@pytest.mark.parametrize("most", [15_000, 10 * 15_000, 300e6])
def test_where_nobody_looks_at_pictures_none_waits_and_the_results_are_the_same(most):
    given = []
    for pictures in (True, False):
        people, stage = People(VoteWeights.equal()), LookAhead(most_bytes=most, pictures=pictures)
        counts, out = [], []
        for n in range(90):
            picture = DecodedPicture(np.full((100, 100, 3), n, np.uint8))
            plain = frame(n, n / 30, [HAPPY if n < 45 else SAD])
            shown = replace(plain, frame=replace(plain.frame, picture=picture))
            held = weakref.ref(picture)
            del picture, plain
            out += stage.process(list(people.process([shown])))
            del shown
            assert pictures or held() is None
            counts.append(len(out))
        out += stage.finish()
        assert {one.frame.shape for one in out} == {(100, 100, 3)}
        given.append((counts, [one.faces[0].label for one in out]))
    assert given[0] == given[1]


def test_time_that_goes_back_begins_anew():
    frames = [frame(n, 5 + n / 30, [HAPPY]) for n in range(30)] + [
        frame(30 + n, n / 30, [SAD]) for n in range(30)
    ]
    results = run(frames)
    assert [one.frame.index for one in results] == list(range(60))
    assert [one.faces[0].label for one in results] == ["happiness"] * 30 + ["sadness"] * 30


def test_a_gap_forgets_nobody_whose_frames_still_wait():
    frames = [frame(0, 0.0, [HAPPY]), frame(1, 0.5, [HAPPY, SAD]), frame(2, 30.0, [HAPPY])]
    assert [len(result.faces) for result in run(frames)] == [1, 2, 1]


def test_a_step_from_one_who_is_sure_to_one_who_is_not_is_within_one_frame():
    sure, hardly = np.eye(6, dtype=np.float32)[:2] * [[0.95], [0.40]] + [[0.008], [0.1]]
    frames = [frame(n, n / 30, [hardly if 30 <= n < 66 else sure]) for n in range(96)]
    labels = [result.faces[0].label for result in run(frames)]
    right = ["sadness" if 30 <= n < 66 else "happiness" for n in range(96)]
    wrong = [n for n in range(96) if labels[n] != right[n]]
    assert all(min(abs(n - 30), abs(n - 65), abs(n - 66)) <= 1 for n in wrong)
    assert len(wrong) <= 2


class Large:
    """A decoded picture of so many bytes, without them."""

    shape = (8, 8, 3)

    def __init__(self, nbytes):
        self.nbytes = nbytes


@pytest.mark.parametrize(("more", "given"), [(0, 0), (1, 1)])
def test_three_hundred_million_bytes_of_pictures_may_wait(more, given):
    results = list(People(VoteWeights.equal()).process([frame(n, n / 30, [HAPPY]) for n in range(2)]))
    results = [
        replace(one, frame=replace(one.frame, picture=Large(150_000_000 + n * more)))
        for n, one in enumerate(results)
    ]
    assert len(list(LookAhead().process(results))) == given


@pytest.mark.parametrize(("away", "known"), [(5.0, {1, 2}), (5.01, {1})])
def test_who_is_away_for_more_than_five_seconds_is_forgotten(away, known):
    # The frame at 2 is given on when that at the end comes.
    results = [
        result_of(0, result_face("fear", 1), result_face("fear", 2), pts=0),
        result_of(1, result_face("fear", 1), pts=2000),
        result_of(2, result_face("fear", 1), pts=round(1000 * away)),
    ]
    stage = LookAhead()
    assert len(list(stage.process(results))) == 2
    assert set(stage._people) == known


def test_what_was_said_long_ago_makes_room_and_nothing_is_mixed_up():
    votes = _Votes(np.zeros((2, 6), np.float32))
    kept = []
    for number in range(700):
        votes.append(float(number), np.full((2, 6), number, np.float32))
        kept.append(float(number))
        while len(kept) > (10 if number < 300 else 200):
            votes.drop_first()
            kept.pop(0)
        assert votes.times.tolist() == kept == votes.rows[:, 1, 3].tolist()


def asked_of(monkeypatch, at, times, ahead=0.5, ends=False):
    """What is smoothed of a moment: near votes, which of them it is, those from it on, whether they end."""
    found = []
    monkeypatch.setattr(look_ahead, "both_ways_of_all", lambda *given: found.append(given) or ())
    person = look_ahead._Person(VoteOptions(), _Votes(np.zeros((4, 6), np.float32)))
    for seconds in times:
        person.see(seconds, result_face("fear", share=0.1 + seconds / 10))
    person._both_ways(None, person.seen[at], at, ahead, ends)
    ((_, befores, near, now, seconds, later, rows, tau, over),) = found
    assert (seconds, tau, len(rows)) == (times[at], 0.3, len(later))
    assert [before.shares for before in befores] == [None] * 4
    near_times = [round(10 * float(share) - 1, 4) for share in near[:, 0, EMOTIONS.index("fear")]]
    return near_times, now, later.tolist(), over


@pytest.mark.parametrize(
    ("at", "near", "now"),
    [
        (0, [0.0], 0),
        (3, [0.2, 0.29, 0.3, 0.4], 2),
        (4, [0.3, 0.4, 0.401], 1),
        (5, [0.4, 0.401], 1),
        (6, [2.0], 0),
    ],
)
def test_votes_within_a_tenth_of_a_second_tell_a_flicker_from_a_step(monkeypatch, at, near, now):
    times = [0.0, 0.2, 0.29, 0.3, 0.4, 0.401, 2.0]
    assert asked_of(monkeypatch, at, times)[:2] == (near, now)


@pytest.mark.parametrize(
    ("ahead", "ends", "later", "over"),
    [
        (0.5, False, [0.2, 0.5, 0.7], True),
        (0.49, False, [0.2, 0.5], True),
        (0.6, False, [0.2, 0.5, 0.7, 0.8], False),
        (0.6, True, [0.2, 0.5, 0.7, 0.8], True),
    ],
)
def test_what_follows_is_known_as_far_as_one_looks(monkeypatch, ahead, ends, later, over):
    """Behind the last vote nothing is known yet, unless more are there or nothing follows."""
    assert asked_of(monkeypatch, 1, [0.0, 0.2, 0.5, 0.7, 0.8], ahead, ends)[2:] == (later, over)


@pytest.mark.parametrize(("dwell", "for_label"), [(0.25, 0.35), (0.4, 0.5), (2.0, 0.5), (0.0, 0.1)])
def test_half_a_second_at_most_is_for_the_label_and_the_rest_for_smoothing(monkeypatch, dwell, for_label):
    person = look_ahead._Person(VoteOptions(dwell=dwell), _Votes(np.zeros((4, 6), np.float32)))
    asked = []

    def smooth(near, ahead, now):
        asked.append(([one.seconds for one in near], ahead, now))
        raise StopIteration

    monkeypatch.setattr(look_ahead._Person, "_smooth", lambda self, *given: smooth(*given))
    times = [n / 20 for n in range(12)]
    for seconds in times:
        person.see(seconds, result_face("fear"))
    for ended, now in ((False, 0.55), (True, np.inf)):
        with pytest.raises(StopIteration):
            person.decide(0.55, ended)
        near, ahead, until = asked.pop()
        assert near == [seconds for seconds in times if seconds <= for_label + 1e-9]
        assert (ahead, until) == (pytest.approx(1 - for_label), now)


def test_where_time_goes_back_another_stream_begins():
    people, stage = People(VoteWeights.equal()), LookAhead()
    first = list(people.process([frame(n, 5 + 0.1 * n, [HAPPY]) for n in range(8)]))
    second = list(people.process([frame(8 + n, 0.1 * n, [SAD]) for n in range(8)]))
    early = [*stage.process(first), *stage.process(second[:1])]
    assert [one.frame.index for one in early] == list(range(8))
    late = [*stage.process(second[1:]), *stage.finish()]
    assert [one.frame.index for one in late] == list(range(8, 16))
    assert {one.faces[0].label for one in early} == {"happiness"}
    assert {one.faces[0].label for one in late} == {"sadness"}
