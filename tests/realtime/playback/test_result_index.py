"""What is thought of faces, by time: what is kept, what is forgotten, and how far it reaches."""

from dataclasses import replace
from math import inf

import pytest

from emotion.realtime.playback.result_index import IndexedResult, ResultIndex
from tests.helpers.results import face, result


def index(*seconds, **options):
    made = ResultIndex(**options)
    for one in seconds:
        made.add(IndexedResult(one, (face("fear"),)))
    return made


def times(made, at):
    return tuple(None if one is None else one.seconds for one in made.around(at))


def test_a_result_is_kept_without_its_picture_but_with_its_moment():
    one = result(3, face("fear"))
    one = replace(one, frame=replace(one.frame, captured_at=7.5))
    moment = IndexedResult.of(one)
    assert (moment.seconds, moment.captured_at, moment.faces) == (0.12, 7.5, one.faces)
    assert not hasattr(moment, "frame")


def test_of_what_is_farther_away_than_its_reach_nothing_is_said():
    assert times(index(0.0, 5.0), 2.0) == (None, None)
    assert times(index(0.0, 5.0), 0.9) == (0.0, None)
    assert times(index(0.0, 5.0, reach=2.5), 2.5) == (0.0, 5.0)
    assert times(index(0.0, 5.0, reach=inf), 2.0) == (0.0, 5.0)


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_are_kept_than_wanted_and_the_latest_stay(most):
    made = index(*(0.1 * number for number in range(10)), most=most, reach=inf)
    assert len(made) == most
    assert times(made, 0.0)[1] == pytest.approx(0.1 * (10 - most))
    assert times(made, 9.0)[0] == pytest.approx(0.9)
