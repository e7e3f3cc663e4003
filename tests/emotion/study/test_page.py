import pytest

from emotion.study.metadata import Metadata
from emotion.study.outcome import Outcome, StudiedVideo
from emotion.study.page import _long, _names_folder, _share, _video


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0.48, "0.5 s"), (9.96, "10 s"), (36.0, "36 s"), (59.4, "59 s"), (59.6, "1:00 min")),
        *((3599.4, "59:59 min"), (3599.6, "1:00:00 h")),
    ],
)
def test_the_length_of_all_has_a_unit(seconds, words):
    assert _long(seconds) == words


@pytest.mark.parametrize(
    ("label", "shares", "words"),
    [
        (None, None, ""),
        ("fear", {"fear": 1.0, "sadness": 0.0}, "all the time"),
        ("fear", {"sadness": 0.666, "fear": 0.334}, "33% of the time"),
        ("fear", {"sadness": 1.0, "fear": 0.0}, "0% of the time"),
        # In whole per cent that add up: rounded by themselves they would be 101.
        ("fear", {"fear": 0.525, "sadness": 0.425, "neutral": 0.05}, "53% of the time"),
        ("uncertain", {"uncertain": 0.5, "no_face": 0.5}, "50% of the time"),
    ],
)
def test_a_label_is_reported_with_its_share_of_time(label, shares, words):
    assert _share(label, shares) == words


@pytest.mark.parametrize(
    ("name", "folder", "named"),
    [("one", "", True), ("a/one", "a", True), ("one", "a", False), ("ab/one", "a", False)],
)
def test_a_folder_stands_below_a_name_that_does_not_hold_it(name, folder, named):
    assert _names_folder(Outcome(0, name, "", folder, "done", 0, "")) == named


def test_warnings_do_not_repeat_the_name_of_their_video():
    # On the server it is not even the name that its owner gave it.
    video = {"name": "V_01.mov", "label": None, "shares": None, "people": 0, "seconds": 1.0}
    summary = {"video": video, "notes": ["V_01.mov: its frames are regular.", "the picture is turned"]}
    studied = StudiedVideo(Outcome(0, "V 01", "V 01.MOV", "", "done", 0, ""), summary, None)
    shown = _video(studied, ("fear",), "(top)", None, Metadata())
    assert shown["warnings"] == ["Its frames are regular.", "The picture is turned"]
