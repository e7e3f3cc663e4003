import pytest

from emotion.models.words import counted


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (1, ["face"], "1 face"),
        (0, ["face"], "0 faces"),
        (2, ["person", "people"], "2 people"),
        (1, ["frame is", "frames are"], "1 frame is"),
    ],
)
def test_one_is_told_in_another_way_than_many(number, words, told):
    assert counted(number, *words) == told
