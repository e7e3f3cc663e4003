"""The results of `emotion live` for other programs on this machine, beside the window."""

import logging
import socket
import threading

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles

from emotion.models.regions import Image
from emotion.models.schema import Schema
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.ports import LOOPBACK, refusal
from emotion.realtime.sinks.base import Sink
from emotion.web.feed import Feed
from emotion.web.http.feed import STATIC, add_feed
from emotion.web.http.security import Gate
from emotion.web.http.theme import add_theme

_PATIENCE_SECONDS = 3.0
_ADDRESSES = """Live results of emotion-live:
/overlay           boxes and labels on a transparent ground, for OBS
/api/live/events   each result, as server-sent events
/api/live/socket   each result, as a WebSocket
/api/live/newest   the newest result
/api/openapi.json  what a result holds
"""


class FeedSink(Sink):
    """Serves `/overlay`, `/api/live/events`, `/api/live/socket` and `/api/live/newest`.

    Args:
        port: on this machine; 0 for any that is free.
        schema: of the results.

    Attributes:
        url: of the page with the overlay.
        feed: counts what receivers miss.

    Raises:
        SinkError: the port is taken or reserved.
    """

    def __init__(self, port: int, schema: Schema) -> None:
        self.feed = Feed()
        try:
            self._listener = socket.create_server((LOOPBACK, port))
        except OSError as error:
            raise refusal(error, port, "--feed") from error
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}/overlay"
        config = uvicorn.Config(
            feed_app(self.feed, schema),
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        run = self._server.run
        self._thread = threading.Thread(
            target=lambda: run(sockets=[self._listener]), name="feed", daemon=True
        )
        self._thread.start()

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Send a result to all receivers; see `Sink.write`. It never waits."""
        self.feed.publish(result)

    def close(self) -> None:
        """Disconnect all receivers and free the port."""
        self.feed.close()
        self._server.should_exit = True
        self._thread.join(_PATIENCE_SECONDS)
        self._listener.close()

    def abort(self) -> None:
        """Same as `close`, since there are no files."""
        self.close()


def feed_app(feed: Feed, schema: Schema) -> FastAPI:
    """The application behind a `FeedSink`, for this machine only."""
    app = FastAPI(title="emotion-live", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(Gate, names=(), local=True, token=None)
    add_feed(app, feed)

    @app.get("/", include_in_schema=False)
    async def addresses() -> PlainTextResponse:
        return PlainTextResponse(_ADDRESSES)

    add_theme(app, schema)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app
