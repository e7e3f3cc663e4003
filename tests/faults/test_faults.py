"""A short share of the damaged files, always the same: one way of damage a container, and the whole ones."""

import pytest

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
