"""A camera of the network that shows three faces and gets into trouble, at random from a seed.

It serves motion JPEG over HTTP. Every few seconds it closes its connections and answers nobody for a while,
sends nothing, changes the size of its pictures, or sends damaged ones.
"""

import itertools
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

import cv2

from emotion.benchmarks.live import clip_pictures
from emotion.realtime.sources.demo import DEMO

TROUBLES = ("loss", "stall", "size", "damage")
_SIZES = ((640, 480), (480, 360), (800, 450), (320, 240))
_PICTURES = 48
_QUALITY = 80
# Seconds of the least and the most: of quiet before each trouble, and of what lasts.
_QUIET = (3.0, 12.0)
_LASTING = {"loss": (0.5, 8.0), "stall": (1.0, 9.0), "damage": (0.5, 3.0)}
_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=ffmpeg\r\n\r\n"


def troubles(seed: int) -> Iterator[tuple[float, str, float]]:
    """Without an end: seconds of quiet, what comes then, and how long it lasts; or which size it is."""
    random = Random(f"{seed} camera")
    while True:
        trouble = random.choice(TROUBLES)
        lasting = random.uniform(*_LASTING.get(trouble, (0, 1)))
        yield random.uniform(*_QUIET), trouble, lasting


class ShakyCamera:
    """The camera, from the beginning of its `with` block to the end.

    Args:
        seed: of its troubles.
        fps: pictures a second.

    Attributes:
        address: where it is watched.
        had: how often each trouble came.
    """

    def __init__(self, seed: int, fps: float) -> None:
        self._seed, self._fps = seed, fps
        self._parts = {size: _parts(size) for size in _SIZES}
        self._over = threading.Event()
        self._trouble = ""
        self._size = _SIZES[0]
        self.had: Counter[str] = Counter()
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    pass
                camera._send(self)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> "ShakyCamera":
        for work in (self._server.serve_forever, self._get_into_trouble):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _get_into_trouble(self) -> None:
        for quiet, trouble, lasting in troubles(self._seed):
            if self._over.wait(quiet):
                return
            self.had[trouble] += 1
            if trouble == "size":
                others = [size for size in _SIZES if size != self._size]
                self._size = others[int(lasting * len(others))]
                continue
            self._trouble = trouble
            self._over.wait(lasting)
            self._trouble = ""

    def _send(self, watcher: socketserver.StreamRequestHandler) -> None:
        if self._trouble == "loss":
            return
        begin = time.monotonic()
        try:
            watcher.wfile.write(_HEAD)
            for number in itertools.count():
                if self._over.wait(max(0.0, begin + number / self._fps - time.monotonic())):
                    return
                if self._trouble == "loss":
                    return
                if self._trouble != "stall":
                    watcher.wfile.write(self._part(number))
        except OSError:  # nobody watches any more
            pass

    def _part(self, number: int) -> bytes:
        parts = self._parts[self._size]
        turn = number % (2 * len(parts))
        part = parts[min(turn, 2 * len(parts) - 1 - turn)]
        if self._trouble == "damage":
            half = len(part) // 2
            return part[:half] + Random(number).randbytes(200) + part[half + 200 :]
        return part


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _parts(size: tuple[int, int]) -> list[bytes]:
    """Pictures of three faces, as they are sent."""
    found = []
    for picture in clip_pictures(DEMO, 3, _PICTURES):
        _, data = cv2.imencode(".jpg", cv2.resize(picture, size), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        head = f"--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: {data.size}\r\n\r\n"
        found.append(head.encode() + data.tobytes() + b"\r\n")
    return found
