"""Many videos of `emotion annotate`: annotated in parallel, with one progress bar and a table at the end."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from emotion.cli.console import errors, shown
from emotion.cli.progress import times
from emotion.cluster.pool import ClusterPool
from emotion.fetching import is_stored
from emotion.models.names import escaped
from emotion.models.words import counted, video_length
from emotion.realtime.options import Options
from emotion.study.metadata import Metadata
from emotion.study.options import StudyOptions
from emotion.study.outcome import Outcome, StudiedVideo
from emotion.study.plan import Job, shared_out, side_by_side
from emotion.study.planned_run import plan_run
from emotion.study.pool import Pool
from emotion.study.run import Run
from emotion.study.stand_ins import StandIns
from emotion.study.study_files import PAGE, Findings, names_of
from emotion.videos import Outputs

# With more videos the table has counts instead.
_MOST_ROWS = 30
_STOPPING = "Stopping. Unfinished videos are kept as partial files. {command} resumes."


def annotate_many(
    videos: Sequence[tuple[Path, Outputs]],
    options: Options,
    many: StudyOptions,
    home: Path | None,
    resume: bool,
    out: Console,
    stand_ins: StandIns,
) -> int:
    """Annotate videos in parallel; returns the exit code.

    Args:
        videos: each with its results.
        options: of every video.
        many: how they are distributed.
        home: the study's folder; None: there is no study.
        resume: skip videos that are done.
        out: the console for the results.
        stand_ins: paths among those of the videos and results that represent files in stores.

    Raises:
        EmotionError: no video can be annotated.
    """
    planned = plan_run(videos, options, many, home)
    pool = _pool(len(planned.jobs), options, many, stand_ins)
    if home is not None:
        stand_ins.bring(home, names_of(many.shard))
    with Bar(len(planned.jobs), many.quiet, many.verbose, resume) as bar:
        run, studied = planned.run(pool, resume, bar)
    if home is not None:
        stand_ins.take(home, names_of(many.shard))
    if not many.quiet:
        say_found(studied, out, run.passed)
        out.print(_sentence(run, pool.count))
        _say_warnings(studied, planned.metadata, home is not None and not many.shard, out)
        if home is not None:
            place = home / PAGE if not many.shard else home
            out.print(f"  {'study':<16} {_shown(place, stand_ins)}")
            if many.shard:
                out.print("Put all parts together with 'emotion study merge'.")
    return run.code


def _pool(jobs: int, options: Options, many: StudyOptions, stand_ins: StandIns) -> Pool | ClusterPool:
    if many.cluster is None:
        count = many.jobs or side_by_side(jobs)
        return Pool(shared_out(options, count), count, address=stand_ins.address)

    def say(sentence: str) -> None:
        errors.print(escaped(sentence))

    return ClusterPool(
        many.cluster,
        options,
        many.jobs,
        many.mixed,
        stand_ins.address,
        say=say,
        waiting=(lambda sentence: None) if many.quiet else say,
    )


def _shown(place: Path, stand_ins: StandIns) -> str:
    address = stand_ins.address(place)
    return escaped(address) if is_stored(address) else shown(place)


def found(studied: Sequence[StudiedVideo], passed: Collection[int] = ()) -> Table:
    """Results and failures: one row per video, or, for many, one row per label.

    Args:
        studied: the videos.
        passed: the numbers of the videos that an earlier run had done.
    """
    table = Table(box=None, pad_edge=False, show_edge=False)
    if len(studied) <= _MOST_ROWS:
        for name, side in (("video", "left"), ("overall", "left"), ("people", "right"), ("length", "right")):
            table.add_column(name, justify=side)  # type: ignore[arg-type]
        table.add_column("state")
        for one in studied:
            before = " before" if one.outcome.number in passed else ""
            table.add_row(_text(one.outcome.name), *_findings(one), _text(f"{one.outcome.state}{before}"))
        return table
    table.add_column("overall")
    table.add_column("videos", justify="right")
    table.add_column("people", justify="right")
    videos, people = Counter[str](), Counter[str]()
    for one in studied:
        if one.summary:
            label = one.summary["video"]["label"] or "no face"
            videos[label] += 1
            people[label] += one.summary["video"]["people"]
    for label, count in videos.most_common():
        table.add_row(label, str(count), str(people[label]))
    return table


def say_found(studied: Sequence[StudiedVideo], out: Console, passed: Collection[int] = ()) -> None:
    """The table, and below that of many videos, which has no names, the failures with reasons."""
    out.print(found(studied, passed))
    failed = [one for one in studied if one.outcome.state == "failed"]
    if len(studied) > _MOST_ROWS:
        for one in failed:
            out.print(_text(f"failed: {one.outcome.name}: {one.outcome.reason}"), soft_wrap=True)


def _say_warnings(studied: Sequence[StudiedVideo], metadata: Metadata, on_page: bool, out: Console) -> None:
    """How many videos have warnings, which the table has no room for, and what the metadata lack."""
    warned = sum(bool(one.summary and one.summary.get("notes")) for one in studied)
    if warned:
        where = "the page of the study" if on_page else "notes in their summaries"
        verb = "has" if warned == 1 else "have"
        out.print(f"{counted(warned, 'video')} {verb} warnings, such as missing frames: see {where}.")
    for gap in metadata.gaps([one.outcome for one in studied]):
        out.print(_text(gap), soft_wrap=True)


def _findings(studied: StudiedVideo) -> tuple[str, str, str]:
    if not studied.summary:
        return "", "", ""
    video = studied.summary["video"]
    return video["label"] or "no face", str(video["people"]), video_length(video["seconds"])


def _text(name: str) -> Text:
    return Text(escaped(name))


def _sentence(run: Run, count: int) -> str:
    states = Counter(one.state for one in run.outcomes)
    bad = [f"{states[name]} {name}" for name in ("incomplete", "failed") if states[name]]
    said = f"{counted(len(run.outcomes), 'video')}: {states['done']} done"
    before = [f"{len(run.passed)} skipped because they were done before"] if run.passed else []
    done = ", ".join([said, *bad, *before])
    if not run.frames:
        return done
    rate = run.frames / run.seconds if run.seconds else 0.0
    return (
        f"{done}; {counted(run.frames, 'frame')} in {run.seconds:.1f} s ({rate:.1f} fps), {count} in parallel"
    )


class _Rate(ProgressColumn):
    """Frames a second, of all videos together."""

    def render(self, task: Task) -> Text:
        seconds = task.elapsed or 0.0
        frames = task.fields["frames"]
        return Text(f"{frames / seconds if seconds else 0.0:.1f} fps", style="progress.data.speed")


@dataclass(slots=True)
class Bar:
    """One bar for all videos, and a line for each failure; silent if the output is not a terminal.

    Attributes:
        total: number of videos.
        quiet: print only failures.
        verbose: print where each current video is processed, and its progress.
        resume: whether the same command resumes the run.
    """

    total: int
    quiet: bool = False
    verbose: bool = False
    resume: bool = True
    _parts: dict[int, tuple[int, float]] = field(default_factory=dict)
    _ended: int = 0
    _failed: int = 0
    _frames: int = 0
    _bar: Progress = field(init=False)
    _task: TaskID = field(init=False)
    _lines: dict[int, TaskID] = field(default_factory=dict)
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TextColumn("{task.fields[failed]}"),
            *times(),
            console=errors,
            disable=self.quiet or not errors.is_terminal,
        )
        self._task = self._bar.add_task("videos", total=self.total, frames=0, failed="0 failed")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begun(self, job: Job, where: str) -> None:
        """See `Watcher`."""
        self._parts[job.number] = (0, 0.0)
        if self.verbose:
            line = f"{escaped(job.name)} ({where})"
            if errors.is_terminal:
                self._lines[job.number] = self._bar.add_task(line, total=None, frames=0, failed="")
            else:
                errors.print(line)

    def progress(self, job: Job, done: int, total: int | None) -> None:
        """See `Watcher`."""
        self._parts[job.number] = (done, min(1.0, done / total) if total else 0.0)
        if job.number in self._lines:
            self._bar.update(self._lines[job.number], completed=done, total=total, frames=done)
        self._show()

    def note(self, job: Job, sentence: str) -> None:
        """Notes are in the log and in each summary: with many videos they would hide the failures."""

    def ended(self, outcome: Outcome, frames: int, passed: bool) -> None:
        """See `Watcher`."""
        self._parts.pop(outcome.number, None)
        if outcome.number in self._lines:
            self._bar.remove_task(self._lines.pop(outcome.number))
        self._ended += 1
        self._frames += frames
        self._failed += outcome.state == "failed"
        if outcome.state != "done":
            with suppress(OSError):
                errors.print(escaped(outcome.reason), style="red")
        self._show()

    def stopping(self) -> None:
        """See `Watcher`."""
        if self._stopping:
            return
        self._stopping = True
        self._bar.update(self._task, description="stopping")
        if not self.quiet:
            with suppress(OSError):
                command = "The same command" + ("" if self.resume else " with --resume")
                errors.print(_STOPPING.format(command=command))

    def _show(self) -> None:
        parts = self._parts.values()
        values: dict[str, Any] = {
            "completed": self._ended + sum(part for _, part in parts),
            "frames": self._frames + sum(done for done, _ in parts),
            "failed": f"{self._failed} failed",
        }
        self._bar.update(self._task, **values)


def say_study(findings: Findings, outcomes: Sequence[Outcome], metadata: Metadata, out: Console) -> None:
    """Print the result of a merge of shards."""
    say_found(findings.studied, out)
    failed = sum(one.state == "failed" for one in outcomes)
    out.print(f"{counted(len(outcomes), 'video')}{f', of which {failed} failed' if failed else ''}")
    _say_warnings(findings.studied, metadata, True, out)
    out.print(f"  {'study':<16} {shown(findings.page)}")
