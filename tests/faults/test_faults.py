"""A short share of the damaged files, always the same: one way of damage a container, and the whole ones."""

import pytest

from emotion.realtime.errors import IncompleteSourceError
from emotion.realtime.sources.file import VideoFile
from tests.faults import cases
from tests.faults.clips import KINDS
from tests.faults.run import report
from tests.faults.spoils import SPOILS
from tests.faults.verdicts import FORBIDDEN, Verdict


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=list(KINDS))
def test_a_damaged_file_ends_in_a_result_or_a_sentence(folder, kind):
    spoil = (4 * kind + 1) % (len(SPOILS) - 1)
    outcome = cases.judged(kind + len(KINDS) * spoil, 1, folder)
    assert outcome.verdict not in FORBIDDEN, outcome.why


@pytest.mark.parametrize("kind", [0, 5, 6, 14])
def test_a_whole_file_gets_no_word(folder, kind):
    outcome = cases.judged(kind + len(KINDS) * list(SPOILS).index("nothing"), 1, folder)
    assert (outcome.verdict, outcome.why) == (Verdict.RIGHT, "")


def test_the_table_counts_each_case_once_and_names_those_that_must_not_be():
    line = {"sort": "file", "number": 3, "kind": "mkv", "spoil": "bits", "verdict": "right result", "why": ""}
    text = report([line, line | {"number": 4, "verdict": "hang", "why": "no end"}])
    assert "| bits | 2 | 1 | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 0 |" in text
    assert text.endswith("file 4 (mkv, bits): hang: no end")


# Each lost pictures without a word once: numbers of seed 1.
_ONCE_SILENT = (
    609,  # wmv: a packet's layout is damaged, and libav passes over the next one, too
    777,  # h264: the first picture is damaged, and all up to the next key frame are gone
    809,  # gif: noise that ends where a block begins
    1205,  # avi without its beginning, taken for a bare stream whose pictures are all patched up
    1676,  # nut: bytes are missing behind the last syncpoint
    1701,  # ts: noise from the beginning on
    1707,  # h264: pictures are gone that no other refers to
    2127,  # h264: a key frame is gone, and the number behind it is the one before it
    2322,  # h264: cut between pictures that are not stored in the order of showing
    2161,  # mp4 of fragments: an index is damaged, and what follows is not where it says
)


@pytest.mark.parametrize("number", _ONCE_SILENT)
def test_lost_pictures_are_reported(folder, number):
    assert cases.judged(number, 1, folder).verdict is Verdict.HONEST


# In an mp4 of fragments; libav reads no further than to where the sound's damage leads it.
@pytest.mark.parametrize("number", [916, 2716])
def test_damage_to_the_sound_costs_no_pictures(folder, number):
    assert cases.judged(number, 1, folder).verdict is Verdict.RIGHT


def test_a_fragment_behind_a_hole_is_read_where_it_says_that_it_lies(folder, tmp_path):
    kind = list(KINDS).index("mp4, fragments")
    whole = cases.spoilt(kind + len(KINDS) * list(SPOILS).index("nothing"), 1, folder).read_bytes()
    second = [at for at in range(len(whole)) if whole.startswith(b"moof", at)][1]
    for count, damaged in enumerate(
        (whole[:second] + whole[second + 50 :], whole[:second] + bytes(9) + whole[second:])
    ):
        path = tmp_path / f"{count}.mp4"
        path.write_bytes(damaged)
        with (
            VideoFile(path) as video,
            pytest.raises(IncompleteSourceError, match=r"damaged at 0:00\.5, 0\.5 s are"),
        ):
            seen = []
            for frame in video:
                seen.append(round(frame.seconds * 24))
        assert [number - seen[0] for number in seen] == [*range(12), *range(24, 48)]
