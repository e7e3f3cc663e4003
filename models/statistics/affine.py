"""One layer of a small network, computed in the caller's thread."""

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[np.float32]


def affine(values: _Array, weights: _Array, biases: npt.ArrayLike) -> _Array:
    """Values times weights, plus biases.

    NumPy's own product gives a large one to as many threads of OpenBLAS as there are cores, and those wait
    for the next in a loop: with three faces they took a third of the processor. This one takes a tenth of
    a millisecond longer for a batch, and gives a row the same numbers whatever other rows there are.

    Args:
        values: float32 (n, d).
        weights: float32 (d, k) or (d,).
        biases: (k,) or one.

    Returns:
        float32 (n, k) or (n,).
    """
    return np.asarray(np.einsum("ij,j...->i...", values, weights) + biases, np.float32)
