"""Annotated copies, tables and pages of many files by one call, as `emotion annotate` makes them."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from emotion.annotate import Outputs, annotate, is_done
from emotion.fetching import Spool
from emotion.inputs import Input, find_inputs, place_of
from emotion.models.errors import EmotionError
from emotion.photographs import PhotographOutputs, annotate_photographs
from emotion.realtime.errors import IncompleteSourceError, SourceError
from emotion.realtime.options import Options
from emotion.realtime.session import Models
from emotion.realtime.sinks.result_ledger import check_own, is_result

Named: TypeAlias = str | os.PathLike[str]


@dataclass(slots=True)
class AnnotatedFiles:
    """What a call of `emotion.annotate_files` has left.

    Attributes:
        files: by source, its results; of photographs the tables and the summary stand under ``""``, for all.
        left_out: by source, why it could not be read, or not to its end; of the latter there are files.
        passed_over: what was done already.
    """

    files: dict[str, list[Path]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)


def annotate_all(
    files: Iterable[Named],
    output: Path | None,
    models: Callable[[], Models],
    options: Options,
    recursive: bool = False,
    resume: bool | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> AnnotatedFiles:
    """Annotate videos and photographs; one that cannot be read does not end the others.

    Args:
        files: what `emotion annotate` takes.
        output: a folder for the results; None: beside each.
        models: loads them, once it is sure that nothing of the user's is lost.
        options: which files there are is `options.outputs.formats`.
        recursive: look into folders of folders, too.
        resume: pass over videos that are done; None: where folders are named.
        progress: called with (sources done, sources in all).

    Raises:
        SourceError: there is nothing to read, or nothing could be read.
        SinkError: something of the user's would be replaced, or nothing can be written.
        ModelFileError: a model is missing or damaged.
    """
    named = list(files)
    made = AnnotatedFiles()
    with Spool() as spool:
        inputs = [one for one in find_inputs(named, recursive, fetch=spool.fetch) if not is_result(one.path)]
        videos = [one for one in inputs if one.kind == "video"]
        photographs = [one for one in inputs if one.kind == "photograph"]
        jobs = _planned(videos, output, options)
        pictures = PhotographOutputs.of(photographs, output, options.outputs.formats) if photographs else None
        if pictures is not None and not options.outputs.overwrite:
            pictures.check_own()
        loaded = models()
        skips = any(os.path.isdir(one) for one in named) if resume is None else resume
        for done, (video, outputs) in enumerate(jobs):
            progress(done, len(inputs))
            _annotate(video, outputs, loaded, options, skips, made)
        if pictures is not None:
            _annotate_photographs(photographs, pictures, loaded, options, made)
        progress(len(inputs), len(inputs))
    if not made.files and not made.passed_over:
        raise SourceError(next(iter(made.left_out.values()), "There is nothing to annotate: name a file."))
    return made


def _planned(videos: Sequence[Input], output: Path | None, options: Options) -> list[tuple[Path, Outputs]]:
    paths = [one.path for one in videos]
    places = {one.path: place_of(one, output) for one in videos}
    named = Outputs.of_all(paths, output, options.outputs.formats, places)
    jobs = list(zip(paths, named, strict=True))
    if not options.outputs.overwrite:
        check_own((tuple(one.files.values()), one.summary, video.name) for video, one in jobs)
    return jobs


def _annotate(
    video: Path, outputs: Outputs, models: Models, options: Options, resume: bool, made: AnnotatedFiles
) -> None:
    name = str(video)
    try:
        if resume and is_done(video, outputs, models, options):
            made.passed_over.append(name)
            return
        annotate(video, outputs, models, options)
    except EmotionError as error:
        made.left_out[name] = str(error)
        if not isinstance(error, IncompleteSourceError):
            return
    made.files[name] = list(outputs.all())


def _annotate_photographs(
    photographs: Sequence[Input],
    outputs: PhotographOutputs,
    models: Models,
    options: Options,
    made: AnnotatedFiles,
) -> None:
    summary = annotate_photographs(photographs, outputs, models, options)
    made.left_out |= summary.left_out
    for source, picture in outputs.pictures.items():
        if str(source) not in summary.left_out:
            made.files[str(source)] = [picture]
    if summary.photographs:
        made.files[""] = [*outputs.tables.values(), outputs.summary]
