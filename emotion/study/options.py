"""Options of many videos: how they are distributed, and what is written about all of them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from emotion.models.errors import OptionError
from emotion.models.options import Option, Spelling, check


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a study that are annotated independently.

    Attributes:
        number: from 1.
        count: number of parts.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def name(self) -> str:
        """For names of files: ``2-of-10``."""
        return f"{self.number}-of-{self.count}"


def read_shard(text: str) -> Shard:
    """The shard of a text such as ``2/10``.

    Raises:
        ValueError: the text is invalid.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"{text!r} is no part of a whole: write 2/10 for the second of ten")
    return Shard(int(found[1]), int(found[2]))


def read_cluster(text: str) -> str:
    """A cluster's address, validated.

    Raises:
        ValueError: it is not an address.
    """
    found = text.strip()
    if found in ("local", "auto") or re.fullmatch(r"(ray://)?[\w.\-\[\]:]+:\d{1,5}", found):
        return found
    raise ValueError(f"{text!r} is no cluster: write local, auto, ray://host:10001 or host:6379")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """The options of many videos."""

    TITLE: ClassVar[str] = "Many videos"

    jobs: Annotated[
        int | None,
        Option(
            help="Number of videos annotated in parallel, each in its own process; by default one "
            "for each core, as far as memory allows. Results do not depend on it.",
            ge=1,
            le=1024,
        ),
    ] = None
    shard: Annotated[
        Shard | None,
        Option(
            help="Annotate only this part of the videos, for example 2/10: for several machines or a "
            "Slurm job array; 'emotion study merge' combines the parts.",
            metavar="PART/ALL",
            spelling=Spelling(read_shard),
        ),
    ] = None
    frames: Annotated[
        bool,
        Option(
            help="Also write one table of all frames of all videos, frames.parquet, partitioned by video."
        ),
    ] = False
    portraits: Annotated[
        bool,
        Option(
            help="Also write for each video the sharpest frontal picture of each person. This is "
            "biometric data; not possible with --privacy."
        ),
    ] = False
    metadata: Annotated[
        Path | None,
        Option(help="A CSV with one row per video; its columns are added to the tables.", metavar="CSV"),
    ] = None
    by: Annotated[
        str | None,
        Option(
            help="Column of --metadata by which videos are grouped; by default their folders.",
            metavar="COLUMN",
        ),
    ] = None
    quiet: Annotated[bool, Option(help="Print failures only.")] = False
    verbose: Annotated[
        bool, Option(help="Show a line for each running video: where it runs, and its progress.")
    ] = False
    cluster: Annotated[
        str | None,
        Option(
            help="Run on a Ray cluster: 'local' for all cores and GPUs of this machine, 'auto' for "
            "the cluster that this machine belongs to, or an address such as ray://head:10001.",
            metavar="ADDRESS",
            spelling=Spelling(read_cluster),
        ),
    ] = None
    mixed: Annotated[
        bool,
        Option(
            help="Allow machines that differ in provider, precision or libraries; results then "
            "depend slightly on the machine."
        ),
    ] = False

    def __post_init__(self) -> None:
        check(self)


def check_together(
    many: StudyOptions, watched: bool, hidden: bool, home: Path | None, study: bool = False
) -> None:
    """Refuse options that conflict.

    Args:
        many: how videos are distributed.
        watched: whether there are live outputs.
        hidden: whether faces are hidden.
        home: the folder for results, if one is named.
        study: whether tables and a page of all videos were requested.

    Raises:
        OptionError: names it.
    """
    given = {
        "shard": many.shard,
        "cluster": many.cluster,
        "frames": many.frames or None,
        "metadata": many.metadata,
        "by": many.by,
    }
    chosen = [name for name, value in given.items() if value is not None]
    if many.portraits and hidden:
        raise OptionError("portraits", "--portraits shows faces, which --privacy hides: leave one out.")
    if watched and (chosen or many.portraits or (many.jobs or 1) > 1 or study):
        one_of = ("portraits", many.portraits), ("study", study), ("jobs", True)
        name = chosen[0] if chosen else next(name for name, there in one_of if there)
        raise OptionError(name, f"--{name} goes with neither --events, --mjpeg nor --metrics: leave one out.")
    needing = [name for name in chosen if name != "cluster"]
    if needing and home is None:
        raise OptionError(
            needing[0],
            f"--{needing[0]} needs a folder for the study: name one with -o.",
        )


def check_offline_together(many: StudyOptions, offline: bool) -> None:
    """Refuse a cluster with `--offline`.

    Raises:
        OptionError: names it.
    """
    if offline and many.cluster is not None:
        raise OptionError(
            "cluster", "--cluster talks over the network, which --offline forbids: leave one out."
        )
