"""The annotated pictures as a stream that any browser on this machine can watch: MJPEG over HTTP."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import cast
from urllib.parse import urlsplit

import cv2

from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.ports import LOOPBACK, refusal
from emotion.realtime.pipeline.latest import LatestValue
from emotion.realtime.sinks.base import Sink

_MOST_VIEWERS = 16
# A viewer that reads nothing for so many seconds has disconnected.
_PATIENCE = 10.0
_BOUNDARY = "frame"
_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>emotion-live</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>html, body { height: 100%; margin: 0; background: #14161a; }
img { display: block; width: 100%; height: 100%; object-fit: contain; }</style>
<img src="stream.mjpg" alt="The picture, with the apparent expressions of its faces">"""


class MjpegSink(Sink):
    """Serves a page at `/`, the stream at `/stream.mjpg` and a single picture at `/frame.jpg`.

    Each viewer gets the newest picture when it has received the one before, so a slow one misses
    pictures and delays no other. A picture is compressed once for all viewers, and only if there are any.

    Args:
        port: on this machine; 0: any free one.
        quality: of the JPEG, 1 to 100.

    Attributes:
        url: for a browser.

    Raises:
        SinkError: the port is taken or reserved.
    """

    def __init__(self, port: int, *, quality: int = 80) -> None:
        self._jpegs = _Jpegs(quality)
        try:
            self._server = _Server(port, self._jpegs)
        except OSError as error:
            raise refusal(error, port, "--mjpeg") from error
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="mjpeg", daemon=True)
        self._thread.start()

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Show a picture to all viewers; see `Sink.write`. It never waits."""
        self._jpegs.put(image)

    def close(self) -> None:
        """End all streams and free the port."""
        if self._thread.is_alive():
            self._jpegs.end()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def abort(self) -> None:
        """Same as `close`, since there are no files."""
        self.close()


class _Jpegs:
    """The newest picture as a JPEG, compressed on demand, for viewers that wait for the next one."""

    def __init__(self, quality: int) -> None:
        self._pictures: LatestValue[Image] = LatestValue()
        self._compressing = Lock()
        self._quality = quality
        self._made = (0, b"")

    def put(self, image: Image) -> None:
        self._pictures.put(image)

    def end(self) -> None:
        self._pictures.close()

    def after(self, number: int) -> tuple[int, bytes] | None:
        """Wait for a picture with a higher number; returns its number and JPEG, or None at the end."""
        if self._pictures.after(number) is None:
            return None
        with self._compressing:
            # Meanwhile there may be a newer one, which another viewer may have compressed.
            newest = self._pictures.after(0)
            if newest is None:
                return None
            if newest[0] > self._made[0]:
                _, data = cv2.imencode(".jpg", newest[1], [cv2.IMWRITE_JPEG_QUALITY, self._quality])
                self._made = (newest[0], data.tobytes())
            return self._made


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # On Windows it would allow two programs to share a port silently.
    allow_reuse_address = os.name != "nt"

    def __init__(self, port: int, jpegs: _Jpegs) -> None:
        self.jpegs = jpegs
        self._viewers = 0
        self._lock = Lock()
        super().__init__((LOOPBACK, port), _Handler)

    @contextmanager
    def viewer(self) -> Iterator[bool]:
        """Add a viewer; False if there are too many."""
        with self._lock:
            self._viewers += 1
            welcome = self._viewers <= _MOST_VIEWERS
        try:
            yield welcome
        finally:
            with self._lock:
                self._viewers -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """A disconnected viewer is not an error."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server_version = "emotion-live"
    sys_version = ""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        # A web page could reach this machine under another name (DNS rebinding).
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in ("localhost", LOOPBACK):
            self.send_error(HTTPStatus.FORBIDDEN, "only for this machine")
        elif path == "/":
            self._send("text/html; charset=utf-8", _PAGE)
        elif path in ("/stream.mjpg", "/frame.jpg"):
            self._pictures(cast(_Server, self.server), endless=path == "/stream.mjpg")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _pictures(self, server: _Server, endless: bool) -> None:
        with server.viewer() as welcome, suppress(OSError):
            if not welcome:
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "too many viewers")
            elif endless:
                self._stream(server.jpegs)
            elif found := server.jpegs.after(0):
                self._send("image/jpeg", found[1])
            else:
                self.send_error(HTTPStatus.GONE, "the stream has ended")

    def _stream(self, jpegs: _Jpegs) -> None:
        self._head(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        number = 0
        while found := jpegs.after(number):
            number, jpeg = found
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
        self.wfile.write(f"--{_BOUNDARY}--\r\n".encode())

    def _send(self, kind: str, body: bytes) -> None:
        self._head(kind, len(body))
        self.wfile.write(body)

    def _head(self, kind: str, length: int | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        # No other page may embed the pictures.
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """No log of requests."""
