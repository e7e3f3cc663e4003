"""What judges a soak, and what it found."""

import gc
import threading
import weakref
from itertools import islice

from emotion.realtime.sources.network import StreamReader
from tests.faults import shaky_camera
from tests.faults.held import Held, course, grown, stretch, typical
from tests.faults.shaky_camera import TROUBLES, ShakyCamera, troubles

BEFORE = Held(0.0, 400.0, 30, 12, 1)


def test_what_holds_more_than_it_did_is_named():
    assert grown(BEFORE, Held(9.0, 407.0, 30, 12, 0)) == []
    assert grown(BEFORE, Held(9.0, 409.0, 31, 13, 2)) == [
        "memory grew by 2.2%",
        "31 threads instead of 30",
        "13 files instead of 12",
        "2 children instead of 1",
    ]


def test_of_a_stretch_of_time_the_median_and_the_least_count():
    found = [Held(float(at), 100.0 + at, 10 + at % 3, 5, 0) for at in range(100, 110)]
    part = stretch(found, 2, 5)
    assert [one.at for one in part] == [102, 103, 104]
    assert typical(part) == Held(104.0, 203.0, 10, 5, 0)
    assert course(found, 5) == "202, 207 MiB"


def test_a_seed_says_what_happens_to_the_camera():
    first = list(islice(troubles(3), 40))
    assert first == list(islice(troubles(3), 40)) != list(islice(troubles(4), 40))
    assert {name for _, name, _ in first} == set(TROUBLES)


def test_a_stream_that_is_let_go_leaves_nothing_for_the_collector(monkeypatch):
    """Its decoder's threads and pictures would wait for it, for long, after each loss."""
    monkeypatch.setattr(shaky_camera, "_PICTURES", 2)
    with ShakyCamera(0, 30) as camera:
        reader = StreamReader(camera.address, 10, 10, threading.Event())
        assert reader.read() is not None
        known = weakref.ref(reader)
        gc.disable()
        try:
            reader.close()
            del reader
            assert known() is None
        finally:
            gc.enable()
