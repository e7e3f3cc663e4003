"""Bodies of requests: read in chunks, within limits, from clients that may disconnect."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request

from emotion.models.words import in_bytes
from emotion.web.http.site import RequestError
from emotion.web.jobs.store import Incoming

_BUFFER_BYTES = 1 << 20
# A browser that has sent nothing for so long has disconnected.
_SILENCE_SECONDS = 30.0
# A client that sends a byte a second would block a place for ever: this is the smallest average
# rate over such a time. A telephone with bad reception is faster.
_LEAST_BYTES_A_SECOND = 4096
_WINDOW_SECONDS = 30.0


def check_length(request: Request, limit: int) -> int:
    """The announced number of bytes; the limit if there is none.

    Raises:
        RequestError: the announced number is above the limit.
    """
    try:
        size = int(request.headers.get("content-length", limit))
    except ValueError as error:
        raise RequestError(400, "The Content-Length is not a number.") from error
    if size > limit:
        raise _too_large(limit)
    return size


def _too_large(limit: int) -> RequestError:
    return RequestError(413, f"The file is larger than the {in_bytes(limit)} that this server takes.")


async def chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in parts.

    Raises:
        RequestError: it is longer than `limit` bytes, too slow, or interrupted.
    """
    stream = request.stream()
    size = 0
    since, sized = time.monotonic(), 0
    while True:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            raise RequestError(408, "The file stopped arriving: send it again.") from error
        if chunk is None:
            return
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if (passed := time.monotonic() - since) >= _WINDOW_SECONDS:
            if size - sized < _LEAST_BYTES_A_SECOND * passed:
                raise RequestError(408, "The file arrives too slowly: send it over a faster connection.")
            since, sized = time.monotonic(), size
        if chunk:
            yield chunk


async def save(request: Request, incoming: Incoming, limit: int) -> None:
    """Write the body to the disk in large pieces, away from the event loop."""
    pending = bytearray()
    size = 0
    async for chunk in chunks(request, limit):
        pending += chunk
        size += len(chunk)
        if len(pending) >= _BUFFER_BYTES:
            await asyncio.to_thread(incoming.stream.write, bytes(pending))
            pending.clear()
    if not size:
        raise RequestError(400, "The request has no body: send the video itself.")
    await asyncio.to_thread(incoming.stream.write, bytes(pending))


def body_of(media_type: str) -> dict[str, Any]:
    """The description, for OpenAPI, of a body that is a file."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": {media_type: schema}}}
