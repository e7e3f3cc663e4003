"""Plans what is annotated: the result files of each source, and which run together.

The command line and `emotion.annotate_files` share this plan, so that the same sources have the same results.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.inputs import Input, place_of
from emotion.models.names import escaped
from emotion.photographs import PhotographOutputs
from emotion.realtime.errors import SinkError
from emotion.realtime.options import Options
from emotion.realtime.sinks.overwrite_guard import FileSet, keep_apart_from
from emotion.realtime.sinks.result_ledger import check_own
from emotion.study.options import StudyOptions
from emotion.videos import Outputs, with_origins


@dataclass(frozen=True, slots=True)
class AnnotationPlan:
    """The sources with their result files, and how they are annotated.

    Attributes:
        videos: each with its result files.
        photographs: with their common result files; None if there are none.
        together: whether the videos are distributed to processes.
        study: whether tables and a page of all videos are written.
        resume: whether what is done is skipped.
    """

    videos: Sequence[tuple[Path, Outputs]]
    photographs: tuple[Sequence[Input], PhotographOutputs] | None
    together: bool
    study: bool
    resume: bool

    def check_own(self) -> None:
        """Check that results would replace only unchanged results of this program for the same sources.

        Raises:
            SinkError: names what would be lost.
        """
        check_own(outputs.claim(video) for video, outputs in self.videos)
        if self.photographs:
            photographs, outputs = self.photographs
            outputs.check_own(photographs)


def plan_annotation(
    named: Iterable[str | os.PathLike[str]],
    inputs: Sequence[Input],
    folder: Path | None,
    options: Options,
    many: StudyOptions,
    *,
    files: Sequence[Path] = (),
    study: bool | None = None,
    resume: bool | None = None,
    together: bool | None = None,
) -> AnnotationPlan:
    """Plan a run.

    Args:
        named: the sources as the user named them.
        inputs: the files that they refer to.
        folder: for results; None: that of each source.
        options: of every source.
        many: how videos are distributed.
        files: results are these files, one per format; empty: those of `options.outputs.formats`.
        study: write tables and a page of all videos; None: if several have a folder for results.
        resume: skip what is done; None: in a study, if folders are named, and for several photographs with a
            folder for results.
        together: distribute videos to processes; None: if there are several, or `many` asks for it. A study
            always does.

    Raises:
        SinkError: a result would overwrite a source, a model or another result.
    """
    videos = [one for one in inputs if one.kind == "video"]
    photographs = [one for one in inputs if one.kind == "photograph"]
    if together is None:
        together = len(videos) > 1 or many != StudyOptions()
    study = bool(videos) and (together and folder is not None if study is None else study)
    if resume is None:
        several = folder is not None and len(photographs) > 1
        resume = study or several or any(map(os.path.isdir, named))
    more = (*(("study",) if study else ()), *(("portraits",) if many.portraits else ()))
    jobs = with_origins(videos, _of_videos(videos, folder, (*options.outputs.formats, *more), files))
    common = None
    if photographs:
        common = PhotographOutputs.of(photographs, folder, options.outputs.formats, files, alone=not videos)
    reads = FileSet([*(one.path for one in inputs), *options.engine.models.glob("*")])
    _keep_apart(reads, [outputs.all() for outputs in (*(its for _, its in jobs), common) if outputs])
    return AnnotationPlan(jobs, (photographs, common) if common else None, together or study, study, resume)


def _of_videos(
    videos: Sequence[Input], folder: Path | None, formats: Sequence[str], files: Sequence[Path]
) -> list[Outputs]:
    if files:
        return [Outputs.at(files)] * len(videos)
    places = {one.path: place_of(one, folder) for one in videos}
    return Outputs.of_all([one.path for one in videos], folder, formats, places)


def _keep_apart(reads: FileSet, results: Iterable[Sequence[Path]]) -> None:
    """Refuse to write over what is read, or over the results of another source.

    Args:
        reads: sources and models.
        results: the files of each source.

    Raises:
        SinkError: names the file.
    """
    written = FileSet()
    for files in results:
        for path in files:
            if path in written:
                raise SinkError(
                    f"Two sources would both be written to {escaped(str(path))}: annotate one into another "
                    "folder."
                )
        keep_apart_from(reads, files)
        written.add(*files)
