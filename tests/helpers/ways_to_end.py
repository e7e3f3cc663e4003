"""A program that leaves a loop over `emotion.stream`: python ways_to_end.py WAY LIVE.

What the loop runs over is a global, as in a script or a notebook, so that it outlives the loop.
"""

import os
import signal
import sys
import threading
import time

import emotion
from emotion.realtime.sources.demo import DEMO

way, live = sys.argv[1], sys.argv[2] == "live"
# Whoever started this may ignore it, as `nohup` in the background does.
signal.signal(signal.SIGINT, signal.default_int_handler)
results = emotion.stream(DEMO, models="lite", live=live)


class Ring:
    """Only the collector finds it, if anybody does before the end."""

    def __init__(self):
        self.itself = self
        self.results = emotion.stream(DEMO, models="lite", live=live)


def in_a_child(work):
    child = os.fork()
    if not child:
        work()
        sys.exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4


def go_on_in_the_child():
    try:
        next(results)
    except RuntimeError:
        results.close()


def forget_in_the_child():
    globals()["results"] = None


def loop():
    for _ in results:
        pass


if way == "never begun":
    sys.exit(0)
if way == "thread":
    # What it runs over has no end, so that the thread is always in its midst.
    threading.Thread(target=loop, daemon=True).start()
    next(results)
    sys.exit(0)
if way == "forgotten in a ring":
    next(Ring().results)
for number, _ in enumerate(results):
    if number < 3:
        continue
    time.sleep(0.5)  # until all that is worked ahead waits to be taken
    if way == "break":
        break
    if way == "exception":
        raise ValueError("the program's own")
    if way == "exit":
        sys.exit(3)
    if way == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
    if way == "caught interrupt":
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            break
    if way == "forks":
        in_a_child(lambda: None)
        in_a_child(go_on_in_the_child)
        in_a_child(forget_in_the_child)
        break
    if way == "forgotten":
        results = None
        break
    if way == "forgotten in a ring":
        break
