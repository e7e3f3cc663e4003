"""What stands for a process that annotates the videos of a study; it needs nothing but Python.

What it does with a video is said by the name: ``dies`` (as for lack of memory), ``once`` (the same, the first
time), ``fails``, ``damaged``, ``waits`` (until it is told to end); anything else is done. With ``broken`` for
its first argument it cannot start; with ``stumbles2:FILE`` the first two cannot, as counted in the file.
"""

import json
import os
import signal
import sys
from pathlib import Path


def say(**values):
    sys.stdout.write(f"{json.dumps(values)}\n")
    sys.stdout.flush()


def run_task(task):
    video = Path(task["video"])
    say(done=1, total=2)
    if "dies" in video.name:
        os.kill(os.getpid(), signal.SIGKILL)
    marker = video.with_suffix(".tried")
    if "once" in video.name and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if "waits" in video.name:
        video.with_suffix(".waits").touch()
        signal.pause()
    if "fails" in video.name:
        say(end="failed", code=3, reason=f"{video} cannot be read.", frames=0)
    elif "damaged" in video.name:
        say(end="incomplete", code=3, reason=f"{video} is incomplete.", frames=1)
    else:
        say(end="passed" if task["resume"] else "done", code=0, reason="", frames=2)


if sys.argv[1].startswith("stumbles"):
    tries = Path(sys.argv[1].partition(":")[2])
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    if len(tries.read_text()) <= int(sys.argv[1].partition(":")[0][len("stumbles") :]):
        sys.exit(1)
if sys.argv[1] == "broken":
    say(fatal="The model file is damaged.", code=4)
else:
    say(ready={"classes": ["happiness"]})
    for line in sys.stdin:
        run_task(json.loads(line))
