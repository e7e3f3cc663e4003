"""What the inspection of a container's structure finds, and how the file can be repaired."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """An error in a file's structure.

    Attributes:
        why: in a few words, without a full stop: ``its header announces 100 bytes more``.
        position: its byte position; None if it concerns the whole file.
        is_cut: whether the end is missing; else something before the end is.
        follows: whether the file is valid up to `position`, where another file begins.
        is_weak: whether complete files of some muxers have it too, so that it counts only if frames are
            missing.
    """

    why: str
    position: int | None = None
    is_cut: bool = False
    follows: bool = False
    is_weak: bool = False


@dataclass(frozen=True, slots=True)
class Mend:
    """A repair of a file: pieces of it, and inserted bytes.

    Attributes:
        pieces: ranges of the file's bytes, and inserted bytes, in order.
        note: the repair, as a sentence without a full stop; empty if the finding describes it.
        finding: the error, if some of the file is still lost.
    """

    pieces: tuple[range | bytes, ...]
    note: str = ""
    finding: Finding | None = None
