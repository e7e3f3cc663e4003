"""A decoder of pictures that was taken over, or breaks down; its first argument says how."""

import json
import os
import signal
import sys
import time


def say(*values, rows=b""):
    for value in values:
        sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")
    sys.stdout.buffer.write(rows)
    sys.stdout.buffer.flush()


def main():
    how = sys.argv[1]
    if how != "deaf":
        sys.stdin.buffer.read()
    if how == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV if sys.platform != "win32" else signal.SIGTERM)
    if how in ("deaf", "hangs"):
        time.sleep(600)
    while how == "babbles":
        sys.stdout.buffer.write(bytes(65536))
    if how == "claims too much":
        say({"width": 1000, "height": 1000}, rows=bytes(3_000_000))
    if how == "claims the impossible":
        say({"width": -2, "height": -3}, rows=bytes(18))
    if how == "stops halfway":
        say({"width": 10, "height": 10}, rows=bytes(299))
    if how == "answers something else":
        say(["width", "height"])


if __name__ == "__main__":
    main()
