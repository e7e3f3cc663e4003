import pytest

from emotion.study.page import _clock


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.48, "0.5 s"), (9.94, "9.9 s"), (9.96, "0:10"), (75.3, "1:15"), (4000.0, "1:06:40")],
)
def test_lengths_are_told_in_tenths_where_they_are_short(seconds, words):
    assert _clock(seconds) == words
