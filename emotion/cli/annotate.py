"""The command `emotion annotate`: videos and photographs to annotated ones, tables and summaries."""

import itertools
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from emotion.annotation_plan import AnnotationPlan, plan_annotation
from emotion.benchmarks.tuning import tuned
from emotion.cli.console import console, errors, shown
from emotion.cli.network import obey_offline
from emotion.cli.parameters import with_options
from emotion.cli.progress import progress_bar
from emotion.cli.written_files import say_photographs, say_where
from emotion.fetching import Spool, is_stored
from emotion.inputs import MOVING, Input, find_inputs
from emotion.loading import load_models
from emotion.models.atomic_files import partial_path
from emotion.models.data.image_io import SUFFIXES
from emotion.models.errors import EmotionError
from emotion.models.names import escaped
from emotion.models.options import Without
from emotion.models.words import counted
from emotion.photographs import (
    TABLES,
    PhotographOutputs,
    PhotographSummary,
    annotate_photographs,
    photographs_done,
)
from emotion.realtime.errors import IncompleteSourceError, SinkError, SourceError
from emotion.realtime.monitoring.metrics import Metrics, Observer
from emotion.realtime.monitoring.serving import serving_metrics
from emotion.realtime.options import Options
from emotion.realtime.sinks.formats import known_formats
from emotion.realtime.sinks.result_ledger import BusyError, is_result
from emotion.realtime.sources.demo import DEMO
from emotion.result_folders import check_folder
from emotion.study.options import StudyOptions, check_offline_together, check_together
from emotion.study.stand_ins import StandIns
from emotion.videos import Models, Outputs, annotate, is_done

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion annotate                             the included clip

emotion annotate holiday/ --recursive -o out     a folder and its subfolders; the same command resumes

emotion annotate photos/*.jpg -o faces.csv   a table of photographs

emotion annotate film.mp4 --every 5s -o film.csv     a table with one frame every five seconds

emotion annotate clips/ -o study             many videos, with tables and a page of all

emotion annotate clips/ -o study --cluster auto     the same on all machines of a Ray cluster

emotion annotate list.csv https://host/clip.mp4     a list of names, and a link

COMMAND | emotion annotate -                 a video from standard input
"""


@app.command(name="annotate", epilog=EXAMPLES)
@with_options
def annotate_command(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Videos, photographs, folders, patterns ('*.jpg'), lists of names (.txt, .csv), "
            "links, or - for standard input; by default the included clip.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the results, local or in a store (s3://...); by default the folder of "
            "each source. Or, for one video or the table of photographs, a file (.mp4, .csv, "
            ".html, ...); may be repeated.",
        ),
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Include subfolders.", rich_help_panel="Input"),
    ] = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            help="Skip what is complete and was made with the same options and models: videos, and "
            "photographs that a stopped run has seen. On by default for folders, and for several "
            "sources with a folder for results (-o).",
            rich_help_panel="Input",
            show_default=False,
        ),
    ] = None,
    study: Annotated[
        bool | None,
        typer.Option(
            help="Write tables and a page of all videos together. On by default for several videos "
            "with a folder for results (-o).",
            rich_help_panel="Many videos",
            show_default=False,
        ),
    ] = None,
    *,
    many: StudyOptions,
    options: Annotated[
        Options,
        Without("live", "window", "show_metrics", "output", "virtual_camera", "feed", "lsl", "report"),
    ],
) -> None:
    """Annotate videos and photographs: annotated copies, tables, pages and summaries."""
    obey_offline(options.offline)
    check_offline_together(many, options.offline)
    with ExitStack() as stack:
        stand_ins = stack.enter_context(StandIns())
        run = _Run(tuned(options), *_places(output or [], stand_ins), stand_ins)
        check_together(many, run.watched, options.drawing.privacy != "none", run.folder, bool(study))
        spool = stack.enter_context(Spool(errors.print))
        inputs = run.find(sources, recursive, spool, many)
        plan = run.plan(sources or (), inputs, many, study, resume)
        if run.folder is not None and inputs:
            stand_ins.check(run.folder)
        _annotate(run, plan, many, options)
    raise typer.Exit(run.code)


def _annotate(run: "_Run", plan: AnnotationPlan, many: StudyOptions, options: Options) -> None:
    """Annotate videos, then photographs; the models are loaded if anything is analysed in this process."""
    if plan.videos and plan.together:
        run.many(plan, many)
    if plan.photographs and many.cluster is not None:
        run.photographs(*plan.photographs, many, plan.resume)
    elif plan.photographs or (plan.videos and not plan.together):
        run.models = load_models(options.engine, errors.print)
        with serving_metrics(run.observer, options.outputs.metrics, say=errors.print):
            if not plan.together:
                run.videos(plan)
            if plan.photographs:
                run.photographs(*plan.photographs, many, plan.resume)


def _places(given: Sequence[Path], stand_ins: StandIns) -> tuple[list[Path], Path | None]:
    """The files and the folder of the option `-o`.

    Raises:
        SinkError: they cannot be combined.
    """
    stored = {place: stand_ins.of(address) for place in given if (address := _address(place))}
    places = [stored.get(place, place) for place in given]
    files = [place for place in places if place.suffix.lower().removeprefix(".") in known_formats()]
    folders = [place for place in places if place not in files]
    for place in folders:
        if place == Path("-"):
            raise SinkError(
                "Results cannot go to standard output: name a folder or a file with -o, or --events."
            )
        check_folder(place, alone=False)
    if len(folders) > 1 or (files and folders):
        raise SinkError(
            f"{shown(folders[-1])} is a folder, and results go into one folder or into files "
            f"({', '.join(known_formats())}): leave the others out."
        )
    if files and stored:
        raise SinkError(f"Results go into a folder of a store: {_address(next(iter(stored)))} is a file.")
    for one, other in itertools.combinations(files, 2):
        if one.suffix.lower() == other.suffix.lower():
            raise SinkError(f"{shown(one)} and {shown(other)} would hold the same: leave one out.")
    return files, folders[0] if folders else None


def _address(place: Path) -> str | None:
    """The address of a store in a Path, which has turned ``//`` into ``/``; None for local paths."""
    found = re.match(r"([a-z][a-z0-9+.-]+):/+(?=.)", str(place), re.IGNORECASE)
    address = f"{found[1]}://{str(place)[found.end() :]}" if found else ""
    return address if is_stored(address) else None


class _Run:
    """One run of the command; a source that fails does not stop the others.

    Attributes:
        code: the exit code: that of the first failure.
        folder: for results; None: that of each source.
        models: for all sources.
    """

    models: Models

    def __init__(
        self, options: Options, files: Sequence[Path], folder: Path | None, stand_ins: StandIns
    ) -> None:
        self.code = 0
        self._stand_ins = stand_ins
        self._inputs: dict[Path, Input] = {}
        self.observer = Metrics()
        self._options = options
        self._files = files
        self.folder = folder
        # Events go to standard output.
        self._out = errors if options.outputs.events else console

    @property
    def watched(self) -> bool:
        """Whether there are live outputs; then videos run one by one in this process."""
        chosen = self._options.outputs
        return chosen.events or (chosen.mjpeg, chosen.metrics) != (None, None)

    @property
    def _away(self) -> bool:
        """Whether results go into a store; the processes that annotate videos upload them."""
        return self.folder is not None and is_stored(self._stand_ins.address(self.folder))

    def find(
        self, sources: Sequence[str] | None, recursive: bool, spool: Spool, many: StudyOptions
    ) -> list[Input]:
        """The inputs that the sources name.

        Files in a store are downloaded by the processes that annotate them, if there are such processes.

        Raises:
            SinkError: the inputs do not fit the files that are to be written.
        """
        if not sources:
            self.folder = self.folder or Path()
            return [Input(DEMO, "video")]

        def fetch(name: str) -> Path:
            kinds = MOVING | SUFFIXES if many.cluster is not None else MOVING if self._away else set()
            if is_stored(name) and Path(name).suffix.lower() in kinds:
                return self._stand_ins.of(name)
            return spool.fetch(name)

        found = find_inputs(sources, recursive, errors.print, fetch, self._failed)
        inputs = [one for one in found if not _skip(one.path)]
        videos = sum(one.kind == "video" for one in inputs)
        if self._files and (videos > 1 or 0 < videos < len(inputs)):
            raise SinkError(
                f"{shown(self._files[0])} is one file, but the sources are {_mixture(inputs)}: name a folder."
            )
        if self._files and inputs and not videos and not {one.suffix[1:] for one in self._files} <= {*TABLES}:
            raise SinkError("The table of photographs is a .csv, .jsonl or .parquet: name such a file.")
        return inputs

    def plan(
        self,
        sources: Sequence[str],
        inputs: Sequence[Input],
        many: StudyOptions,
        study: bool | None,
        resume: bool | None,
    ) -> AnnotationPlan:
        """Plan the run, after a check that no file of the user would be overwritten.

        Args:
            sources: as they were named.
            inputs: the files that they refer to.
            many: how videos are distributed.
            study, resume: see `plan_annotation`.

        Raises:
            SinkError: a file would be overwritten; or results go into a store, and there are live outputs.
        """
        if self.watched and self._away:
            raise SinkError("Results into a store go with neither --events, --mjpeg nor --metrics.")
        self._inputs = {one.path: one for one in inputs}
        plan = plan_annotation(
            sources,
            inputs,
            self.folder,
            self._options,
            many,
            files=self._files,
            study=study,
            resume=resume,
            together=False if self.watched else self._away or None,
        )
        if plan.photographs and self._away and self.folder is not None:
            self._stand_ins.bring(self.folder, _names(plan.photographs[1], self.folder))
        if not self._options.outputs.overwrite:
            plan.check_own()
        return plan

    def videos(self, plan: AnnotationPlan) -> None:
        """Annotate videos one after the other."""
        for video, outputs in plan.videos:
            try:
                if plan.resume and is_done(video, outputs, self.models, self._options):
                    errors.print(f"{shown(video)} is done already and is skipped.")
                    continue
                _annotate_one(video, outputs, self.models, self._options, self.observer, self._out)
            except EmotionError as error:
                self._failed(error, self._inputs[video])

    def many(self, plan: AnnotationPlan, many: StudyOptions) -> None:
        """Annotate videos in parallel, and write a study of all if wanted."""
        home = (self.folder or Path()) if plan.study else None
        # Imported here: a single video needs no study.
        from emotion.cli.many import annotate_many  # noqa: PLC0415

        code = annotate_many(plan.videos, self._options, many, home, plan.resume, self._out, self._stand_ins)
        self.code = self.code or code

    def photographs(
        self, photographs: Sequence[Input], outputs: PhotographOutputs, many: StudyOptions, resume: bool
    ) -> None:
        """Annotate all photographs, and write their tables."""
        started, count = time.monotonic(), len(photographs)
        if resume and many.cluster is None:
            before = photographs_done(photographs, outputs, self.models, self._options)
            if before is not None:
                self._say_skipped(before, count)
                return
        with progress_bar("/s") as bar:
            task = bar.add_task("photographs", total=count)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            try:
                summary = self._annotate_photographs(photographs, outputs, many, resume, progress)
                if summary.photographs:
                    self._take(outputs)
            except EmotionError as error:
                bar.stop()
                self._failed(error)
                return
        seconds = time.monotonic() - started
        if summary.photographs:
            self._out.print(f"photographs: {summary.sentence()}")
            say_photographs(outputs, summary, self._out)
            self._out.print(
                f"  {counted(count, 'photograph')} in {seconds:.1f} s ({count / seconds:.1f} a second)"
            )
        self._say_left_out(summary, count)

    def _annotate_photographs(
        self,
        photographs: Sequence[Input],
        outputs: PhotographOutputs,
        many: StudyOptions,
        resume: bool,
        progress: Callable[[int, int], None],
    ) -> PhotographSummary:
        """In this process, or on a cluster."""

        def say(sentence: str) -> None:
            errors.print(escaped(sentence))

        if many.cluster is None:
            return annotate_photographs(
                photographs, outputs, self.models, self._options, progress, self.observer, say, resume
            )
        # Imported here: it takes Ray.
        from emotion.distributed_photographs import distribute_photographs  # noqa: PLC0415

        address = self._stand_ins.address
        return distribute_photographs(
            many.cluster, photographs, outputs, self._options, address, progress, say, many.mixed
        )

    def _say_skipped(self, before: PhotographSummary, count: int) -> None:
        are = "is" if count == 1 else "are"
        errors.print(f"{counted(count, 'photograph')} {are} done already and {are} skipped.")
        for reason in filter(None, (*before.left_out.values(), before.crowd())):
            errors.print(escaped(reason))
        self._say_left_out(before, count)

    def _say_left_out(self, summary: PhotographSummary, count: int) -> None:
        if summary.left_out:
            left = len(summary.left_out)
            some = f"{left} of {counted(count, 'photograph')} could not be read: see above."
            none = "No photograph could be read: see above."
            self._failed(SourceError(some if summary.photographs else none))

    def _take(self, outputs: PhotographOutputs) -> None:
        """Upload results of photographs if they belong into a store."""
        if self._away and self.folder is not None:
            self._stand_ins.take(self.folder, _names(outputs, self.folder))

    def _failed(self, error: EmotionError, source: Input | None = None) -> None:
        message = source.with_name(str(error)) if source else str(error)
        errors.print(escaped(self._stand_ins.with_addresses(message)), style="red")
        self.code = self.code or error.exit_code


def _mixture(inputs: Sequence[Input]) -> str:
    """The numbers of videos and photographs, in words, with the name of the first video if they are mixed."""
    videos = [one for one in inputs if one.kind == "video"]
    words = counted(len(videos), "video")
    if len(videos) == len(inputs):
        return words
    return f"{words} ({videos[0].name}) and {counted(len(inputs) - len(videos), 'photograph')}"


def _names(outputs: PhotographOutputs, folder: Path) -> list[str]:
    """Paths of results relative to the folder."""
    return [path.relative_to(folder).as_posix() for path in outputs.all()]


def _skip(path: Path) -> bool:
    if not is_result(path):
        return False
    errors.print(f"{shown(path)} is a result of this program and is skipped.")
    return True


def _annotate_one(
    video: Path, outputs: Outputs, models: Models, options: Options, observer: Observer, out: Console
) -> None:
    started = time.monotonic()
    with progress_bar("fps") as bar:
        task = bar.add_task(escaped(video.name), total=None)
        try:
            summary = annotate(
                video,
                outputs,
                models,
                options,
                lambda done, total: bar.update(task, completed=done, total=total),
                observer,
                errors.print,
            )
        except IncompleteSourceError:
            bar.stop()
            say_where(outputs, out)
            raise
        except BusyError:  # what is there is the other run's
            raise
        except BaseException:
            bar.stop()
            part = partial_path(outputs.video) if outputs.video else None
            if part and os.path.exists(part):
                errors.print(f"What was done until then can be played: {shown(part)}")
            raise
    seconds = time.monotonic() - started
    out.print(f"{escaped(video.name)}: {summary.sentence()}")
    say_where(outputs, out)
    out.print(f"  {counted(summary.frames, 'frame')} in {seconds:.1f} s ({summary.frames / seconds:.1f} fps)")
