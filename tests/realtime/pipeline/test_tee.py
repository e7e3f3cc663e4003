"""A source that is read once and goes two ways."""

import pytest

from emotion.realtime.pipeline.tee import Tee
from tests.fakes.pipeline_parts import Camera, Numbers


def test_each_item_is_offered_before_it_goes_on():
    reported = []
    for item in Tee(Numbers(3), lambda item: reported.append(("offered", item.index))):
        reported.append(("gone on", item.index))
    assert reported == [(how, index) for index in range(3) for how in ("offered", "gone on")]


def test_an_error_of_the_source_passes():
    offered = []
    with pytest.raises(OSError, match="torn"):
        list(Tee(Numbers(2, OSError("torn")), offered.append))
    assert len(offered) == 2


def test_closing_tells_the_end_first_and_closes_the_source():
    source, reported = Camera(), []
    Tee(source, lambda item: None, lambda: reported.append(source.closed.is_set())).close()
    assert reported == [False]
    assert source.closed.is_set()


def test_a_source_that_can_be_aborted_is():
    source = Camera()
    Tee(source, lambda item: None).abort()
    assert source.aborts == 1


def test_a_plain_iterable_needs_neither():
    tee = Tee([1, 2], lambda item: None)
    tee.abort()
    assert list(tee) == [1, 2]
    tee.close()
