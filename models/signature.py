"""Signatures: inputs and outputs of a network, for an engine."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signature:
    """A net with one input and one output, both with the batch in front.

    Attributes:
        name: of the net; part of the names of files that providers cache.
        sha256: of its file.
        input: name of its input.
        shape: of one item of the input.
        dtype: of the input; the output is float32.
        output: shape of one item of the output.
        int8: it is a quantised model.
    """

    name: str
    sha256: str
    input: str
    shape: tuple[int, ...]
    dtype: Literal["uint8", "float32"]
    output: tuple[int, ...]
    int8: bool = False
