"""Annotates many videos and writes their study, for the command line and the Python calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.realtime.options import Options
from emotion.realtime.sinks.result_ledger import check_own
from emotion.realtime.sinks.result_sources import Source
from emotion.study.columns import person_columns, video_columns
from emotion.study.metadata import Metadata, read_metadata
from emotion.study.options import StudyOptions
from emotion.study.outcome import StudiedVideo
from emotion.study.plan import Job, longest_first, part_of, plan, with_frames
from emotion.study.run import Jobs, Run, Watcher, run_jobs
from emotion.study.study_files import StudyFiles, claim_of, write_study
from emotion.videos import Outputs


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """Videos to annotate together: `plan_run` checks them, and `run` annotates them.

    Attributes:
        jobs: those of this machine.
        home: the study's folder; None: there is no study.
        options: of every video.
        many: how they are distributed.
        metadata: the user's data about them.
        sources: the videos of all machines.
    """

    jobs: Sequence[Job]
    home: Path | None
    options: Options
    many: StudyOptions
    metadata: Metadata
    sources: Sequence[Source]

    def run(self, pool: Jobs, resume: bool, watcher: Watcher) -> tuple[Run, Sequence[StudiedVideo]]:
        """Annotate all, and write the study if there is one; returns the videos with their files' content.

        Args:
            pool: runs them.
            resume: skip videos that are done.
            watcher: receives the progress.

        Raises:
            EmotionError: no video can be annotated, or the study cannot be written.
        """
        jobs = longest_first(self.jobs)
        if self.home is None:
            run = run_jobs(pool, jobs, Path(), resume, watcher)
            return run, [StudiedVideo.of(one, Path()) for one in run.outcomes]
        overwrite = self.options.outputs.overwrite
        files = StudyFiles(self.home, self.many.shard, overwrite, sources=self.sources)
        try:
            shard = str(self.many.shard) if self.many.shard else None
            files.log.note("start", videos=len(jobs), shard=shard, resume=resume)
            run = run_jobs(pool, jobs, self.home, resume, watcher, files.log.note)
            if self.many.shard:
                files.finish(run.outcomes, run.provenance)
                return run, [StudiedVideo.of(one, self.home) for one in run.outcomes]
            findings = write_study(files, run.outcomes, run.provenance, self.metadata, self.many.by)
        except BaseException:
            files.keep()
            raise
        return run, findings.studied


def plan_run(
    videos: Sequence[tuple[Path, Outputs]], options: Options, many: StudyOptions, home: Path | None
) -> PlannedRun:
    """Plan a run, after a check that no file of the user would be lost.

    Args:
        videos: each with its results.
        options: of every video.
        many: how they are distributed.
        home: see `PlannedRun`.

    Raises:
        SinkError: a file of the user would be replaced.
        SourceError, OptionError: see `read_metadata`.
    """
    metadata = Metadata() if many.shard else known_of(many.metadata, many.by)
    jobs = plan(videos, home or Path())
    if many.frames and home is not None:
        jobs = with_frames(jobs, home)
    jobs = part_of(jobs, many.shard)
    sources = [Source(video, outputs.origin) for video, outputs in videos]
    if not options.outputs.overwrite:
        if home is not None:
            check_own([claim_of(home, many.shard, sources)])
        check_own(one.outputs.claim(one.video) for one in jobs)
    return PlannedRun(jobs, home, options, many, metadata, sources)


def known_of(path: Path | None, by: str | None) -> Metadata:
    """The user's data about their videos, from a CSV.

    Raises:
        SourceError, OptionError: see `read_metadata`.
    """
    tables = (video_columns((), Metadata()), person_columns((), Metadata()))
    return read_metadata(path, by, [column.name for columns in tables for column in columns])
