"""Results of the Python interface: a face, a picture with its faces, and the results of many pictures."""

import base64
import html
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.classes import Classes
from emotion.models.errors import MissingDependencyError
from emotion.models.names import expanded, readable
from emotion.models.regions import Image
from emotion.models.schema import SHIPPED
from emotion.models.words import counted
from emotion.plots import plot_bars, plot_counts, plot_times
from emotion.realtime.details import LANDMARKS
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.errors import SinkError, SourceError
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities
from emotion.realtime.sinks.csv_jsonl import as_dict
from emotion.realtime.sinks.partial_file import PartialFile
from emotion.realtime.sinks.summary import Summary, SummaryBuilder
from emotion.realtime.sources.photographs import read_picture
from emotion.tables import WRITTEN, table_of

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas as pd
    import pyarrow as pa

# So many rows of a table are shown in a notebook.
_SHOWN = 12
# Of files in a sentence; it then counts.
_MOST_NAMES = 3
_WIDEST = 720


@dataclass(frozen=True, slots=True)
class FaceResult:
    """The result for one face in one image.

    Attributes:
        track_id: number of the person, from 1, constant over the frames of a video; in a photograph it
            numbers the faces, the largest first.
        box: left, top, width and height in pixels; may extend beyond the image.
        label: a class, or ``uncertain``; it does not flicker.
        since: the time in the source at which the label began, in seconds; 0 in a photograph.
        emotion: the class with the largest of `probabilities`; None if all regions have been hidden for a
            second.
        confidence: that probability, in [0, 1]; None likewise.
        probabilities: by class, the vote smoothed over time; the sum is 1. None likewise.
        probabilities_frame: by class, the vote of this frame alone; None if all regions are hidden.
        regions: by region (``eyes``, ``lips``), its prediction by class, smoothed over time; None if the
            region is hidden.
        blendshapes: by class, the same from the blendshapes; None if the rule of the vote does not use them.
        details: by name, the additional columns that the option ``columns`` names, such as ``yaw``.
        landmarks: float32 (478, 2), x and y in pixels; None if they were not kept (``columns=("landmarks",)``
            keeps them).
    """

    track_id: int
    box: tuple[float, float, float, float]
    label: str
    since: float
    emotion: str | None
    confidence: float | None
    probabilities: dict[str, float] | None
    probabilities_frame: dict[str, float] | None
    regions: dict[str, dict[str, float] | None]
    blendshapes: dict[str, float] | None
    details: Mapping[str, float | str | None] = field(default_factory=dict)
    landmarks: npt.NDArray[np.float32] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, face: FaceEmotion) -> "FaceResult":
        """As plain Python objects."""
        box = face.box
        return cls(
            face.track_id,
            (box.left, box.top, box.width, box.height),
            face.label,
            face.since,
            face.emotion if face.known else None,
            face.confidence if face.known else None,
            _by_class(face.classes, face.probabilities_of("probabilities")),
            _by_class(face.classes, face.probabilities_frame),
            {name: _by_class(face.classes, said) for name, said in face.regions.items()},
            _by_class(face.classes, face.blendshapes),
            dict(face.details),
            face.points,
        )

    def __repr__(self) -> str:
        left, top, width, height = map(round, self.box)
        return f"FaceResult({self.track_id}: {self._words()}, {width}x{height} at {left}, {top})"

    def _words(self) -> str:
        if self.probabilities is None:
            return self.label
        share = self.probabilities.get(self.label)
        return f"{self.label} {share:.2f}" if share is not None else f"{self.label} ({self.emotion})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result:
    """The result for one photograph or frame.

    Attributes:
        source: the file or address, as it was given; empty if it has no name.
        photograph: whether it is a photograph, and not a frame of a video or stream.
    """

    source: str
    photograph: bool
    _frame: EmotionFrame
    _renderer: Renderer | None
    _drawing: DrawingOptions = field(default_factory=DrawingOptions)

    def called(self, source: str) -> "Result":
        """The same result with another name of the source."""
        return replace(self, source=source)

    @property
    def index(self) -> int:
        """Number of the frame, from 0."""
        return self._frame.frame.index

    @property
    def seconds(self) -> float:
        """Time in the source; 0 for a photograph."""
        return 0.0 if self.photograph else self._frame.frame.seconds

    @property
    def when(self) -> str:
        """The time as text; empty for a photograph."""
        return "" if self.photograph else f"{self.seconds:.2f} s"

    @property
    def captured_at(self) -> float:
        """`time.monotonic()` when it was captured or decoded."""
        return self._frame.frame.captured_at

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        height, width = self._frame.frame.shape[:2]
        return width, height

    @property
    def faces(self) -> tuple[FaceResult, ...]:
        """The faces, the largest first; empty if there is none."""
        return tuple(map(FaceResult.of, self._frame.faces))

    @property
    def more_faces(self) -> int:
        """How many faces there are, at least, beyond `max_faces`; of a video, counted once a second."""
        return self._frame.left_out

    @property
    def image(self) -> Image:
        """The image, uint8 (height, width, 3), BGR, read-only; a photograph may be read again from its
        file.

        Raises:
            SourceError: it was not kept, or can no longer be read.
        """
        if self._frame.frame.has_picture:
            return self._frame.frame.image
        if self.photograph and self.source:
            return read_picture(Path(self.source))
        raise SourceError("The pictures were not kept: ask for them with keep_images=True, or use stream.")

    def draw(self) -> Image:
        """A new image with the results drawn, as by `emotion annotate`; uint8 (h, w, 3), BGR.

        It has the picture's size; a photograph that a face fills has a margin for the result, and is enlarged
        if it is small.

        Panels of a stream keep their positions from frame to frame: draw results in order, in one thread.

        Raises:
            SourceError: as `image`.
        """
        frame = self._frame
        if not frame.frame.has_picture:
            frame = replace(frame, frame=frame.frame.with_image(self.image))
        if self._renderer:
            return self._renderer.draw(frame)
        renderer = Renderer(self._drawing)
        return renderer.draw_photograph(frame) if self.photograph else renderer.draw(frame)

    def plot(self, ax: "matplotlib.axes.Axes | None" = None) -> "matplotlib.axes.Axes":
        """Plot each face's probabilities as bars in the classes' colours; several faces differ by hatching.

        Args:
            ax: matplotlib axes to draw into; by default new ones.

        Returns:
            The axes.
        """
        return plot_bars(ax, (readable(self.source), self._frame))

    def to_dict(self) -> dict[str, Any]:
        """Everything except the image, for JSON: a line of the JSON Lines of `emotion annotate`."""
        return as_dict(self._frame, names=(lambda _index: self.source) if self.photograph else None)

    def to_arrow(self) -> "pa.Table":
        """One row per face; one row without a face if there is none. See `Results.to_arrow`."""
        return Results([self]).to_arrow()

    def to_df(self) -> "pd.DataFrame":
        """The same for pandas; emotions and labels are categories.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        return Results([self]).to_df()

    def __repr__(self) -> str:
        where = readable(self.source) or ("picture" if self.photograph else "stream")
        when = "" if self.photograph else f" at {self.seconds:.3f} s"
        faces = ", ".join(face._words() for face in self.faces) or "no face"
        return f"Result({where}{when}: {faces})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{face.track_id}</td><td>{html.escape(face.label)}</td><td>{_bars(face)}</td></tr>"
            for face in self.faces
        )
        table = f"<table><tr><th>face</th><th>label</th><th>probabilities</th></tr>{rows}</table>"
        try:
            picture = f'<img alt="annotated picture" src="{_as_data(self.draw())}"/>'
        except (SourceError, SinkError):
            picture = ""
        return f"<div>{picture}{table if rows else '<p>No faces.</p>'}</div>"


class Results(Sequence[Result]):
    """Results in their order; immutable. Images of videos are only kept on request (`keep_images`).

    Attributes:
        left_out: by name, the reason why a file could not be read, or not to its end.
    """

    def __init__(self, results: Sequence[Result], left_out: Mapping[str, str] | None = None) -> None:
        self._results = tuple(results)
        self.left_out = dict(left_out or {})

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> "Results": ...
    def __getitem__(self, index: int | slice) -> "Result | Results":
        if isinstance(index, slice):
            return Results(self._results[index], self.left_out)
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source files, each once, in order."""
        return tuple(dict.fromkeys(result.source for result in self._results))

    def of(self, source: str | os.PathLike[str]) -> "Results":
        """The results of one file.

        Raises:
            ValueError: it is none of the files.
        """
        name, there = os.fspath(source), self.sources
        if name not in there and name not in self.left_out:
            more = len(there) - _MOST_NAMES
            known = ", ".join(there[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
            raise ValueError(f"{name!r} is none of the files: there are {known or 'none'}")
        left_out = {name: self.left_out[name]} if name in self.left_out else {}
        return Results([one for one in self._results if one.source == name], left_out)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per result, for JSON; see `Result.to_dict`."""
        return [result.to_dict() for result in self._results]

    def to_arrow(self) -> "pa.Table":
        """One row per face; one row without a face for a frame without faces.

        The columns are those of the tables of `emotion annotate`, with ``file`` first. If all are
        photographs, there are sizes in place of times.
        """
        return table_of(self._named_frames, self._photographs)

    def to_df(self) -> "pd.DataFrame":
        """The same for pandas; emotions and labels are categories.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401, PLC0415  Arrow finds it by itself
        except ImportError as error:
            raise MissingDependencyError(
                f"to_df needs pandas: pip install pandas; to_arrow and to_dicts need nothing more ({error})."
            ) from error
        return self.to_arrow().to_pandas()

    def summary(self) -> Summary:
        """The summary of a video and each of its people: shares of time, the strongest emotion, episodes.

        It is what `emotion annotate` writes into ``clip.summary.json``.

        Raises:
            ValueError: they are not of one video; `of` gives those of one file.
        """
        if self._photographs or len(self.sources) != 1:
            of = "photographs" if self._photographs else counted(len(self.sources), "file")
            raise ValueError(f"a summary is of one video, not of {of}: results.of('clip.mp4').summary()")
        builder = SummaryBuilder()
        for result in self._results:
            builder.add(result._frame)
        return builder.build()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the table of `to_arrow`; the extension gives the format: .csv, .parquet, or .jsonl (one
        object per face).

        An existing file is replaced.

        Raises:
            SinkError: it cannot be written, or has another extension.
        """
        place = Path(expanded(os.fspath(path)))
        written = WRITTEN.get(place.suffix.lower())
        if written is None:
            raise SinkError(
                f"{place.name} has an unknown extension: end its name with .csv, .jsonl or .parquet."
            )
        draft = PartialFile(place)
        try:
            draft.append(written(self.to_arrow()))
        except BaseException:
            draft.discard()
            raise
        return draft.publish()

    def plot(
        self,
        emotions: str | Sequence[str] | None = None,
        people: int | Sequence[int] | None = None,
        ax: "matplotlib.axes.Axes | None" = None,
    ) -> "matplotlib.axes.Axes":
        """Plot probabilities over time, one line per person and class; for photographs the number with each
        label.

        The axis goes to 1, or, where no probability passes 0.5, to a little above the largest.

        Args:
            emotions: one or several classes; all by default.
            people: `FaceResult.track_id` of one or several people to show; all by default.
            ax: matplotlib axes to draw into; by default new ones.

        Returns:
            The axes, for example ``results.plot("fear").figure.savefig("fear.png")``.

        Raises:
            ValueError: there is no such class, or none of these people.
        """
        classes = self._results[0]._frame.schema.classes if self._results else SHIPPED.classes
        wanted = [emotions] if isinstance(emotions, str) else list(classes if emotions is None else emotions)
        if unknown := next((name for name in wanted if name not in classes), None):
            raise ValueError(f"{unknown!r} is no class: choose of {', '.join(classes)}")
        if self._photographs:
            return plot_counts(ax, self._named_frames, classes)
        shown = [int(people)] if isinstance(people, int | np.integer) else people
        return plot_times(ax, self._named_frames, wanted, shown, classes)

    @property
    def _named_frames(self) -> list[tuple[str, EmotionFrame]]:
        return [(readable(result.source), result._frame) for result in self._results]

    @property
    def _photographs(self) -> bool:
        """Whether they are photographs, all of them."""
        return bool(self._results) and all(result.photograph for result in self._results)

    def __repr__(self) -> str:
        faces = sum(len(result._frame.faces) for result in self._results)
        left = f", {len(self.left_out)} left out" if self.left_out else ""
        files = sum(bool(source) for source in self.sources)
        of = f" of {counted(files, 'file')}" if files else ""
        counts = f"{counted(len(self), 'picture')}{of}, {counted(faces, 'face')}"
        return f"Results({counts}{left})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(result.source)}</td><td>{result.when}</td><td>{face.track_id}</td>"
            f"<td>{html.escape(face.label)}</td><td>{_bars(face)}</td></tr>"
            for result in self._results[:_SHOWN]
            for face in result.faces
        )
        head = "<tr><th>file</th><th>time</th><th>face</th><th>label</th><th>probabilities</th></tr>"
        more = f"<p>and {len(self) - _SHOWN} more pictures</p>" if len(self) > _SHOWN else ""
        return f"<div><p>{html.escape(repr(self))}</p><table>{head}{rows}</table>{more}</div>"


def without_image(frame: EmotionFrame) -> EmotionFrame:
    """A result with only the size of its picture; without landmarks unless they were requested."""
    points = LANDMARKS in frame.details
    faces = frame.faces
    if not points:
        faces = tuple(replace(face, points=None, matrix=None, shapes=None) for face in faces)
    return replace(frame, frame=frame.frame.without_picture(), faces=faces)


def _by_class(classes: Classes, said: Probabilities | None) -> dict[str, float] | None:
    return None if said is None else dict(zip(classes, said.tolist(), strict=True))


def _bars(face: FaceResult) -> str:
    shares = sorted((face.probabilities or {}).items(), key=lambda pair: -pair[1])[:3]
    return html.escape(", ".join(f"{name} {share:.2f}" for name, share in shares))


def _as_data(image: Image) -> str:
    scale = min(1.0, _WIDEST / image.shape[1])
    if scale < 1:
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    data = cv2.imencode(".jpg", image)[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
