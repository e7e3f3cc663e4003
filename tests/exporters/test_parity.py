"""When an exported network may stand for the trained one."""

import pytest

parity = pytest.importorskip("emotion.exporters.parity")


@pytest.mark.parametrize(
    ("crops", "other", "difference", "holds"),
    [
        (146, 0, 4e-4, True),
        (146, 1, 4e-4, True),  # on the border of two emotions
        (146, 2, 4e-4, False),
        (2000, 10, 4e-4, True),
        (2000, 11, 4e-4, False),
        (146, 0, 0.03, False),
    ],
)
def test_half_a_percent_of_labels_may_differ_and_one_always(crops, other, difference, holds):
    assert parity.Parity(crops, difference, 1 - other / crops).holds == holds
