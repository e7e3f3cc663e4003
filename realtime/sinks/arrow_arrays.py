"""Arrow arrays from Python values, without pandas.

`pyarrow.array` imports pandas, if it is installed, to check for its types: half
a second and 45 MiB, in the middle of a live stream. So arrays are made from buffers here.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def array_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An array of values, of which None is null.

    Args:
        values: numbers, strings, `datetime` with a time zone or, for lists, arrays of numbers.
        kind: integers, floating-point numbers, strings, dictionaries of strings, timestamps in milliseconds,
            or lists of numbers.

    Raises:
        TypeError: the kind is not supported.
    """
    for fits, make in _MAKERS:
        if fits(kind):
            return make(values, kind)
    raise TypeError(f"no array of {kind} is made here")


def _numbers(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    filled = [0 if value is None else value for value in values]
    return _fixed(np.array(filled, kind.to_pandas_dtype()), values, kind)


def _moments(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    since = [0 if value is None else (value - _EPOCH) // _MILLISECOND for value in values]
    return _fixed(np.array(since, np.int64), values, kind)


def _words(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish()


def _categories(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    places: dict[str, int] = {}
    codes = [None if value is None else places.setdefault(value, len(places)) for value in values]
    indices = _numbers(codes, kind.index_type)
    return pa.DictionaryArray.from_arrays(indices, _words(list(places), kind.value_type))


def _lists(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    known = [() if value is None else value for value in values]
    ends = np.array([0, *accumulate(map(len, known))], np.int32)
    inner = np.concatenate([np.zeros(0), *known]).astype(kind.value_type.to_pandas_dtype())
    numbers = pa.Array.from_buffers(kind.value_type, len(inner), [None, pa.py_buffer(inner)])
    return pa.Array.from_buffers(
        kind, len(values), [_validity(values), pa.py_buffer(ends)], children=[numbers]
    )


def _fixed(numbers: npt.NDArray[Any], values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(numbers), [_validity(values), pa.py_buffer(numbers)])


def _validity(values: Sequence[Any]) -> pa.Buffer | None:
    """The validity bitmap."""
    there = [value is not None for value in values]
    return None if all(there) else pa.py_buffer(np.packbits(there, bitorder="little"))


_MAKERS: tuple[
    tuple[Callable[[pa.DataType], bool], Callable[[Sequence[Any], pa.DataType], pa.Array]], ...
] = (
    (lambda kind: bool(pa.types.is_integer(kind) or pa.types.is_floating(kind)), _numbers),
    (lambda kind: kind == pa.timestamp("ms", tz="UTC"), _moments),
    (lambda kind: kind == pa.string(), _words),
    (lambda kind: bool(pa.types.is_dictionary(kind)), _categories),
    (lambda kind: bool(pa.types.is_list(kind)), _lists),
)
