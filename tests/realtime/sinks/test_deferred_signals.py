"""Signals wait until a piece of work is done, and then are what they would have been."""

import signal
import threading

import pytest

from emotion.models.atomic_files import partial_path
from emotion.realtime.sinks.deferred_signals import deferred_signals
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.partial_file import PartialFile
from tests.helpers.clips import picture
from tests.helpers.mp4_roundtrip import INFO, SIZE, frame, numbers

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.fixture
def heard():
    """The signals that arrive, in order."""
    reported = []
    before = {
        number: signal.signal(number, lambda number, frame: reported.append(number)) for number in SIGNALS
    }
    yield reported
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_the_block(heard, number):
    with deferred_signals():
        signal.raise_signal(number)
        assert heard == []
    assert heard == [number]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_a_function(heard, number):
    @deferred_signals()
    def work():
        signal.raise_signal(number)
        return list(heard)

    assert work() == []
    assert heard == [number]


def test_of_several_the_first_counts(heard):
    with deferred_signals():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGTERM]


def test_afterwards_signals_arrive_at_once_also_where_the_work_failed(heard):
    with pytest.raises(RuntimeError), deferred_signals():
        raise RuntimeError
    signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGINT]


def test_what_is_ignored_stays_ignored(heard):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred_signals():
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert heard == []


def test_in_other_threads_nothing_is_done(heard):
    handlers = []

    def work():
        with deferred_signals():
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [before]


@pytest.fixture
def interruptible():
    """Ctrl-C raises, whoever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("suffix", ["mp4", "csv", "jsonl"])
@pytest.mark.parametrize(("end", "last_step"), [("close", "publish"), ("abort", "keep")])
def test_ctrl_c_during_the_end_waits_until_the_file_is_in_its_place(
    tmp_path, monkeypatch, interruptible, suffix, end, last_step
):
    path = tmp_path / f"a.{suffix}"
    sink = open_file(path, INFO)
    for index in range(5):
        sink.write(frame(index, 512 * index), picture(index, SIZE))
    step = getattr(PartialFile, last_step)
    monkeypatch.setattr(PartialFile, last_step, lambda file: signal.raise_signal(signal.SIGINT) or step(file))
    with pytest.raises(KeyboardInterrupt):
        getattr(sink, end)()
    place = path if end == "close" else partial_path(path)
    assert place.stat().st_size > 0
    assert [found.name for found in tmp_path.iterdir()] == [place.name]
    # It is done, and says the same again.
    assert sink.close() == sink.abort() == place


@pytest.mark.parametrize("suffix", ["mp4", "csv", "jsonl"])
def test_ctrl_c_while_a_frame_is_written_loses_none(tmp_path, monkeypatch, interruptible, suffix):
    path = tmp_path / f"a.{suffix}"
    sink = open_file(path, INFO)
    sink.write(frame(0, 0), picture(0, SIZE))
    inner = "_mux" if suffix == "mp4" else "_add"
    step = getattr(type(sink), inner)
    monkeypatch.setattr(
        type(sink), inner, lambda *what: signal.raise_signal(signal.SIGINT) or step(*what), raising=True
    )
    with pytest.raises(KeyboardInterrupt):
        sink.write(frame(1, 512), picture(1, SIZE))
    monkeypatch.undo()
    if suffix == "mp4":
        with pytest.raises(ValueError, match="in order of time"):
            sink.write(frame(1, 512), picture(1, SIZE))
    sink.close()
    if suffix == "mp4":
        assert numbers(path) == [0, 1]
    else:
        assert len(path.read_text().splitlines()) == 2 + (suffix == "csv")
