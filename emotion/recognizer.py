"""Models that are loaded once, for pictures, files and streams: `Recognizer`."""

import os
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from emotion.cluster.calls import Loaded
from emotion.cluster.files import distribute_files
from emotion.cluster.pool import travelling
from emotion.fetching import LIVE_SCHEMES, EndlessError, Spool, scheme_of
from emotion.inputs import Input, find_inputs
from emotion.loading import load_models
from emotion.models.closeable import Closeable
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import EmotionError, OptionError
from emotion.models.options import from_mapping
from emotion.models.regions import Image
from emotion.parameters import (
    Files,
    Source,
    check_callable,
    cluster_address,
    is_list,
    names_and_images,
    options_of_call,
    refuse_late,
    with_camera,
)
from emotion.pictures import (
    PictureLike,
    as_image,
    file_of,
    frames_of,
    looks_like_a_photograph,
    name_of_open,
)
from emotion.provenance import provenance_of_run
from emotion.python_names import in_python, with_python_names
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.errors import SourceError
from emotion.realtime.messages import VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.pipeline.stage import Stage
from emotion.realtime.pipeline.tee import close_source
from emotion.realtime.session import EachPicture, EveryFrame, Models, NewestFrame, Session
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.live import camera_of, open_live
from emotion.realtime.sources.photographs import Photographs, photograph_frame, read_picture
from emotion.results import Result, Results, without_image
from emotion.streams import Follower, Stream

_CLOSED = "This Recognizer is closed: make a new one."


class Recognizer(Closeable):
    """Reads apparent facial expressions; loads its models once and is thread-safe.

    ::

        reader = emotion.Recognizer(max_faces=2)
        print(reader.analyze("portrait.jpg").faces)
        for result in reader.stream("clip.mp4"):
            print(result.seconds, [(face.track_id, face.label) for face in result.faces])
        table = reader.analyze_files("clips/*.mp4").to_df()

    All methods may be called from several threads at once; use each stream and follower in one thread only.
    Close it, or use it in a `with` block; running streams continue. A copy, also one that pickle, joblib or
    multiprocessing makes in another process, loads its models anew, once in each process.

    Args:
        models: ``"lite"`` or ``"standard"``, the path of a model folder, or a result of
            `emotion.Models.load`.
        options: all options as one object; `emotion.Options()` by default.
        chosen: options by name, which replace those in `options`, with the names and units of the command
            line: ``max_faces=2, smooth=0.5, columns=("pose",)``. `help(emotion.stream)` lists them.

    Raises:
        OptionError: an option is unknown or out of bounds.
        ModelFileError: a model is missing or damaged.
    """

    @with_python_names
    def __init__(
        self,
        models: Models | str | os.PathLike[str] | None = None,
        *,
        options: Options | None = None,
        **chosen: Any,
    ) -> None:
        if isinstance(models, Models):
            refuse_late(chosen)
        self._options = options_of_call(options, chosen, models)
        self._given = isinstance(models, Models)
        self._models = models if isinstance(models, Models) else load_models(self._options.engine)
        self._idle: list[list[Stage[Any, Any]]] = []
        self._lock = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"Recognizer({self._options.engine.models.name}, {', '.join(self._models.schema.classes)})"

    def __reduce__(self) -> tuple[Callable[[Options], "Recognizer"], tuple[Options]]:
        if self._given:
            raise TypeError(
                "A Recognizer of loaded models cannot be copied or sent to another process: make it with the "
                "name or the folder of the models."
            )
        return _again, (self._options,)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of its models."""
        return self._models.schema.classes.names

    def close(self) -> None:
        """Free the resources. May be called again."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for stages in idle:
            _close(stages)

    @with_python_names
    def analyze(self, picture: PictureLike, *, rgb: bool = False) -> Result:
        """Analyse the faces in one image.

        For the frames of a video or camera use `stream` or `follow`, which track people and smooth over
        time.

        Args:
            picture: a path, a link, bytes, an open file, a PIL image, or an array: uint8 (height, width, 3),
                in BGR order as in OpenCV.
            rgb: arrays are in RGB order.

        Raises:
            SourceError: the image cannot be read, is damaged, or is not an image.
        """
        image = as_image(picture, rgb)
        with self._taken() as stages:
            items: list[Any] = [photograph_frame(0, image)]
            for stage in stages:
                items = list(stage.process(items))
        name = os.fspath(picture) if isinstance(picture, str | os.PathLike) else ""
        return Result(name, True, items[0], None, self._options.drawing)

    @with_python_names
    def analyze_files(
        self,
        files: Files,
        *,
        recursive: bool = False,
        keep_images: bool = False,
        rgb: bool = False,
        progress: Callable[[int, int], object] = lambda done, total: None,
        cluster: str | None = None,
        **chosen: Any,
    ) -> Results:
        """Analyse photographs and videos; one result for each photograph and each frame.

        Files that cannot be read are listed in `Results.left_out`; the others are still analysed.

        Args:
            files: a file, folder, pattern (``"photos/*.jpg"``), list (.txt, .csv), link or store's address,
                or several of these; also images as in `analyze`.
            recursive: include subfolders.
            keep_images: keep the images of videos in memory, so that results can be drawn.
            rgb: arrays are in RGB order.
            progress: called with (files done, files in all).
            cluster: run on a Ray cluster: ``"local"``, ``"auto"`` or an address. All its machines need
                access to the files, by the same paths or in a store.
            chosen: options for this call, for example ``every="5s", start=60``.

        Raises:
            OptionError: an option is unknown or out of bounds.
            SourceError: a folder, pattern or list is empty, or nothing could be read.
            ClusterError: there is no cluster, or its machines do not fit together.
        """
        options = self._with(chosen)
        check_callable("progress", progress, "(files done, files in all)")
        named, pictures = names_and_images(files, rgb)
        if cluster is not None:
            if pictures or keep_images or self._given:
                raise OptionError(
                    "cluster",
                    "A cluster takes files and models by their names, and keeps no images.",
                )
            cluster = cluster_address(cluster)
            return distribute_files(
                cluster, named, recursive, partial(_reader_of, travelling(options)), options, progress
            )
        left_out: dict[str, str] = {}
        results: list[Result] = []
        with Spool() as spool:
            inputs = find_inputs(named, recursive, fetch=spool.fetch)
            total = len(inputs) + len(pictures)
            photographs = [one for one in inputs if one.kind == "photograph"]
            readers: list[Callable[[], Image]] = [partial(_read, one) for one in photographs]
            names = [one.name for one in photographs] + [""] * len(pictures)
            readers += pictures.values()
            called = [one.name for one in photographs] + [f"picture {place}" for place in pictures]
            for result in self._photographs(readers, names, called, options, left_out, keep_images):
                results.append(result)
                progress(len(results) + len(left_out), total)
            for number, one in enumerate((one for one in inputs if one.kind == "video"), start=1):
                results += self._video(one, options, left_out, keep_images)
                progress(len(names) + number, total)
        if not results and left_out:
            raise SourceError(next(iter(left_out.values())))
        reasons = {name: in_python(reason) for name, reason in left_out.items()}
        return Results(_in_order(results, [one.name for one in inputs]), reasons)

    @with_python_names
    def stream(
        self,
        source: Source,
        *,
        live: bool | None = None,
        rgb: bool = False,
        on_result: Callable[[Result], object] | None = None,
        **chosen: Any,
    ) -> Stream:
        """Analyse a video, camera or stream; results are computed while you iterate, in constant memory.

        Args:
            source: as in `emotion.stream`.
            live: skip frames to keep up with real time; by default for live sources.
            rgb: arrays are in RGB order.
            on_result: called with each result in another thread; you do not iterate then.
            chosen: options for this call, for example ``smooth=0.5, every="1s"``.

        Raises:
            OptionError: an option is unknown or out of bounds.
            SourceError: the source cannot be opened, or is interrupted while you iterate.
        """
        options = self._with(chosen)
        if on_result is not None:
            check_callable("on_result", on_result, "each result")
        source = with_camera(source)
        with ExitStack() as stack:
            spool = stack.enter_context(Spool())
            name = _name_of(source)
            name = name or name_of_open(source)
            opened, live = _fetched(source, live, spool)
            policy = NewestFrame.of(options) if live else EveryFrame()
            # Before the source is opened, so that no live picture waits for them.
            stages = policy.stages(self._models, options)
            try:
                session = Session(_open(opened, live, options, rgb, spool), policy=policy, stages=stages)
            except SourceError as error:
                spool.name_original(error, name)
                raise
            stack.pop_all()
        return Stream(session, options.drawing, name, spool, on_result)

    @with_python_names
    def follow(self, *, rgb: bool = False, **chosen: Any) -> Follower:
        """A function for your own loop, called once per image; it tracks people and smooths over time.

        ::

            with reader.follow() as follow:
                while (read := capture.read())[0]:
                    result = follow(read[1])

        If the images come from a file, pass their time in seconds, for example ``follow(image, number /
        fps)``.

        Args:
            rgb: arrays are in RGB order.
            chosen: options for this call, for example ``smooth=0.5``.

        Raises:
            OptionError: an option is unknown or out of bounds.
        """
        return Follower(self._models, self._with(chosen), rgb)

    def _with(self, chosen: Mapping[str, Any]) -> Options:
        if self._closed:
            raise SourceError(_CLOSED)
        refuse_late(chosen)
        return options_of_call(self._options, chosen)

    @contextmanager
    def _taken(self) -> Iterator[list[Stage[Any, Any]]]:
        """Stages for one picture, reserved for this thread."""
        with self._lock:
            if self._closed:
                raise SourceError(_CLOSED)
            stages = self._idle.pop() if self._idle else None
        if stages is None:
            made = EachPicture(inline=True).stages(self._models, self._options)
            stages = [step[0] if isinstance(step, Sequence) else step for step in made]
        try:
            yield stages
        finally:
            with self._lock:
                kept = not self._closed
                if kept:
                    self._idle.append(stages)
            if not kept:
                _close(stages)

    def _photographs(
        self,
        readers: Sequence[Callable[[], Image]],
        names: Sequence[str],
        called: Sequence[str],
        options: Options,
        left_out: dict[str, str],
        keep_images: bool,
    ) -> Iterator[Result]:
        if not readers:
            return

        def failed(index: int, error: Exception) -> None:
            left_out[called[index]] = str(error)

        with Session(Photographs(readers, failed), options, self._models, EachPicture()) as session:
            for frame in session:
                name = names[frame.frame.index]
                kept = frame if keep_images or not name else without_image(frame)
                yield Result(name, True, kept, None, options.drawing)

    def _video(
        self, one: Input, options: Options, left_out: dict[str, str], keep_images: bool
    ) -> list[Result]:
        results: list[Result] = []
        renderer = Renderer(options.drawing) if keep_images else None
        try:
            with Session(VideoFile.of(one.path, options.file), options, self._models) as session:
                for frame in session:
                    kept = frame if keep_images else without_image(frame)
                    results.append(Result(one.name, False, kept, renderer, options.drawing))
        except EmotionError as error:
            left_out[one.name] = one.with_name(str(error))
        return results


@lru_cache(maxsize=2)
def _models_of(engine: EngineOptions) -> Models:
    """Models of copies, so that a process loads them once, and not for each copy that it is sent."""
    return load_models(engine)


def _again(options: Options) -> Recognizer:
    copy = Recognizer(_models_of(options.engine), options=options)
    copy._given = False
    return copy


def _read(photograph: Input) -> Image:
    try:
        return read_picture(photograph.path)
    except SourceError as error:
        raise SourceError(photograph.with_name(str(error))) from error


def _reader_of(values: Mapping[str, Any]) -> Loaded:
    """The function that analyses files on another machine of a cluster."""
    options = from_mapping(Options, values)
    reader = Recognizer(options=options)
    return reader.analyze_files, provenance_of_run(reader._models, options)


def _close(stages: Iterable[Stage[Any, Any]]) -> None:
    for stage in stages:
        stage.close()


def _in_order(results: Sequence[Result], files: Sequence[str]) -> list[Result]:
    """Results in the order of their files, followed by those of images."""
    places = {name: place for place, name in enumerate(files)}
    return sorted(results, key=lambda result: places.get(result.source, len(places)))


def _fetched(source: Any, live: bool | None, spool: Spool) -> tuple[Any, bool]:
    """The source, and whether it is live; a link to a file is downloaded."""
    if live is not None:
        return source, live
    if isinstance(source, int):
        return source, True
    if not isinstance(source, str):
        return source, False
    if scheme_of(source) in ("http", "https"):
        try:
            return spool.fetch(source), False
        except EndlessError:
            return source, True
    return source, camera_of(source) is not None or scheme_of(source) in LIVE_SCHEMES


def _name_of(source: object) -> str:
    return (
        os.fspath(source)
        if isinstance(source, str | os.PathLike)
        else str(source)
        if isinstance(source, int)
        else ""
    )


def _open(source: Any, live: bool, options: Options, rgb: bool, spool: Spool) -> Iterable[VideoFrame]:
    if isinstance(source, int) or (live and isinstance(source, str | os.PathLike)):
        return open_live(str(source) if isinstance(source, int) else os.fspath(source), options.live)
    if looks_like_a_photograph(source):
        raise SourceError("These bytes are a photograph: use analyze.")
    path: Path | None = file_of(source, spool)
    if path is not None:
        if isinstance(source, str) and not (path.suffix or path.exists()) and path.name == source:
            raise SourceError(f"{source} does not exist: check the path; a camera is named by its number, 0.")
        return VideoFile.of(path, options.file)
    if not is_list(source) and not hasattr(source, "isOpened"):
        kind = type(source).__name__
        if isinstance(source, AsyncIterable):
            raise SourceError(f"{kind} is asynchronous: call Recognizer.follow with each of its pictures.")
        raise SourceError(
            f"{kind} is nothing that moves: give a file, link, camera's number or pictures; or use analyze."
        )
    return _Pictures(source, rgb, options.file.file_fps or options.live.fps, live)


class _Pictures:
    """A program's images as frames; their source is closed with them, if it has a `close`."""

    def __init__(self, source: Any, rgb: bool, fps: float | None, live: bool) -> None:
        self._source = source
        self._make = partial(frames_of, rgb=rgb, fps=fps, live=live)

    def __iter__(self) -> Iterator[VideoFrame]:
        return self._make(self._source)

    def close(self) -> None:
        close_source(self._source)

    def abort(self) -> None:
        getattr(self._source, "abort", lambda: None)()
