"""What is said of made answers is what was kept: any change of it is meant."""

import json

import numpy as np
import pytest

from tests.helpers.golden_stages import FILE, WAYS, reported

KEPT = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("way", WAYS)
def test_faces_are_reported_as_they_were(way):
    now, kept = reported(way), KEPT[way]
    assert [row[:5] for row in now] == [row[:5] for row in kept]
    for row, before in zip(now, kept, strict=True):
        for shares, wanted in zip(row[5:], before[5:], strict=True):
            assert (shares is None) == (wanted is None)
            # A thousandth, where a processor rounds otherwise.
            assert shares is None or np.abs(np.subtract(shares, wanted)).max() <= 1


def test_the_ways_differ():
    """Else some of them would show nothing."""
    assert len({json.dumps(KEPT[way]) for way in WAYS}) == len(WAYS) == len(KEPT)
    assert {row[2] for row in KEPT["file"]} >= {"uncertain", "happiness", "sadness"}
