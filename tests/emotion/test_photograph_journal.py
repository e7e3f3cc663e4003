"""The journal of a run on photographs that was stopped, down to the half line of a kill."""

import pytest

from emotion.models.schema import SHIPPED
from emotion.photograph_journal import Journal
from tests.helpers.results import face, result

MADE = {"version": "1"}


@pytest.fixture
def photographs(tmp_path):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path in paths:
        path.write_bytes(b"a photograph")
    return paths


def journal(tmp_path, resume=True):
    return Journal(tmp_path / "photos.summary.json", MADE, resume)


def path_of(tmp_path):
    (path,) = tmp_path.glob("*.jsonl")
    return path


def seen(tmp_path, photographs):
    with journal(tmp_path) as now:
        return [now.seen(path) for path in photographs]


@pytest.fixture
def stopped(tmp_path, photographs):
    """The journal of a run that has seen two of the three."""
    with journal(tmp_path, resume=False) as now:
        for path in photographs[:2]:
            now.add(path, result(0, face("fear")))
    return path_of(tmp_path)


@pytest.mark.parametrize("cut", [1, 2, 100])
def test_a_line_without_its_end_does_not_count(tmp_path, photographs, stopped, cut):
    stopped.write_bytes(stopped.read_bytes()[:-cut])
    assert seen(tmp_path, photographs) == [True, False, False]


@pytest.mark.parametrize("cut", [1, 100])
def test_what_is_added_after_a_half_line_is_read_again(tmp_path, photographs, stopped, cut):
    stopped.write_bytes(stopped.read_bytes()[:-cut])
    with journal(tmp_path) as now:
        now.result(photographs[0], 0, SHIPPED)
        now.add(photographs[2], result(0, face("fear")))
    assert seen(tmp_path, photographs) == [True, False, True]
    assert path_of(tmp_path).read_bytes().count(b"\n") == 3


def test_a_changed_photograph_and_another_run_are_not_seen(tmp_path, photographs, stopped):
    photographs[0].write_bytes(b"another photograph")
    assert seen(tmp_path, photographs) == [False, True, False]
    with Journal(tmp_path / "photos.summary.json", {"version": "2"}, True) as now:
        assert not any(map(now.seen, photographs))
