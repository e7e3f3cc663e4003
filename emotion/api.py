"""What Python programs call: pictures, files and streams in, results out, with shared models.

Each function is a short form of a method of `emotion.Recognizer`, whose models are loaded at the first
call and kept for the next ones.
"""

import inspect
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emotion.annotated_files import AnnotatedFiles, Named, Wanted, annotate_all
from emotion.models.errors import OptionError
from emotion.models.options import with_values
from emotion.pictures import PictureLike
from emotion.realtime.options import Options
from emotion.realtime.session import Models
from emotion.realtime.sinks.options import DEFAULT_FORMATS
from emotion.recognizer import OFFERED, Files, Recognizer, Source, Stream, with_chosen
from emotion.results import FaceResult, Result, Results
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

# So many sets of options have their models, and what finds faces, kept.
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
    """What is thought of each face in one picture, from it alone.

    ::

        result = emotion.analyze("portrait.jpg")
        print(result.faces[0].label, result.faces[0].probabilities)

    For the pictures of a video or camera use `stream`, or `Recognizer.follow`: they follow people and smooth.

    Args:
        picture: a path, a link, bytes, an open file, a PIL image, or an array: uint8 (height, width, 3), BGR
            as OpenCV has it.
        rgb: arrays have red first, as in matplotlib, imageio and PIL.
        models: ``"lite"`` or ``"standard"``, the path of a model folder, or what `emotion.Models.load` gave.
            By default `options` say it.
        options: all of them in one; `Options()` where not given.
        chosen: options by name, in the place of those in `options`.

    Raises:
        OptionError: an option is not known here, or out of bounds.
        SourceError: the picture cannot be read, is damaged, or is no picture.
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
    """The results of photographs and videos, of videos a result a frame.

    ::

        results = emotion.analyze_files("photos/*.jpg")
        results.to_df()                 # a row a face
        emotion.analyze_files("clip.mp4").plot("fear", people=[1, 2])

    A file that cannot be read is left out, and named in `Results.left_out`; the others go on. For a video
    that is too long for memory iterate over `stream`.

    Args:
        files: a file, folder, pattern (``"photos/*.jpg"``), list (.txt, .csv), link or store's address, or
            several of these; also pictures as in `analyze`, each by itself.
        recursive: look into folders of folders, too.
        keep_images: keep the pictures of videos, so that results can be drawn; it takes their memory.
        rgb: arrays have red first.
        progress: called with (files done, files in all).
        cluster: let the machines of a Ray cluster do it: ``"local"``, ``"auto"`` or an address. All of them
            have to see the files, by the same names or in a store.
        models: as in `analyze`.
        options: all of them in one; `Options()` where not given.
        chosen: options by name, in the place of those in `options`, as ``every="5s", start=60``.

    Raises:
        OptionError: an option is not known here, or out of bounds.
        SourceError: a folder, pattern or list holds nothing, or nothing could be read.
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
        people = pandas.read_csv(made.study / "people.csv")     # of several videos: a row a person

    A file that cannot be read is left out, and named in `left_out`; the others go on. Results lie beside each
    source where no folder is given. Of existing files only this program's own, unchanged, are replaced.

    Several videos are worked on side by side, each in a process of its own, which loads its models by itself;
    with models that are loaded already they go one after the other in this process. Several videos with a
    folder for results are a study: tables and a page of all of them lie in the folder, too.

    Args:
        files: a file, folder, pattern (``"photos/*.jpg"``), list (.txt, .csv), link or store's address, or
            several of these.
        output: a folder for the results.
        formats: what to write: mp4 (of photographs annotated pictures), csv, jsonl, parquet, html, srt, vtt,
            eaf, and those of installed packages.
        overwrite: replace whatever is there.
        recursive: look into folders of folders, too.
        resume: pass over videos whose results are there, whole and made in the same way; by default of a
            study, and where a folder is named.
        study: make tables and a page of all videos together; by default of several with a folder for results.
        jobs: how many videos side by side; by default as many as fill the machine. Results do not depend
            on it.
        shard: only this part of the videos, as ``"2/10"``; 'emotion study merge' puts the parts together.
        frames: keep every frame of all videos in one table, frames.parquet, partitioned by video.
        portraits: make a sheet of each video's people, the sharpest frontal picture of each: biometric data;
            not with privacy.
        metadata: a CSV with a row a video and more columns, which go into the tables.
        by: the column of it by which the page compares videos; by default their folders.
        progress: called with (sources done, sources in all).
        models: as in `analyze`.
        options: all of them in one; `Options()` where not given.
        chosen: options by name, in the place of those in `options`, as ``every="5s", columns=("pose",)``.

    Raises:
        OptionError: an option is not known here, or out of bounds, or does not go with another.
        SourceError: there is nothing to read, or nothing could be read.
        SinkError: something would be replaced that is not this program's own, or cannot be written.
        ModelFileError: a model is missing or damaged.
    """
    given = with_chosen(options or Options(), chosen)
    if models is not None and not isinstance(models, Models):
        given = with_values(given, {"models": os.fspath(models)})
    given = with_values(given, {"formats": tuple(formats), "overwrite": overwrite})
    wanted = Wanted(
        output=None if output is None else Path(output),
        options=given,
        models=models if isinstance(models, Models) else None,
        many=StudyOptions(
            jobs=jobs,
            shard=_shard(shard),
            frames=frames,
            portraits=portraits,
            metadata=None if metadata is None else Path(metadata),
            by=by,
        ),
        study=study,
        recursive=recursive,
        resume=resume,
        progress=progress,
    )
    return annotate_all([files] if isinstance(files, str | os.PathLike) else files, wanted)


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
    """Analyse what moves; results are made while you iterate, in constant memory.

    A file gives every picture. A live source gives the newest whenever the models have time for it,
    so that results never fall behind; leave the loop to end it.

    Args:
        source: a video file, a link, a camera's number or device file, an address (``rtsp://``, ``udp://``),
            bytes or an open binary file, OpenCV's capture, or an iterable of pictures as in `analyze`, each
            alone or with its time: ``(seconds, picture)``. Those without times are ``file_fps`` (30) a
            second.
        models: ``"lite"`` or ``"standard"``, the path of a model folder, or what `emotion.Models.load` gave,
            to load them once for many sources. By default `options` say it.
        live: keep up with real time by leaving pictures out; by default for cameras, streams, and links that
            do not say where they end.
        rgb: arrays have red first.
        options: all of them in one; `Options()` where not given.
        on_result: called with each result, in order, in a thread of its own; then nobody iterates. One that
            takes long makes a file wait; of a live source it gets the newest result each time.
        chosen: options by name, in the place of those in `options`, with the words and in the units of the
            command line: ``max_faces=2, smooth=0.5, stride=2, every="5s"``; for live sources
            ``size=(1280, 720), fps=15, mirror=True``. `help(emotion.stream)` lists them all.

    Raises:
        OptionError: an option is not known here, or out of bounds.
        SourceError: the source cannot be opened; or, while iterating, it breaks off.
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
    """A recognizer with these options; one that was used lately, where there is one."""
    if isinstance(models, Models):
        return Recognizer(models, options=options, **chosen)
    wanted = with_chosen(options or Options(), chosen)
    if models is not None:
        wanted = with_values(wanted, {"models": os.fspath(models)})
    with _lock:
        reader = _readers.pop(wanted, None) or Recognizer(options=wanted)
        _readers[wanted] = reader
        while len(_readers) > _KEPT:
            # Not closed: another thread may be using it, and what it holds goes with it.
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
