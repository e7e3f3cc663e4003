"""What the inspection of a container's structure finds, and how the file can be repaired."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a file's structure.

    Attributes:
        why: in a few words, without an end: ``its header announces 100 bytes more``.
        position: the byte at which it shows; None where it concerns the whole file.
        is_cut: whether the end is missing; else something before the end is.
        follows: whether all is well up to `position`, where another file begins.
        is_weak: whether whole files of careless writers have it too, so that it counts only where frames are
            missing.
    """

    why: str
    position: int | None = None
    is_cut: bool = False
    follows: bool = False
    is_weak: bool = False


@dataclass(frozen=True, slots=True)
class Mend:
    """How a file reads on where it would end: pieces of it, and bytes in between.

    Attributes:
        pieces: ranges of the file's bytes, and bytes that are not in it, in order.
        note: what was mended, as a sentence without its end; empty where a finding says it.
        finding: what was wrong, where some of the file is lost all the same.
    """

    pieces: tuple[range | bytes, ...]
    note: str = ""
    finding: Finding | None = None
