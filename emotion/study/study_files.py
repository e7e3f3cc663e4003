"""Writes a study's files: tables, page, log and provenance, each atomically and listed in the ledger."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emotion.models.names import escaped
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.columns import description
from emotion.realtime.sinks.partial_file import PartialFile, writing
from emotion.realtime.sinks.result_ledger import Claim, ResultLedger
from emotion.realtime.sinks.result_sources import Source
from emotion.study.course import courses
from emotion.study.log import Log, lines_of
from emotion.study.metadata import Metadata
from emotion.study.options import Shard
from emotion.study.outcome import Outcome, StudiedVideo
from emotion.study.page import page
from emotion.study.plan import FRAMES
from emotion.study.tables import NAMES, tables

PROVENANCE, LOG, PAGE = "provenance.json", "log.jsonl", "study.html"
TITLE = "study"
"""The name of the source in the ledger of a study's own files."""


class StudyFiles:
    """The files of a study's folder, or of one of its shards, which has only a log and a provenance.

    Args:
        home: the folder, which is created.
        shard: the part; None for the whole.
        overwrite: replace existing files of any origin.
        earlier: first lines of the log; by default those of earlier runs.
        sources: all videos of the study; none if the study describes existing results.

    Raises:
        SinkError: there is a file of another program, or another run is using the folder.
    """

    def __init__(
        self,
        home: Path,
        shard: Shard | None,
        overwrite: bool,
        earlier: Sequence[str] | None = None,
        sources: Sequence[Source] = (),
    ) -> None:
        self.home = home
        self._shard = shard
        log = home / shard_name(LOG, shard)
        with writing(home):
            home.mkdir(parents=True, exist_ok=True)
        lines = lines_of(log) if earlier is None else earlier
        self._ledger = ResultLedger(claim_of(home, shard, sources), overwrite)
        try:
            self.log = Log(log, lines, self._ledger.publish)
        except BaseException:
            self._ledger.keep(_of_study({"complete": False}))
            raise

    def keep(self) -> None:
        """Keep the partial files of an interrupted run, which the next one continues."""
        self.log.keep()
        with suppress(SinkError):
            self._ledger.keep(_of_study({"complete": False}))

    def finish(self, outcomes: Sequence[Outcome], provenance: Mapping[str, Any]) -> Path:
        """Write the provenance, which lists all videos and files; returns its path.

        Raises:
            SinkError: it cannot be written.
        """
        self.log.note("end", videos=len(outcomes), failed=sum(one.state == "failed" for one in outcomes))
        self.log.close()
        values = {
            "complete": all(one.state == "done" for one in outcomes),
            "shard": str(self._shard) if self._shard else None,
            **provenance,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "videos": [one.to_json() for one in outcomes],
        }
        return self._ledger.finish(_of_study(values))

    def write(self, name: str, text: str) -> None:
        """Write one of the files.

        Raises:
            SinkError: it cannot be written.
        """
        draft = PartialFile(self.home / name, publish=self._ledger.publish)
        try:
            draft.append(text.encode())
            draft.publish()
        except BaseException:
            draft.discard()
            raise


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of writing a study.

    Attributes:
        studied: each video with the content of its files.
        page: path of the study's page.
    """

    studied: Sequence[StudiedVideo]
    page: Path


def names_of(shard: Shard | None) -> tuple[str, ...]:
    """The files of a study's folder, or of one of its shards, beside the videos' results."""
    names = (LOG, PROVENANCE) if shard else (PAGE, *NAMES, LOG, PROVENANCE)
    return tuple(shard_name(name, shard) for name in names)


def claim_of(home: Path, shard: Shard | None, sources: Sequence[Source]) -> Claim:
    """The study's own files as results of its videos."""
    *names, provenance = names_of(shard)
    return Claim([home / name for name in names], home / provenance, TITLE, sources)


def write_study(
    files: StudyFiles,
    outcomes: Sequence[Outcome],
    provenance: Mapping[str, Any],
    metadata: Metadata,
    by: str | None,
) -> Findings:
    """Write tables, page and provenance; their content depends only on the videos' results.

    Args:
        files: of the whole study.
        outcomes: of all videos.
        provenance: what they follow from, as workers report them.
        metadata: what the user knows of them.
        by: the column of it that the page compares by; None: folders.

    Raises:
        SinkError: one cannot be written.
    """
    studied = [StudiedVideo.of(one, files.home) for one in sorted(outcomes, key=lambda one: one.number)]
    for name, text in texts(studied, provenance, _title(files.home), metadata, by).items():
        files.write(name, text)
    for gap in metadata.gaps([one.outcome for one in studied]):
        files.log.note("metadata", note=gap)
    files.finish([one.outcome for one in studied], provenance)
    return Findings(studied, files.home / PAGE)


def texts(
    studied: Sequence[StudiedVideo],
    provenance: Mapping[str, Any],
    title: str,
    metadata: Metadata | None = None,
    by: str | None = None,
) -> dict[str, str]:
    """Tables and page by their files' names.

    Args:
        studied: the videos, in their order.
        provenance: what they follow from, as workers report them.
        title: of the page.
        metadata: what the user knows of them.
        by: the column of it that the page compares by; None: folders.
    """
    metadata = metadata or Metadata()
    classes = provenance.get("classes", ())

    def group(one: StudiedVideo) -> str:
        return metadata.of(one.outcome).get(by, "") or "(none)" if by else one.outcome.group

    means = courses(studied, classes, group)
    frames = _described(provenance.get("columns", ()), studied)
    made = {table.name: table.to_csv() for table in tables(studied, classes, metadata, means, frames)}
    return made | {PAGE: page(title, studied, classes, metadata, means, group, by, provenance)}


def _title(home: Path) -> str:
    """The page's title: the folder's name, if it is informative."""
    name = escaped(home.absolute().name)
    return "Study" if name.casefold() in ("", TITLE) else f"Study: {name}"


def shard_name(name: str, shard: Shard | None) -> str:
    """A file's name for a shard: ``log.2-of-10.jsonl``."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{shard.name}.{suffix}" if shard else name


def _described(columns: Sequence[str], studied: Sequence[StudiedVideo]) -> list[dict[str, str]]:
    """The columns of what is written of each video, and of the table of all frames where there is one."""
    formats = {name for one in studied for name in one.outcome.results}
    tables: dict[str, Sequence[str]] = {}
    if "csv" in formats:
        tables["*.emotions.csv"] = columns
    if "parquet" in formats:
        together = any(one.outcome.results.get("parquet", "").startswith(FRAMES) for one in studied)
        tables[FRAMES if together else "*.emotions.parquet"] = [*(["video"] if together else []), *columns]
    return [
        {
            "table": table,
            "column": name,
            "type": found.kind,
            "unit": found.unit,
            "range": found.bounds,
            "meaning": found.meaning,
        }
        for table, names in tables.items()
        for name in names
        for found in [description(name)]
    ]


def _of_study(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"video": {"name": TITLE}, **values}
