"""The response to browsers in the first seconds of a server, while its models are loaded."""

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_POLL_SECONDS = 0.1
# Time for a client to send its request; others wait meanwhile.
_PATIENCE_SECONDS = 0.5
_MOST_BYTES = 16_384
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Starting · emotion-live</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 0; min-height: 100vh; display: grid; place-content: center; gap: 1rem; padding: 1rem;
    text-align: center; font: 1.1rem/1.5 system-ui, sans-serif;
    background: light-dark(#f6f6f3, #0e1013); color: light-dark(#1b1d21, #eceef1); }
  progress { width: min(20rem, 80vw); justify-self: center; }
</style>
<h1>emotion-live is starting</h1>
<progress aria-label="Starting"></progress>
<p role="status">The models are being loaded. It takes some seconds; the page then opens by itself.</p>
</html>
"""
_TELL = '{"detail": "The server is starting: try again in a second."}'


class Starting:
    """Responds on a listening socket until the application does: leave its `with` block then.

    Browsers get a page that reloads itself, programs status 503 with `Retry-After`.

    Args:
        listener: already listening; late connections are left to the application.
        tls: for HTTPS; None for HTTP.
    """

    def __init__(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self._listener = listener
        self._tls = tls
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="starting", daemon=True)

    def __enter__(self) -> Self:
        self._listener.settimeout(_POLL_SECONDS)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._listener.settimeout(None)

    def _run(self) -> None:
        while not self._over.is_set():
            with suppress(OSError):  # a timeout or a lost connection; also a TLS error
                connection, _ = self._listener.accept()
                connection.settimeout(_PATIENCE_SECONDS)
                with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as peer:
                    self._answer(peer)

    def _answer(self, peer: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request and len(request) < _MOST_BYTES:
            part = peer.recv(4096)
            if not part:
                return
            request += part
        peer.sendall(_response(request))


def _response(request: bytes) -> bytes:
    """The response to a request, from its first line."""
    path = request.split(b" ", 2)[1] if request.count(b" ") > 1 else b""
    page = request.startswith(b"GET ") and not path.startswith((b"/api", b"/metrics", b"/static"))
    body = (_PAGE if page else _TELL).encode()
    lines = [
        "HTTP/1.1 503 Service Unavailable",
        f"Content-Type: {'text/html' if page else 'application/json'}; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Retry-After: 1",
        *(["Refresh: 1"] if page else []),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
