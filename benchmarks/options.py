"""The options of the benchmark."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from emotion.benchmarks.history import read_report
from emotion.models.errors import OptionError
from emotion.models.options import Option, Spelling, check

PeerName: TypeAlias = Literal["keras", "openvino", "fer"]
PEERS: tuple[PeerName, ...] = get_args(PeerName)
# The targets of live are for one face and for three.
_FACES = (1, 3)


def read_peers(text: str) -> tuple[str, ...]:
    """The names with commas between; ``none`` is none.

    Raises:
        ValueError: one of them is not known.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(PEERS)}")
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What is measured, and where it is written."""

    TITLE: ClassVar[str] = "Benchmark"

    quick: Annotated[bool, Option(help="Measure only two clips, in under a minute.")] = False
    json: Annotated[Path | None, Option(help="Write all figures to this JSON file.")] = None
    markdown: Annotated[Path | None, Option(help="Write the tables to this Markdown file.")] = None
    plot: Annotated[Path | None, Option(help="Write a chart to this file (.png or .svg).")] = None
    compare: Annotated[
        Path | None,
        Option(
            help="Compare with an earlier --json file, or with 'last', that of the last release.",
            metavar="FILE|last",
            spelling=Spelling(read_report, str),
        ),
    ] = None
    data: Annotated[
        Path | None,
        Option(help="Data set made by 'emotion dataset', to measure the accuracy that int8 costs."),
    ] = None
    peers: Annotated[
        tuple[PeerName, ...],
        Option(
            help="What to compare with: keras, openvino, fer (installs it first), none.",
            spelling=Spelling(read_peers, ",".join),
        ),
    ] = ("keras", "openvino")
    keras_python: Annotated[
        str, Option(help="Python interpreter that has the extra 'train', if this one does not.")
    ] = sys.executable
    tune: Annotated[bool, Option(help="Only find the best settings of this machine, and save them.")] = False
    loop: Annotated[
        float | None,
        Option(help="Only measure memory while a clip of this length is analysed.", unit="minutes", ge=0.01),
    ] = None
    soak: Annotated[
        float | None,
        Option(
            help="Only run live for this time with one face, then with three, and check frame rate, "
            "delay and memory.",
            unit="seconds",
            ge=3,
        ),
    ] = None
    faces: Annotated[
        tuple[int, ...], Option(help="With --soak: only 1 or only 3 faces; may be repeated.")
    ] = ()
    overwrite: Annotated[bool, Option(help="Let --json, --markdown and --plot replace existing files.")] = (
        False
    )
    window: Annotated[bool, Option(help="With --soak: show the pictures; needs a screen.")] = False

    def __post_init__(self) -> None:
        check(self)
        if other := next((count for count in self.faces if count not in _FACES), None):
            raise OptionError("faces", f"{other} is not 1 or 3.")

    @property
    def soak_faces(self) -> tuple[int, ...]:
        """With how many faces live is run, one after the other."""
        return self.faces or _FACES
