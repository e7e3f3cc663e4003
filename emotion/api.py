"""Results one after another, for Python programs: `for result in emotion.stream(source)`."""

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emotion.models.classes import Classes
from emotion.models.errors import OptionError
from emotion.models.options import Without, unknown_option, with_values
from emotion.models.regions import Image
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities, VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.session import EveryFrame, Models, NewestFrame, Session
from emotion.realtime.sinks.csv_jsonl import as_dict
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.live import camera_of, is_network, open_live

Source = str | int | os.PathLike[str] | Iterable[VideoFrame]


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What is thought of one face in one picture.

    Attributes:
        track_id: the same number for the same person from picture to picture, from 1.
        box: left, top, width and height in pixels; may reach beyond the picture.
        label: a class, or ``uncertain``; it does not flicker.
        emotion: the class that it looks like most at this moment.
        confidence: the share of `emotion`, in [0, 1].
        probabilities: by class, smoothed over time; they sum to one. These three are None where nothing of
            the face has been seen for a second.
        regions: by region, as ``eyes`` and ``lips``: by class, what its model says, smoothed likewise; None
            where the region is not seen.
        blendshapes: the same of the third opinion; None where the rule of the vote does not count it.
    """

    track_id: int
    box: tuple[float, float, float, float]
    label: str
    emotion: str | None
    confidence: float | None
    probabilities: dict[str, float] | None
    regions: dict[str, dict[str, float] | None]
    blendshapes: dict[str, float] | None

    @classmethod
    def of(cls, face: FaceEmotion) -> "FaceResult":
        """In terms of plain Python."""
        box = face.box
        return cls(
            face.track_id,
            (box.left, box.top, box.width, box.height),
            face.label,
            face.emotion,
            face.confidence,
            _by_class(face.classes, face.says("probabilities")),
            {name: _by_class(face.classes, said) for name, said in face.regions.items()},
            _by_class(face.classes, face.blendshapes),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One picture that was analysed.

    Attributes:
        index: the picture's number in the source, from 0; live sources leave some out.
        seconds: its time in the source.
        captured_at: `time.monotonic()` when it was captured or decoded.
        image: uint8 (height, width, 3), BGR, read-only.
        faces: largest first; empty where nobody is there.
    """

    index: int
    seconds: float
    captured_at: float
    image: Image = field(repr=False)
    faces: tuple[FaceResult, ...]
    _frame: EmotionFrame = field(repr=False)
    _renderer: Renderer = field(repr=False)

    def draw(self) -> Image:
        """A new picture with the results on it, as `emotion annotate` draws them.

        Panels keep their places from one picture to the next: draw results in order, in one thread.
        """
        return self._renderer.draw(self._frame)

    def to_dict(self) -> dict[str, Any]:
        """All but the picture, ready for JSON: a line of `emotion annotate`'s JSON Lines."""
        return as_dict(self._frame)


class Stream:
    """Results as they are made: iterate over it, also with ``async for``. See `stream`.

    With a callback nobody iterates: a thread hands each result on, in order, and `wait` tells of the end.

    It works ahead a little from its construction on, in threads of its own. They stop at the end,
    on an error, on `close`, when its `with` block is left, and when it is forgotten.
    """

    def __init__(
        self,
        session: Session,
        drawing: DrawingOptions | None = None,
        on_result: Callable[[Result], object] | None = None,
    ) -> None:
        self._renderer = Renderer(drawing)
        self._session = session
        self._error: BaseException | None = None
        self._caller: threading.Thread | None = None
        if on_result is not None:
            work = partial(self._call, on_result)
            self._caller = threading.Thread(target=work, name="on-result", daemon=True)
            self._caller.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the callback has had every result.

        Args:
            timeout: the most seconds; None: as long as it takes.

        Returns:
            False where the time was over first.

        Raises:
            BaseException: what the source or the callback raised, the very object, once.
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
        except BaseException as error:  # told by `wait`, in the thread that cares
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

    def __next__(self) -> Result:
        result = next(self._session)
        frame = result.frame
        faces = tuple(map(FaceResult.of, result.faces))
        return Result(
            frame.index, frame.seconds, frame.captured_at, frame.image, faces, result, self._renderer
        )

    def close(self) -> None:
        """Stop, and let the source go. May be called again."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


_OFFERED = Without("window", "show_metrics", "seconds", "outputs", "offline")
"""The options that a stream knows: all but those on windows and files, which the caller has."""
_OF_LOADING = ("provider", "precision", "landmarks", "threads")


def stream(
    source: Source,
    *,
    models: Models | str | os.PathLike[str] | None = None,
    live: bool | None = None,
    options: Options | None = None,
    on_result: Callable[[Result], object] | None = None,
    **chosen: Any,
) -> Stream:
    """Analyse a source; results are made while you iterate, in constant memory.

    A file gives every picture. A live source gives the newest whenever the models have time for it,
    so that results never fall behind; leave the loop to end it.

    Args:
        source: a video file, a camera's number or device file, an address (``rtsp://``, ``http://``,
            ``udp://``), or an iterable of `emotion.realtime.messages.VideoFrame`.
        models: from `emotion.realtime.session.Models.load`, to load them once for many sources; or a model
            folder, or the name of one that ships. By default `options` say it.
        live: keep up with real time by leaving pictures out; by default for cameras and addresses.
        options: all of them in one; `Options()` where not given.
        on_result: called with each result, in order, in a thread of its own; then nobody iterates. One that
            takes long makes a file wait; of a live source it gets the newest result each time.
        chosen: options by name, in the place of those in `options`, with the words and in the units of the
            command line: ``max_faces=2, smooth=0.5, stride=2``; for live sources ``size=(1280, 720),
            fps=15, mirror=True``. `help(emotion.stream)` lists them all.

    Raises:
        OptionError: an option is not known here, or out of bounds.
        SourceError: the source cannot be opened; or, while iterating, it breaks off.
        ModelFileError: a model is missing or damaged.
    """
    live = _is_live(source) if live is None else live
    wanted = _chosen(options or Options(), chosen)
    if isinstance(models, str | os.PathLike):
        wanted = with_values(wanted, {"models": os.fspath(models)})
        models = None
    elif models and (late := next((name for name in _OF_LOADING if name in chosen), None)):
        raise OptionError(late, f"{late} comes too late: the models are loaded already.")
    policy = NewestFrame.of(wanted) if live else EveryFrame()
    # Before the source is opened, so that no live picture waits for them.
    stages = policy.stages(models or Models.load(wanted.engine), wanted)
    session = Session(_open(source, live, wanted), policy=policy, stages=stages)
    return Stream(session, wanted.drawing, on_result)


def _chosen(options: Options, chosen: Mapping[str, Any]) -> Options:
    known = [field.name for field in _OFFERED.chosen(Options, experts=True)]
    for name in chosen:
        if name not in known:
            raise OptionError(name, unknown_option(name, known))
    return with_values(options, chosen)


def _describe() -> inspect.Signature:
    """What `help` shows: the options one by one, in the place of ``**chosen``."""
    own = inspect.signature(stream).parameters.values()
    words = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=field.kind | None if field.optional else field.kind,
        )
        for field in _OFFERED.chosen(Options, experts=True)
        if field.name != "models"
    ]
    fixed = [one for one in own if one.kind is not inspect.Parameter.VAR_KEYWORD]
    return inspect.Signature([*fixed, *words], return_annotation=Stream)


stream.__signature__ = _describe()  # type: ignore[attr-defined]


def _is_live(source: Source) -> bool:
    if isinstance(source, int):
        return True
    if isinstance(source, str):
        return camera_of(source) is not None or is_network(source)
    return False


def _open(source: Source, live: bool, options: Options) -> Iterable[VideoFrame]:
    if isinstance(source, int | str | os.PathLike):
        where = str(source) if isinstance(source, int) else os.fspath(source)
        if live:
            return open_live(where, options.live)
        return VideoFile(Path(where), fps=options.file.file_fps)
    return source


def _by_class(classes: Classes, said: Probabilities | None) -> dict[str, float] | None:
    return None if said is None else dict(zip(classes, said.tolist(), strict=True))
