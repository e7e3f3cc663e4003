"""The server's side of the process that decodes a photograph."""

import asyncio
import contextlib
import json
from collections.abc import Sequence

import numpy as np

from emotion.models.errors import EmotionError
from emotion.models.regions import Image
from emotion.realtime.child_process import environment, python_command

DECODER = python_command("-m", "emotion.web.http.photo_decoder")
_DECODE_SECONDS = 30.0


class PhotoError(EmotionError, ValueError):
    """The request's body is not a picture that can be analysed."""

    exit_code = 3


async def decode(data: bytes, pixels: int, command: Sequence[str] = DECODER) -> Image:
    """A picture file as uint8 (h, w, 3) BGR, upright, decoded in a process of its own.

    Args:
        data: JPEG, PNG, WebP or GIF.
        pixels: maximum number.
        command: to start, as `emotion.web.http.photo_decoder`; the number of pixels is added as its last
            argument.

    Raises:
        PhotoError: it is none of these, damaged, too large, or too much for its decoder.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        str(pixels),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    try:
        async with asyncio.timeout(_DECODE_SECONDS):
            return await _decoded(process, data, pixels)
    except TimeoutError as error:
        raise PhotoError("The picture takes too long to decode: scale it down.") from error
    except (EOFError, OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, PhotoError):
            raise
        raise PhotoError("The picture's decoder ended unexpectedly: save the picture again.") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # Its end is only noticed once its output is read.
        await process.communicate()


async def _decoded(process: asyncio.subprocess.Process, data: bytes, pixels: int) -> Image:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(data)
    await process.stdin.drain()
    process.stdin.close()
    # The output is not trusted: the file may have taken control of its decoder.
    answer = json.loads(await process.stdout.readline())
    if "error" in answer:
        raise PhotoError(str(answer["error"]))
    width, height = int(answer["width"]), int(answer["height"])
    if min(width, height) < 1 or width * height > pixels:
        raise ValueError("impossible size")
    rows = await process.stdout.readexactly(3 * width * height)
    return np.frombuffer(rows, np.uint8).reshape(height, width, 3)
