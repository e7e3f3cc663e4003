"""Results one after another, for Python programs: `for result in emotion.stream(source)`."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emotion.models.classes import EMOTIONS
from emotion.models.regions import Image
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities, VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.session import EveryFrame, Models, NewestFrame, Session, Workers
from emotion.realtime.sinks.csv_jsonl import as_dict
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.live import camera_of, is_network, open_live
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.stages.options import FaceOptions, VoteOptions

Source = str | int | os.PathLike[str] | Iterable[VideoFrame]


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What is thought of one face in one picture.

    Attributes:
        track_id: the same number for the same person from picture to picture, from 1.
        box: left, top, width and height in pixels; may reach beyond the picture.
        label: an emotion, or ``uncertain``; it does not flicker.
        emotion: what it looks like most at this moment.
        confidence: the share of `emotion`, in [0, 1].
        probabilities: by emotion, smoothed over time; they sum to one.
        eyes, lips: by emotion, what each model says of this picture; None where it is not seen.
        blendshapes: the same of the third opinion; None where the rule of the vote does not count it.
    """

    track_id: int
    box: tuple[float, float, float, float]
    label: str
    emotion: str
    confidence: float
    probabilities: dict[str, float]
    eyes: dict[str, float] | None
    lips: dict[str, float] | None
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
            _by_emotion(face.probabilities),
            *(
                None if said is None else _by_emotion(said)
                for said in (face.eyes, face.lips, face.blendshapes)
            ),
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
    _overlay: Overlay = field(repr=False)

    def draw(self) -> Image:
        """A new picture with the results on it, as `emotion annotate` draws them.

        Panels keep their places from one picture to the next: draw results in order, in one thread.
        """
        return self._overlay.draw(self._frame)

    def to_dict(self) -> dict[str, Any]:
        """All but the picture, ready for JSON: a line of `emotion annotate`'s JSON Lines."""
        return as_dict(self._frame)


class Stream:
    """Results as they are made: iterate over it. See `stream`.

    It works ahead a little from its construction on, in threads of its own. They stop at the end,
    on an error, on `close`, when its `with` block is left, and when it is forgotten.
    """

    def __init__(self, session: Session) -> None:
        self._overlay = Overlay()
        self._session = session

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Result:
        result = next(self._session)
        frame = result.frame
        faces = tuple(map(FaceResult.of, result.faces))
        return Result(
            frame.index, frame.seconds, frame.captured_at, frame.image, faces, result, self._overlay
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


def stream(
    source: Source,
    *,
    models: Models | None = None,
    max_faces: int = 4,
    smooth: float = 0.3,
    baseline: float = 0.0,
    live: bool | None = None,
    options: LiveOptions | None = None,
    workers: Workers | None = None,
) -> Stream:
    """Analyse a source; results are made while you iterate, in constant memory.

    A file gives every picture. A live source gives the newest whenever the models have time for it,
    so that results never fall behind; leave the loop to end it.

    Args:
        source: a video file, a camera's number or device file, an address (``rtsp://``, ``http://``,
            ``udp://``), or an iterable of `emotion.realtime.messages.VideoFrame`.
        models: from `emotion.realtime.session.Models.load`, to load them once for many sources; by default
            those that ship.
        max_faces: the most faces in a picture.
        smooth: time constant of the smoothing in seconds; 0: none, and labels are each picture's own.
        baseline: seconds of neutral face after which a person is measured by it; 0: nobody.
        live: keep up with real time by leaving pictures out; by default for cameras and addresses.
        options: for live sources: size, rate, mirror, and when to give up.
        workers: for files: ``Workers(stride=2)`` looks for faces in every second picture and puts them
            between in the others, as ``emotion annotate --stride 2`` does.

    Raises:
        SourceError: the source cannot be opened; or, while iterating, it breaks off.
        ModelFileError: a model is missing or damaged.
    """
    live = _is_live(source) if live is None else live
    wanted = Options(
        faces=FaceOptions(max_faces=max_faces),
        vote=VoteOptions(smooth=smooth, baseline=baseline),
        live=options or LiveOptions(),
    )
    policy = NewestFrame.of(wanted) if live else EveryFrame(workers)
    # Before the source is opened, so that no live picture waits for them.
    stages = policy.stages(models or Models.load(), wanted)
    return Stream(Session(_open(source, live, wanted.live), policy=policy, stages=stages))


def _is_live(source: Source) -> bool:
    if isinstance(source, int):
        return True
    if isinstance(source, str):
        return camera_of(source) is not None or is_network(source)
    return False


def _open(source: Source, live: bool, options: LiveOptions) -> Iterable[VideoFrame]:
    if isinstance(source, int | str | os.PathLike):
        where = str(source) if isinstance(source, int) else os.fspath(source)
        return open_live(where, options) if live else VideoFile(Path(where))
    return source


def _by_emotion(opinion: Probabilities) -> dict[str, float]:
    return dict(zip(EMOTIONS, opinion.tolist(), strict=True))
