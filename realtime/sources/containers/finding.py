"""What a look at a container's structure finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a file's structure.

    Attributes:
        why: in a few words, without an end: ``its header announces 100 bytes more``.
        position: the byte at which it shows; None where it concerns the whole file.
        is_cut: whether the end is missing; else something before the end is.
        follows: whether all is well up to `position`, where another file begins.
    """

    why: str
    position: int | None = None
    is_cut: bool = False
    follows: bool = False
