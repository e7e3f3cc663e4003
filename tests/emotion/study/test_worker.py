"""How a process of a study ends."""

import os
import threading

import pytest

from emotion.realtime.options import Options
from emotion.study import worker


@pytest.fixture
def tasks():
    """Where tasks for this process are written, in place of its standard input."""
    reader, writer = os.pipe()
    saved = os.dup(0)
    os.dup2(reader, 0)
    os.close(reader)
    with os.fdopen(writer, "w") as file:
        # Where it waits for tasks all the same the test fails and does not hang.
        late = threading.Timer(10, file.close)
        late.start()
        yield file
        late.cancel()
    os.dup2(saved, 0)
    os.close(saved)


def test_who_is_to_end_waits_for_no_more_tasks(tasks, monkeypatch):
    threads = []

    class Terminated:
        """A worker that is told to end in the middle of a video, while a thread of its own listens."""

        def __init__(self, options, reports):
            pass

        def run(self, source):
            begun = threading.Event()
            listen = threading.Thread(target=lambda: (begun.set(), source.readline()), daemon=True)
            threads.append(listen)
            listen.start()
            begun.wait()
            raise SystemExit(143)

    monkeypatch.setattr(worker, "Worker", Terminated)
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit):
        worker.main(Options(), None)
    assert threads[0].is_alive(), "it came back only when tasks ended"
    tasks.close()
    threads[0].join()
