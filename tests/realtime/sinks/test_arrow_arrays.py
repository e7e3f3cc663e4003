"""Arrays that are put together without pandas say what pyarrow's own say."""

import datetime
import random

import numpy as np
import pyarrow as pa
import pytest

from emotion.realtime.sinks.arrow_arrays import array_of

NUMBERS = random.Random(1)
KINDS = {
    pa.int64(): lambda: NUMBERS.randrange(-5, 2**40),
    pa.int32(): lambda: NUMBERS.randrange(-5, 9),
    pa.float32(): NUMBERS.random,
    pa.float64(): lambda: 1e9 * NUMBERS.random(),
    pa.string(): lambda: NUMBERS.choice(["a", "größe", ""]),
    pa.dictionary(pa.int8(), pa.string()): lambda: NUMBERS.choice(["a", "größe", "c"]),
    pa.timestamp("ms", tz="UTC"): lambda: datetime.datetime.fromtimestamp(
        1.7e9 * NUMBERS.random(), datetime.UTC
    ),
    pa.list_(pa.float32()): lambda: np.array([NUMBERS.random()] * NUMBERS.randrange(4), np.float32),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("nulls", [0, 0.3, 1])
@pytest.mark.parametrize("count", [0, 1, 9, 100])
def test_values_are_those_of_pyarrow(kind, nulls, count):
    values = [None if NUMBERS.random() < nulls else KINDS[kind]() for _ in range(count)]
    array = array_of(values, kind)
    array.validate(full=True)
    assert array.equals(pa.array(values, kind))
    assert array.null_count == sum(value is None for value in values)


def test_pyarrow_is_not_asked_for_an_array_as_it_would_import_pandas(monkeypatch):
    def asked(*_, **__):
        raise AssertionError

    monkeypatch.setattr(pa, "array", asked)
    for kind, value in KINDS.items():
        assert len(array_of([None, value()], kind)) == 2


def test_other_kinds_are_refused():
    with pytest.raises(TypeError, match="bool"):
        array_of([True], pa.bool_())
