"""Live results over HTTP: server-sent events, a WebSocket, and a page with nothing but the overlay."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from emotion.web.feed import Feed
from emotion.web.http.schema import LiveResult

STATIC = Path(__file__).parents[1] / "static"
_HEARTBEAT_SECONDS = 15.0
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An event a result, its data a `LiveResult`; numbers grow by one, "
        "a gap is what this receiver was too slow for.",
        "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/LiveResult"}}},
    }
}


def add_feed(app: FastAPI, feed: Feed) -> None:
    """Add the addresses of a feed to an application."""

    @app.get("/api/live/newest", tags=["live"], responses={404: {"description": "None has come yet."}})
    async def newest() -> LiveResult:
        """The newest result of the live source. `/api/live/socket` sends each as a WebSocket message."""
        found = feed.newest
        if found is None:
            return JSONResponse({"detail": "There is no live result yet."}, 404)  # type: ignore[return-value]
        return LiveResult(**found)

    @app.get("/api/live/events", tags=["live"], response_class=StreamingResponse, responses=_EVENTS)
    async def events() -> StreamingResponse:
        """All results from now on, in order, as server-sent events."""
        return StreamingResponse(
            _events(feed), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    @app.websocket("/api/live/socket")
    async def socket(connection: WebSocket) -> None:
        await connection.accept()
        leaving = asyncio.create_task(_until_gone(connection))
        sending = asyncio.create_task(_send_all(connection, feed))
        _, left = await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(leaving, sending, return_exceptions=True)

    @app.get("/overlay", include_in_schema=False)
    async def overlay() -> Response:
        return FileResponse(STATIC / "overlay.html", headers={"Cache-Control": "no-cache"})


async def _events(feed: Feed) -> AsyncIterator[str]:
    with feed.receiver() as receiver:
        # At once, so that the receiver knows that nothing is missed from here on.
        yield ": here\n\n"
        while (texts := await receiver.take(_HEARTBEAT_SECONDS)) is not None:
            for text in texts:
                yield f"data: {text}\n\n"
            if not texts:
                yield ": still here\n\n"


async def _send_all(connection: WebSocket, feed: Feed) -> None:
    with feed.receiver() as receiver:
        while (texts := await receiver.take(_HEARTBEAT_SECONDS)) is not None:
            for text in texts:
                await connection.send_text(text)
    with contextlib.suppress(RuntimeError):
        await connection.close()


async def _until_gone(connection: WebSocket) -> None:
    """Ignore messages of a receiver, and wait for its disconnection."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await connection.receive_text()
