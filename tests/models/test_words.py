import pytest

from emotion.models.words import counted, video_length


@pytest.mark.parametrize(
    ("number", "words", "reported"),
    [
        (1, ["face"], "1 face"),
        (0, ["face"], "0 faces"),
        (2, ["person", "people"], "2 people"),
        (1, ["frame is", "frames are"], "1 frame is"),
    ],
)
def test_one_is_reported_in_another_way_than_many(number, words, reported):
    assert counted(number, *words) == reported


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0:00.0"),
        (0.03, "0:00.1"),
        (0.48, "0:00.5"),
        (9.94, "0:09.9"),
        (9.96, "0:10"),
        (19.69, "0:20"),
        (75.3, "1:15"),
        (4000.0, "1:06:40"),
    ],
)
def test_a_length_is_told_as_the_pages_tell_it(seconds, words):
    """As `lasting` of the pages (html_page/shared.js) does."""
    assert video_length(seconds) == words
