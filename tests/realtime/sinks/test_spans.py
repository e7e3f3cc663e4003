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


def test_each_change_of_the_label_is_reported_at_once():
    tracker = SpanTracker()
    assert short(changes(tracker, "hhs")) == [("appeared", 0.0, "happiness"), ("changed", 0.2, "sadness")]
    (left,) = tracker.finish()
    assert left == Change("left", 1, pytest.approx(0.3), None, None, "sadness", pytest.approx(0.1))


def test_a_short_absence_is_bridged_and_a_long_one_is_not():
    tracker = SpanTracker()
    assert short(changes(tracker, "hh---hh")) == [("appeared", 0.0, "happiness")]
    found = changes(tracker, "-------hh", start=700)
    assert short(found) == [("left", 0.7, None), ("appeared", 1.4, "happiness")]


def test_whoever_passes_by_appears_and_leaves():
    tracker = SpanTracker()
    assert short(changes(tracker, "hhh----------")) == [("appeared", 0.0, "happiness"), ("left", 0.3, None)]


def test_the_label_counts_and_not_the_strongest_emotion():
    tracker = SpanTracker()
    unsure = dataclasses.replace(face("fear"), label=UNCERTAIN)
    (one,) = tracker.add(result(0, unsure))
    assert (one.emotion, one.confidence) == (UNCERTAIN, None)


def test_people_are_distinguished():
    tracker = SpanTracker()
    tracker.add(result(0, face("fear", 1), face("anger", 2)))
    (one,) = tracker.add(result(1, face("fear", 1), face("neutral", 2)))
    assert (one.track_id, one.previous, one.emotion) == (2, "anger", "neutral")
    assert [c.track_id for c in tracker.finish()] == [1, 2]


def test_slow_frames_do_not_make_people_leave_early():
    tracker = SpanTracker()
    found = changes(tracker, "hhss", step=5000) + tracker.finish()
    assert short(found)[:2] == [("appeared", 0.0, "happiness"), ("changed", 10.0, "sadness")]


def test_time_that_goes_back_begins_anew():
    tracker = SpanTracker()
    changes(tracker, "hh", start=5000)
    assert short(changes(tracker, "h")) == [("left", 5.2, None), ("appeared", 0.0, "happiness")]


@pytest.mark.parametrize(("away", "stays"), [(500, True), (501, False)])
def test_who_is_away_for_half_a_second_has_not_left(away, stays):
    tracker = SpanTracker()
    tracker.add(result(0, face("fear"), pts=0))
    found = tracker.add(result(1, pts=away))
    assert [one.kind for one in found] == ([] if stays else ["left"])


@pytest.mark.parametrize(("frames", "seconds"), [([0], 0.0), ([0, 300], 0.6), ([0, 5000], 5.5)])
def test_the_last_picture_lasts_as_long_as_the_one_before_and_half_a_second_at_most(frames, seconds):
    tracker = SpanTracker()
    for number, pts in enumerate(frames):
        tracker.add(result(number, face("fear"), pts=pts))
    (left,) = tracker.finish()
    assert (left.seconds, left.lasted) == (pytest.approx(seconds),) * 2
    assert tracker.finish() == []


def test_changes_at_one_time_are_told_by_when_they_were():
    tracker = SpanTracker()
    tracker.add(result(0, face("fear", 1), face("fear", 2), pts=0))
    tracker.add(result(1, face("fear", 2), pts=100))
    found = tracker.add(result(2, face("anger", 2), pts=700))
    assert [(one.kind, one.track_id, one.seconds) for one in found] == [
        ("left", 1, pytest.approx(0.1)),
        ("changed", 2, pytest.approx(0.7)),
    ]
