"""Annotated copies, tables and pages of many files by one call, as `emotion annotate` makes them."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from emotion.annotation_plan import plan_annotation
from emotion.fetching import Spool
from emotion.inputs import find_inputs
from emotion.loading import load_models
from emotion.models.errors import EmotionError, OptionError
from emotion.photographs import annotate_photographs, photographs_done
from emotion.realtime.errors import IncompleteSourceError, SourceError
from emotion.realtime.options import Options
from emotion.realtime.session import Models
from emotion.realtime.sinks.result_ledger import is_result
from emotion.study.options import StudyOptions, check_together
from emotion.videos import Outputs, annotate, is_done

if TYPE_CHECKING:
    from emotion.study.outcome import Outcome
    from emotion.study.plan import Job
    from emotion.study.run import Jobs as ManyJobs

Named: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class AnnotatedFiles:
    """The files that a call of `emotion.annotate_files` wrote.

    Attributes:
        files: by source, the files that were written; tables and summary of all photographs are under
            ``""``.
        left_out: by source, the reason why it could not be read, or not to its end; the latter also have
            `files`.
        passed_over: sources that had been done before (`resume`).
        study: folder of the study with its page and tables; None if there is no study.
    """

    files: dict[str, list[Path]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    study: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The arguments of a call.

    Attributes:
        output: a folder for the results; None: beside each.
        options: of every source; which files there are is `options.outputs.formats`.
        models: loaded models; None: they are loaded according to `options`, after the check that no file
            of the user is lost.
        many: how videos are distributed.
        study: make tables and a page of all videos; None: of several with a folder for results.
        recursive: include subfolders.
        resume: skip videos that are done; None: in a study, and if folders are named.
        progress: called with (sources done, sources in all).
    """

    output: Path | None
    options: Options
    models: Models | None = None
    many: StudyOptions = field(default_factory=StudyOptions)
    study: bool | None = None
    recursive: bool = False
    resume: bool | None = None
    progress: Callable[[int, int], object] = lambda done, total: None

    def __post_init__(self) -> None:
        if self.models is not None and (self.many.jobs or 1) > 1:
            raise OptionError(
                "jobs",
                "jobs are processes, each of which loads models of its own: name a model folder, "
                "as models='lite', in the place of models that are loaded.",
            )
        check_together(self.many, False, self.options.drawing.privacy != "none", self.output)


def annotate_all(files: Iterable[Named], wanted: Wanted) -> AnnotatedFiles:
    """Annotate videos and photographs; one that cannot be read does not end the others.

    Args:
        files: what `emotion annotate` takes.
        wanted: how.

    Raises:
        SourceError: there is nothing to read, or nothing could be read.
        SinkError: something of the user's would be replaced, or nothing can be written.
        ModelFileError: a model is missing or damaged.
    """
    named = list(files)
    if nameless := [type(one).__name__ for one in named if not isinstance(one, str | os.PathLike)]:
        raise SourceError(
            f"{nameless[0]} is no name of a file, which annotate_files takes: analyze_files and stream take "
            "pictures."
        )
    with Spool() as spool:
        run = _Run(named, wanted, spool)
        run.videos()
        run.photographs()
    if not run.made.files and not run.made.passed_over:
        reason = next(iter(run.made.left_out.values()), "There is nothing to annotate: name a file.")
        raise run.error or SourceError(reason)
    return run.made


class _Run:
    """The sources of one call.

    Attributes:
        error: the first of a video that was annotated in this process.
    """

    def __init__(self, named: Sequence[Named], wanted: Wanted, spool: Spool) -> None:
        self.made = AnnotatedFiles()
        self.error: EmotionError | None = None
        self._wanted = wanted
        self._options = wanted.options
        found = find_inputs(named, wanted.recursive, fetch=spool.fetch)
        inputs = [one for one in found if not is_result(one.path)]
        self._inputs = {one.path: one for one in inputs}
        self._total, self._done = len(inputs), 0
        self._plan = plan_annotation(
            named,
            inputs,
            wanted.output,
            wanted.options,
            wanted.many,
            study=wanted.study,
            resume=wanted.resume,
        )
        if not wanted.options.outputs.overwrite:
            self._plan.check_own()

    @cached_property
    def _models(self) -> Models:
        return self._wanted.models or load_models(self._options.engine)

    def videos(self) -> None:
        """Annotate them, together where they are several."""
        if self._plan.videos and self._plan.together:
            self._all_together()
            return
        for video, outputs in self._plan.videos:
            self._annotate(video, outputs)
            self._step()

    def photographs(self) -> None:
        """Annotate them, all together."""
        if self._plan.photographs is None:
            return
        (photographs, outputs), before = self._plan.photographs, self._done
        done = self._plan.resume and photographs_done(photographs, outputs, self._models, self._options)
        if done:
            self.made.passed_over.extend(one.name for one in photographs)
            self.made.left_out.update(done.left_out)
            self._step(before + len(photographs))
            return
        summary = annotate_photographs(
            photographs,
            outputs,
            self._models,
            self._options,
            lambda done, total: self._step(before + done),
            resume=self._plan.resume,
        )
        self.made.left_out.update(summary.left_out)
        for source, picture in outputs.pictures.items():
            name = self._inputs[source].name
            if name not in summary.left_out:
                self.made.files[name] = [picture]
        if summary.photographs:
            self.made.files[""] = [*outputs.tables.values(), outputs.summary]

    def _step(self, done: int | None = None) -> None:
        self._done = self._done + 1 if done is None else done
        self._wanted.progress(self._done, self._total)

    def _all_together(self) -> None:
        # Imported here: a single video needs no study.
        from emotion.study.planned_run import plan_run  # noqa: PLC0415

        home = (self._wanted.output or Path()) if self._plan.study else None
        planned = plan_run(self._plan.videos, self._options, self._wanted.many, home)
        watcher = _Collecting(self._step)
        planned.run(self._pool(len(planned.jobs)), self._plan.resume, watcher)
        watcher.sort_into(self.made, planned.jobs)
        self.made = replace(self.made, study=home)

    def _pool(self, videos: int) -> "ManyJobs":
        from emotion.study.in_process import InProcess  # noqa: PLC0415
        from emotion.study.plan import shared_out, side_by_side  # noqa: PLC0415
        from emotion.study.pool import Pool  # noqa: PLC0415

        if self._wanted.models is not None:
            return InProcess(self._options, self._wanted.models)
        count = self._wanted.many.jobs or side_by_side(videos)
        return Pool(shared_out(self._options, count), count)

    def _annotate(self, video: Path, outputs: Outputs) -> None:
        # Models that cannot be loaded are no fault of the video.
        name, models = self._inputs[video].name, self._models
        try:
            if self._plan.resume and is_done(video, outputs, models, self._options):
                self.made.passed_over.append(name)
                return
            annotate(video, outputs, models, self._options)
        except EmotionError as error:
            self.error = self.error or error
            self.made.left_out[name] = self._inputs[video].with_name(str(error))
            if not isinstance(error, IncompleteSourceError):
                return
        self.made.files[name] = list(outputs.all())


@dataclass(slots=True)
class _Collecting:
    """Collects the outcome of each video, in order of completion; see `Watcher`."""

    step: Callable[[], object]
    ends: list[tuple["Outcome", bool]] = field(default_factory=list)

    def begun(self, job: "Job", where: str) -> None:
        """Ignored."""

    def progress(self, job: "Job", done: int, total: int | None) -> None:
        """Ignored."""

    def note(self, job: "Job", sentence: str) -> None:
        """It is in the summary."""

    def ended(self, outcome: "Outcome", frames: int, passed: bool) -> None:
        """Collect it."""
        self.ends.append((outcome, passed))
        self.step()

    def stopping(self) -> None:
        """The caller gets the interrupt itself."""

    def sort_into(self, made: AnnotatedFiles, jobs: Sequence["Job"]) -> None:
        """Tell it all, in the order of the videos."""
        by_number = {job.number: job for job in jobs}
        for outcome, passed in sorted(self.ends, key=lambda end: end[0].number):
            job = by_number[outcome.number]
            source = str(job.video)
            if passed:
                made.passed_over.append(source)
                continue
            if outcome.reason:
                made.left_out[source] = outcome.reason
            if outcome.state != "failed":
                made.files[source] = list(job.outputs.all())
