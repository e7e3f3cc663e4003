"""The functions of the Python interface: images, files and streams in, results out, with shared models.

Each function is a short form of a method of `emotion.Recognizer`, whose models are loaded at the first
call and kept for the next ones.
"""

import inspect
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion.annotated_files import AnnotatedFiles, Named, Wanted, annotate_all
from emotion.models.errors import OptionError
from emotion.models.names import expanded
from emotion.models.options import with_values
from emotion.parameters import (
    OFFERED,
    Files,
    Source,
    check_callable,
    name_in,
    options_of_call,
)
from emotion.pictures import PictureLike
from emotion.python_names import in_python, with_python_names
from emotion.realtime.options import Options
from emotion.realtime.session import Models
from emotion.realtime.sinks.options import DEFAULT_FORMATS
from emotion.recognizer import Recognizer
from emotion.result_folders import check_folder
from emotion.results import FaceResult, Result, Results
from emotion.streams import Stream
from emotion.study.options import Shard, StudyOptions, read_shard

__all__ = [
    "AnnotatedFiles",
    "FaceResult",
    "Recognizer",
    "Result",
    "Results",
    "Stream",
    "analyze",
    "analyze_files",
    "annotate_files",
    "stream",
]

# Number of sets of options whose models and landmarkers are kept.
_KEPT = 2
_readers: dict[Options, Recognizer] = {}
_lock = threading.Lock()


def analyze(
    picture: PictureLike,
    *,
    rgb: bool = False,
    models: Models | str | os.PathLike[str] | None = None,
    options: Options | None = None,
    **chosen: Any,
) -> Result:
    """Analyse the faces in one image.

    ::

        result = emotion.analyze("portrait.jpg")
        print(result.faces[0].label, result.faces[0].probabilities)

    For the frames of a video or camera use `stream` or `Recognizer.follow`, which track people and smooth
    over time.

    Args:
        picture: a path, a link, bytes, an open file, a PIL image, or an array: uint8 (height, width, 3), in
            BGR order as in OpenCV.
        rgb: arrays are in RGB order, as in matplotlib, imageio and PIL.
        models: ``"lite"`` or ``"standard"``, the path of a model folder, or a result of
            `emotion.Models.load`. By default as in `options`.
        options: all options as one object; `Options()` by default.
        chosen: options by name, which replace those in `options`.

    Raises:
        OptionError: an option is unknown or out of bounds.
        SourceError: the image cannot be read, is damaged, or is not an image.
        ModelFileError: a model is missing or damaged.
    """
    return _reader(models, options, chosen).analyze(picture, rgb=rgb)


def analyze_files(
    files: Files,
    *,
    recursive: bool = False,
    keep_images: bool = False,
    rgb: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
    cluster: str | None = None,
    models: Models | str | os.PathLike[str] | None = None,
    options: Options | None = None,
    **chosen: Any,
) -> Results:
    """Analyse photographs and videos; one result for each photograph and each frame.

    ::

        results = emotion.analyze_files("photos/*.jpg")
        results.to_df()                 # one row per face
        emotion.analyze_files("clip.mp4").plot("fear", people=[1, 2])

    Files that cannot be read are listed in `Results.left_out`; the others are still analysed. For a video
    that is too long for memory use `stream`.

    Args:
        files: a file, folder, pattern (``"photos/*.jpg"``), list (.txt, .csv), link or store's address, or
            several of these; also images as in `analyze`.
        recursive: include subfolders.
        keep_images: keep the images of videos in memory, so that results can be drawn.
        rgb: arrays are in RGB order.
        progress: called with (files done, files in all).
        cluster: run on a Ray cluster: ``"local"``, ``"auto"`` or an address. All its machines need access
            to the files, by the same paths or in a store.
        models: as in `analyze`.
        options: all options as one object; `Options()` by default.
        chosen: options by name, which replace those in `options`, for example ``every="5s", start=60``.

    Raises:
        OptionError: an option is unknown or out of bounds.
        SourceError: a folder, pattern or list is empty, or nothing could be read.
        ModelFileError: a model is missing or damaged.
    """
    reader = _reader(models, options, chosen)
    return reader.analyze_files(
        files,
        recursive=recursive,
        keep_images=keep_images,
        rgb=rgb,
        progress=progress,
        cluster=cluster,
    )


@with_python_names
def annotate_files(
    files: Named | Iterable[Named],
    output: str | os.PathLike[str] | None = None,
    *,
    formats: Sequence[str] = DEFAULT_FORMATS,
    overwrite: bool = False,
    recursive: bool = False,
    resume: bool | None = None,
    study: bool | None = None,
    jobs: int | None = None,
    shard: str | Shard | None = None,
    frames: bool = False,
    portraits: bool = False,
    metadata: str | os.PathLike[str] | None = None,
    by: str | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
    models: Models | str | os.PathLike[str] | None = None,
    options: Options | None = None,
    **chosen: Any,
) -> AnnotatedFiles:
    """Write annotated videos and photographs, tables, pages and summaries, as `emotion annotate` does.

    ::

        made = emotion.annotate_files("talks/", "results", formats=("mp4", "csv"), recursive=True)
        print(made.files, made.left_out)
        people = pandas.read_csv(made.study / "people.csv")     # several videos: one row per person

    Files that cannot be read are listed in `left_out`; the others are still annotated. Without a folder,
    results are written beside each source. Existing files are only replaced if they are unchanged results
    of this program.

    Several videos are annotated in parallel, each in its own process, which loads the models itself; with
    loaded models they are annotated one after the other in this process. Several videos with a folder for
    results are a study: the folder also gets tables and a page of all of them.

    Args:
        files: a file, folder, pattern (``"photos/*.jpg"``), list (.txt, .csv), link or store's address, or
            several of these.
        output: a folder for the results; by default that of each source.
        formats: what to write, several names or one text (``"mp4,csv"``): mp4 (annotated pictures for
            photographs), csv, jsonl, parquet, html, srt, vtt, eaf, and those of installed packages; by
            default mp4, csv, jsonl and html.
        overwrite: replace any existing file.
        recursive: include subfolders.
        resume: skip what is complete and was made with the same options and models: videos, and photographs
            that a stopped run has seen; by default for folders, and for several with a folder for results.
        study: write tables and a page of all videos together; by default for several with a folder for
            results.
        jobs: number of videos annotated in parallel; by default one for each core, as far as memory allows.
            Results do not depend on it.
        shard: only this part of the videos, for example ``"2/10"``; 'emotion study merge' combines the
            parts.
        frames: also write one table of all frames of all videos, frames.parquet, partitioned by video.
        portraits: also write for each video the sharpest frontal picture of each person: biometric data;
            not with privacy.
        metadata: a CSV with one row per video; its columns are added to the tables.
        by: column of it by which videos are grouped; by default their folders.
        progress: called with (sources done, sources in all).
        models: as in `analyze`.
        options: all options as one object; `Options()` by default.
        chosen: options by name, which replace those in `options`, for example ``every="5s",
            columns=("pose",)``.

    Raises:
        OptionError: an option is unknown, out of bounds, or conflicts with another.
        SourceError: there is nothing to read, or nothing could be read.
        SinkError: a file cannot be written, or would replace a file that is not a result of this program.
        ModelFileError: a model is missing or damaged.
    """
    given = options_of_call(options, chosen, models)
    check_callable("progress", progress, "(sources done, sources in all)")
    wished = tuple(formats) if isinstance(formats, Iterable) and not isinstance(formats, str) else formats
    given = with_values(given, {"formats": wished, "overwrite": overwrite})
    folder = None if output is None else Path(expanded(name_in("output", output)))
    if folder is not None:
        check_folder(folder)
    wanted = Wanted(
        output=folder,
        options=given,
        models=models if isinstance(models, Models) else None,
        many=StudyOptions(
            jobs=jobs,
            shard=_shard(shard),
            frames=frames,
            portraits=portraits,
            metadata=None if metadata is None else Path(expanded(name_in("metadata", metadata))),
            by=by,
        ),
        study=study,
        recursive=recursive,
        resume=resume,
        progress=progress,
    )
    several = isinstance(files, Iterable) and not isinstance(files, str)
    made = annotate_all(files if several else [files], wanted)  # type: ignore[list-item,arg-type]
    return replace(made, left_out={name: in_python(reason) for name, reason in made.left_out.items()})


def stream(
    source: Source,
    *,
    models: Models | str | os.PathLike[str] | None = None,
    live: bool | None = None,
    rgb: bool = False,
    options: Options | None = None,
    on_result: Callable[[Result], object] | None = None,
    **chosen: Any,
) -> Stream:
    """Analyse a video, camera or stream; results are computed while you iterate, in constant memory.

    A file gives every frame. A live source gives the newest frame whenever the models are free, so that
    results are never late; leave the loop to end it.

    Args:
        source: a video file, a link, a camera's number or device file, an address (``rtsp://``, ``udp://``),
            bytes or an open binary file, an OpenCV capture, or an iterable of images as in `analyze`, alone
            or with their time: ``(seconds, image)``. Without times, ``fps`` (30) images a second are assumed.
        models: ``"lite"`` or ``"standard"``, the path of a model folder, or a result of
            `emotion.Models.load`, to load them once for many sources. By default as in `options`.
        live: skip frames to keep up with real time; by default for cameras, streams, and links without an
            end.
        rgb: arrays are in RGB order.
        options: all options as one object; `Options()` by default.
        on_result: called with each result, in order, in another thread; you do not iterate then. If it is
            slow, a file waits; for a live source it gets the newest result each time.
        chosen: options by name, which replace those in `options`, with the names and units of the command
            line: ``max_faces=2, smooth=0.5, stride=2, every="5s"``; for live sources
            ``size=(1280, 720), fps=15, mirror=True``. `help(emotion.stream)` lists them all.

    Raises:
        OptionError: an option is unknown or out of bounds.
        SourceError: the source cannot be opened, or is interrupted while you iterate.
        ModelFileError: a model is missing or damaged.
    """
    reader = _reader(models, options, chosen)
    return reader.stream(source, live=live, rgb=rgb, on_result=on_result)


def _shard(given: str | Shard | None) -> Shard | None:
    if not isinstance(given, str):
        return given
    try:
        return read_shard(given)
    except ValueError as error:
        raise OptionError("shard", f"shard: {error}.") from error


def _reader(
    models: Models | str | os.PathLike[str] | None, options: Options | None, chosen: Mapping[str, Any]
) -> Recognizer:
    """A recognizer with these options, from the cache if there is one."""
    if isinstance(models, Models):
        return Recognizer(models, options=options, **chosen)
    wanted = options_of_call(options, chosen, models)
    with _lock:
        reader = _readers.pop(wanted, None) or Recognizer(options=wanted)
        _readers[wanted] = reader
        while len(_readers) > _KEPT:
            # Not closed: another thread may be using it; its resources are freed with it.
            del _readers[next(iter(_readers))]
    return reader


def _described(function: Callable[..., Any]) -> None:
    """What `help` shows: the options one by one, in the place of ``**chosen``."""
    own = inspect.signature(function)
    words = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=field.kind | None if field.optional else field.kind,
        )
        for field in OFFERED.chosen(Options, experts=True)
        if field.name not in ("models", *own.parameters)
    ]
    fixed = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    function.__signature__ = own.replace(parameters=[*fixed, *words])  # type: ignore[attr-defined]


for _function in (analyze, analyze_files, annotate_files, stream):
    _described(_function)
