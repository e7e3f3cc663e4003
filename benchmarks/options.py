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
# The marks of live are for one face and for three.
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

    quick: Annotated[bool, Option(help="Within a minute, on two clips only.")] = False
    json: Annotated[Path | None, Option(help="Write everything here.")] = None
    markdown: Annotated[Path | None, Option(help="Write the tables here.")] = None
    plot: Annotated[Path | None, Option(help="Write a picture here, .png or .svg.")] = None
    compare: Annotated[
        Path | None,
        Option(
            help="An older --json file, or 'last' for that of the last release: show the ratios.",
            metavar="FILE|last",
            spelling=Spelling(read_report, str),
        ),
    ] = None
    data: Annotated[
        Path | None, Option(help="Data set of 'emotion dataset': what int8 costs in accuracy.")
    ] = None
    peers: Annotated[
        tuple[PeerName, ...],
        Option(
            help="Others to compare with: keras, openvino, fer (installs it first), none.",
            spelling=Spelling(read_peers, ",".join),
        ),
    ] = ("keras", "openvino")
    keras_python: Annotated[
        str, Option(help="A Python with the training extra, where this one has none.")
    ] = sys.executable
    tune: Annotated[bool, Option(help="Only find this machine's best settings, and remember them.")] = False
    loop: Annotated[
        float | None,
        Option(help="Only run a clip for so much video; memory.", unit="minutes", ge=0.01),
    ] = None
    soak: Annotated[
        float | None,
        Option(
            help="Only run live for so long with one face, then with three: does it keep up, does it grow?",
            unit="seconds",
            ge=3,
        ),
    ] = None
    faces: Annotated[tuple[int, ...], Option(help="With --soak: 1 or 3 faces only; repeatable.")] = ()
    overwrite: Annotated[
        bool, Option(help="Let --json, --markdown and --plot replace files that are there.")
    ] = False
    window: Annotated[bool, Option(help="With --soak: show the pictures; there must be a screen.")] = False

    def __post_init__(self) -> None:
        check(self)
        if other := next((count for count in self.faces if count not in _FACES), None):
            raise OptionError("faces", f"{other} is not 1 or 3.")

    @property
    def soak_faces(self) -> tuple[int, ...]:
        """With how many faces live is run, one after the other."""
        return self.faces or _FACES
