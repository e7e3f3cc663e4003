import dataclasses

import pytest

from emotion.realtime.messages import UNCERTAIN
from emotion.realtime.sinks.spans import Change, SpanTracker
from tests.helpers.results import face, result


def changes(tracker, labels, step=100, start=0):
    """The changes from a row of labels of person 1, one each `step` milliseconds; - is nobody."""
    names = {"h": "happiness", "s": "sadness", "n": "neutral"}
    found = []
    for number, label in enumerate(labels):
        faces = [] if label == "-" else [face(names[label])]
        found += tracker.add(result(number, *faces, pts=start + step * number))
    return found


def short(found):
    return [(c.kind, round(c.seconds, 3), c.emotion) for c in found]


def test_a_change_is_dated_back_to_where_it_began():
    tracker = SpanTracker(dwell=0.3)
    assert short(changes(tracker, "hhhhhssss")) == [
        ("appeared", 0.0, "happiness"),
        ("changed", 0.5, "sadness"),
    ]
    (left,) = tracker.finish()
    assert left == Change("left", 1, pytest.approx(0.9), None, None, "sadness", pytest.approx(0.4))


def test_a_change_is_told_when_the_dwell_time_is_over_and_not_before():
    tracker = SpanTracker(dwell=0.3)
    assert changes(tracker, "hhh") == []
    (one,) = changes(tracker, "h", start=300)
    assert (one.kind, one.seconds, one.confidence) == ("appeared", 0.0, pytest.approx(0.9))


def test_a_flicker_is_no_news():
    tracker = SpanTracker(dwell=0.3)
    assert short(changes(tracker, "hhhhshhshhnnhhh")) == [("appeared", 0.0, "happiness")]
    assert tracker.finish()[0].lasted == pytest.approx(1.5)


def test_without_a_dwell_time_every_frame_counts():
    assert short(changes(SpanTracker(0), "hsh")) == [
        ("appeared", 0.0, "happiness"),
        ("changed", 0.1, "sadness"),
        ("changed", 0.2, "happiness"),
    ]


def test_a_short_absence_is_bridged_and_a_long_one_is_not():
    tracker = SpanTracker(0)
    assert short(changes(tracker, "hh---hh")) == [("appeared", 0.0, "happiness")]
    found = changes(tracker, "-------hh", start=700)
    assert short(found) == [("left", 0.7, None), ("appeared", 1.4, "happiness")]


def test_whoever_passes_by_never_appears():
    tracker = SpanTracker(dwell=0.5)
    assert changes(tracker, "hhh----------") == []
    assert tracker.finish() == []


def test_the_label_counts_and_not_the_strongest_emotion():
    tracker = SpanTracker(0)
    unsure = dataclasses.replace(face("fear"), label=UNCERTAIN)
    (one,) = tracker.add(result(0, unsure))
    assert (one.emotion, one.confidence) == (UNCERTAIN, None)


def test_people_are_told_apart():
    tracker = SpanTracker(0)
    tracker.add(result(0, face("fear", 1), face("anger", 2)))
    (one,) = tracker.add(result(1, face("fear", 1), face("neutral", 2)))
    assert (one.track_id, one.previous, one.emotion) == (2, "anger", "neutral")
    assert [c.track_id for c in tracker.finish()] == [1, 2]


def test_slow_frames_do_not_make_people_leave_early():
    tracker = SpanTracker(dwell=0.5)
    found = changes(tracker, "hhss", step=5000) + tracker.finish()
    assert short(found)[:2] == [("appeared", 0.0, "happiness"), ("changed", 10.0, "sadness")]


def test_time_that_goes_back_begins_anew():
    tracker = SpanTracker(0)
    changes(tracker, "hh", start=5000)
    assert short(changes(tracker, "h")) == [("left", 5.2, None), ("appeared", 0.0, "happiness")]
