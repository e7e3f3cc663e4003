"""Programs end quietly, however they do, whatever works in their threads."""

import os
import re
import subprocess
import sys

import pytest

from emotion.models.native import at_exit as ending
from emotion.models.native.at_exit import Process, before_exit
from emotion.realtime.pipeline.pipeline import Pipeline
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.live import open_live
from tests.helpers.forks import forks, in_a_child
from tests.helpers.paths import ROOT

# What MediaPipe says of its own work, to whoever starts it, it may say at any time.
_CHATTER = re.compile(r"(VERBOSE|INFO|WARNING): |[IW]\d{4} ")


def run(*arguments):
    """A Python's exit code, output and errors."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    errors = [line for line in done.stderr.splitlines() if not _CHATTER.match(line)]
    return done.returncode, done.stdout, "\n".join(errors)


interrupts = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.mark.parametrize("source", ["file", "live"])
@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("never begun", 0),
        ("break", 0),
        ("exit", 3),
        ("forgotten", 0),
        ("forgotten in a ring", 0),
        ("thread", 0),
        pytest.param("caught interrupt", 0, marks=interrupts),
        pytest.param("forks", 0, marks=forks),
    ],
)
def test_a_loop_over_a_stream_may_be_left(way, code, source):
    assert run(ROOT / "tests" / "helpers" / "ways_to_end.py", way, source) == (code, "", "")


@pytest.mark.parametrize("source", ["file", "live"])
@pytest.mark.parametrize(
    ("way", "code", "last"),
    [
        ("exception", 1, "ValueError: the program's own"),
        pytest.param("interrupt", -2, "KeyboardInterrupt", marks=interrupts),
    ],
)
def test_a_program_that_fails_says_only_how(way, code, last, source):
    ended, _, errors = run(ROOT / "tests" / "helpers" / "ways_to_end.py", way, source)
    assert ended == code
    assert errors.splitlines()[-1] == last
    assert errors.count("Traceback") == 1
    assert "pipeline.py" not in errors


def test_a_thread_that_goes_on_alone_learns_that_it_was_cut_short():
    program = """
import threading
from emotion.realtime.pipeline.pipeline import Pipeline

class Endless:
    def __iter__(self):
        while True:
            yield 1

pipeline = Pipeline(Endless(), [])
begun = threading.Event()

def loop():
    try:
        for _ in pipeline:
            begun.set()
    except RuntimeError as error:
        print(error)

threading.Thread(target=loop).start()
begun.wait()
"""
    code, said, errors = run("-c", program)
    assert (code, errors) == (0, "")
    assert "join the thread" in said


def test_landmarkers_that_nobody_closed_end_quietly():
    program = (
        "from emotion.models.faces.mediapipe_landmarker import *; kept = FaceLandmarker(), FaceDetector()"
    )
    assert run("-c", program) == (0, "", "")


@forks
def test_a_child_neither_waits_for_a_landmarker_nor_takes_it_away():
    program = """
import os, sys
import numpy as np
from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker

image = np.zeros((64, 64, 3), np.uint8)
with FaceLandmarker() as kept:
    forgotten = FaceDetector()
    child = os.fork()
    if not child:
        del forgotten
        sys.exit(4)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), kept.detect(image))
"""
    assert run("-c", program) == (0, "4 ()\n", "")


def test_executors_still_work_at_the_end_and_errors_keep_nobody_else():
    program = """
from concurrent.futures import ThreadPoolExecutor
from emotion.models.native.at_exit import before_exit

class Owner:
    pass

def fail():
    raise OSError("mine")

owner, pool = Owner(), ThreadPoolExecutor(1)
before_exit(owner, print, "last", last=True)
before_exit(owner, lambda: print(pool.submit(int, "7").result()))
before_exit(owner, fail)
before_exit(owner, print, "first")
"""
    code, said, errors = run("-c", program)
    assert (code, said) == (0, "first\n7\nlast\n")
    assert errors.splitlines()[-1] == "OSError: mine"


def test_an_end_comes_once_and_is_forgotten():
    class Owner:
        pass

    done = []
    owner = Owner()
    called = before_exit(owner, done.append, "called")
    before_exit(owner, done.append, "collected")
    called()
    called()
    del owner
    assert done == ["called", "collected"]
    before_exit(done.append, lambda: None).detach()
    kept = Owner()
    last = before_exit(kept, done.append, "never")
    assert [known for _, known in ending._endings.values() if known.alive][-1] is last
    assert called not in [known for _, known in ending._endings.values()]
    last.detach()


@forks
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_knows_its_children():
    process = Process()
    assert in_a_child(lambda: process.here) == 0
    assert process.here


@forks
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_does_not_wait_for_locks_that_stay_locked():
    """As they do that another thread of the parent holds at the moment of the fork."""
    with VideoFile(DEMO) as video, open_live(str(DEMO)) as live, Pipeline(range(9), []) as pipeline:

        def close_all():
            for opened in (pipeline, live, video):
                opened.close()
            with pytest.raises(RuntimeError, match="stay in the process"):
                next(pipeline)

        with video._lock, live._link._pictures._lock, pipeline._results._lock:
            assert in_a_child(close_all) == 0
        assert list(pipeline) == list(range(9))
