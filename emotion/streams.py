"""Results one after the other: `Stream` gives those of a source, `Follower` those of a caller's own loop."""

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Self

from emotion.fetching import Spool
from emotion.models.closeable import Closeable
from emotion.models.words import counted
from emotion.pictures import TIME_BASE, PictureLike, TimeStamps, as_image
from emotion.python_names import with_python_names
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.errors import SourceError
from emotion.realtime.media import letterboxed
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.session import Inline, Models, Session
from emotion.results import Result


class Stream(Closeable):
    """An iterator over the results of a video, camera or stream, also with ``async for``.

    `emotion.stream` makes it. With a callback (``on_result``) you do not iterate: a thread passes each result
    on, in order, and `wait` waits for the end.

    It starts to work when it is created, in its own threads. They stop at the end, on an error, on `close`,
    at the end of its `with` block, and when it is garbage collected.
    """

    def __init__(
        self,
        session: Session,
        drawing: DrawingOptions | None = None,
        source: str = "",
        spool: Spool | None = None,
        on_result: Callable[[Result], object] | None = None,
    ) -> None:
        self._drawing = drawing or DrawingOptions()
        self._renderer = Renderer(self._drawing)
        self._session = session
        self._source = source
        self._spool = spool
        self._error: BaseException | None = None
        self._caller: threading.Thread | None = None
        if on_result is not None:
            work = partial(self._call, on_result)
            self._caller = threading.Thread(target=work, name="on-result", daemon=True)
            self._caller.start()

    def __repr__(self) -> str:
        return f"Stream({self._source or 'pictures'})"

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the callback has had every result.

        Args:
            timeout: maximum number of seconds; None: no limit.

        Returns:
            False if the time was over before the end.

        Raises:
            BaseException: the exception that the source or the callback raised, once.
        """
        if self._caller is None:
            return True
        self._caller.join(timeout)
        error, self._error = self._error, None
        if error is not None:
            raise error
        return not self._caller.is_alive()

    def _call(self, on_result: Callable[[Result], object]) -> None:
        try:
            for result in self:
                on_result(result)
        except BaseException as error:  # raised by `wait`, in the caller's thread
            self._error = error
        finally:
            self._session.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result:
        result = await asyncio.to_thread(next, self, None)
        if result is None:
            raise StopAsyncIteration
        return result

    def __iter__(self) -> Self:
        return self

    @with_python_names
    def __next__(self) -> Result:
        try:
            frame = next(self._session)
        except BaseException as error:
            if isinstance(error, SourceError) and self._spool is not None:
                self._spool.name_original(error, self._source)
            self._forget_copy()
            raise
        return Result(self._source, False, frame, self._renderer, self._drawing)

    def close(self) -> None:
        """Stop, and close the source. May be called again."""
        self._session.close()
        self._forget_copy()

    def _forget_copy(self) -> None:
        if self._spool is not None:
            self._spool.close()


class Follower(Closeable):
    """A function for the images of your own loop, made by `Recognizer.follow`. Not thread-safe."""

    def __init__(self, models: Models, options: Options, rgb: bool = False) -> None:
        self._rgb = rgb
        self._drawing = options.drawing
        self._renderer = Renderer(options.drawing)
        self._size: tuple[int, int] | None = None
        self._began = time.monotonic()
        self._count = 0
        self._stamps = TimeStamps()
        self._given: list[VideoFrame] = []
        self._session = Session(iter(self._next, None), options, models, Inline())

    def __repr__(self) -> str:
        return f"Follower({counted(self._count, 'picture')})"

    @with_python_names
    def __call__(self, picture: PictureLike, seconds: float | None = None) -> Result:
        """The result of the next picture.

        Args:
            picture: as in `Recognizer.analyze`; one of another size is fitted into the first one's.
            seconds: its time, which does not go back; by default the time since the follower was made.

        Raises:
            SourceError: it is no picture, time goes back, or the follower is closed.
        """
        image = as_image(picture, self._rgb)
        moment = time.monotonic()
        pts = self._stamps.of(moment - self._began if seconds is None else seconds)
        self._size = self._size or (image.shape[1], image.shape[0])
        image = letterboxed(image, self._size)
        self._given = [VideoFrame(self._count, pts, TIME_BASE, moment, image)]
        self._count += 1
        try:
            frame: EmotionFrame = next(self._session)
        except StopIteration:
            raise SourceError("This follower is closed: make a new one.") from None
        return Result("", False, frame, self._renderer, self._drawing)

    def close(self) -> None:
        """Free the resources. May be called again."""
        self._session.close()

    def _next(self) -> VideoFrame | None:
        return self._given.pop() if self._given else None
