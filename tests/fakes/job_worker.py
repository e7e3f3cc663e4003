"""A worker that does at once what the video's name says; it speaks `emotion.web.jobs.worker`'s protocol.

good: two frames, then done. slow: frames until it is cancelled or its server is gone. deaf: as slow,
but hears nothing. dies: kills itself after a frame. babbles: writes what is no report (`FAKE_REPORT`).
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path


def tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say(**values):
    tell(json.dumps(values))


def main():
    cancelled = threading.Event()
    orders = []
    arrived = threading.Semaphore(0)

    def listen():
        for line in sys.stdin:
            order = json.loads(line)
            if "cancel" in order:
                cancelled.set()
            else:
                orders.append(order)
                arrived.release()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    say(ready=True)
    while arrived.acquire():
        cancelled.clear()
        order = orders.pop()
        folder = Path(order["folder"])
        folder.mkdir(parents=True)
        name = Path(order["video"]).stem
        (folder / "order.json").write_text(json.dumps(order))
        (folder / f"{name}.annotated.partial.mp4").write_bytes(b"a part")
        say(done=1, total=2)
        work(name, folder, cancelled)


def work(name, folder, cancelled):
    if name == "dies":
        os.kill(os.getpid(), signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    if name == "babbles":
        tell(os.environ.get("FAKE_REPORT", "no report"))
    if name == "slow":
        while not cancelled.wait(0.01):
            say(done=1, total=2)
        say(end="cancelled", message="Cancelled.")
    elif name in ("deaf", "babbles"):
        time.sleep(600)
    else:
        (folder / f"{name}.annotated.partial.mp4").replace(folder / f"{name}.annotated.mp4")
        (folder / f"{name}.emotions.csv").write_text("frame\n0\n")
        say(done=2, total=2)
        say(end="done", message="happiness (100% of the time a face is seen)")


if __name__ == "__main__":
    main()
