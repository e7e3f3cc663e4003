"""Results of some sources take no place of others' results; the same ones, moved ones and more ones do."""

import os
import shutil

import pytest

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.result_ledger import Claim, ResultLedger, check_own
from emotion.realtime.sinks.result_sources import STANDARD_INPUT, Source, missing, named, names_of


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "a"
    place.mkdir()
    for name in "12":
        (place / name).write_text(name)
    return place


def sources(folder):
    return [Source(path) for path in sorted(folder.iterdir())]


def kept(folder, change, now=None):
    """Whether all sources of earlier results are among those after a change."""
    summary = folder.parent / "out" / "photos.summary.json"
    earlier = names_of(sources(folder), summary)
    change()
    return not missing(earlier, sources(now or folder), summary)


def test_the_same_and_more_are_those(folder):
    assert kept(folder, lambda: None)
    assert kept(folder, lambda: (folder / "3").write_text("new"))


def test_what_was_changed_or_removed_is_no_other(folder):
    assert kept(folder, lambda: (folder / "1").write_text("changed since"))
    assert kept(folder, (folder / "2").unlink)


def test_a_folder_that_was_moved_or_copied_is_no_other(folder):
    other = folder.with_name("b")
    assert kept(folder, lambda: folder.rename(other), other)
    assert kept(other, lambda: shutil.copytree(other, folder, copy_function=shutil.copyfile), folder)


def test_another_folder_is_another_also_where_its_files_are_called_alike(folder):
    other = folder.with_name("b")
    other.mkdir()
    for name in "12":
        (other / name).write_text("?")  # of the same size
    assert not kept(folder, lambda: None, other)


def test_a_disk_that_is_gone_may_come_back(folder):
    other = folder.with_name("b")
    other.mkdir()
    (other / "3").write_text("new")
    assert not kept(folder, lambda: folder.rename(folder.with_name("elsewhere")), other)


def test_what_a_run_leaves_out_is_missed(folder):
    summary = folder / "photos.summary.json"
    first, second = sources(folder)
    assert missing(names_of([first, second], summary), [second], summary) == ["1"]


def test_copies_are_told_by_their_addresses(folder):
    summary = folder / "photos.summary.json"
    first, second = (Source(one.path, "s3://bucket/1.jpg") for one in sources(folder))
    assert not missing(names_of([first], summary), [second], summary)
    other = Source(second.path, "s3://bucket/2.jpg")
    assert missing(names_of([first], summary), [other], summary) == ["s3://bucket/1.jpg"]


def test_other_bytes_of_standard_input_are_another_source(folder):
    summary, place = folder / "stdin.summary.json", folder / "1"
    earlier = names_of([Source(place, STANDARD_INPUT)], summary)
    os.utime(place, (1, 1))  # each run has a copy of its own
    assert not missing(earlier, [Source(place, STANDARD_INPUT)], summary)
    place.write_text("a longer one")
    assert missing(earlier, [Source(place, STANDARD_INPUT)], summary) == [STANDARD_INPUT]


def test_a_list_is_read_as_it_was_written(folder):
    summary = folder.parent / "out" / "study.summary.json"
    names = names_of([*sources(folder), Source(folder / "1", "https://host/1.mp4")], summary)
    moved = folder.parent / "all" / "deep" / "provenance.json"
    assert len(names) == 3
    assert names_of(named(names, summary), summary) == names
    assert not missing(names_of(named(names, summary), moved), named(names, summary), moved)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "interrupted"])
def test_what_would_be_lost_is_reported_with_what_takes_its_place(folder, whole, monkeypatch):
    monkeypatch.chdir(folder.parent)
    table, summary = folder.parent / "faces.csv", folder.parent / "faces.summary.json"
    first, second = sources(folder)

    def claim(*given):
        return Claim([table], summary, "faces", given)

    ledger = ResultLedger(claim(first))
    partial_path(table).write_text("rows")
    if whole:
        ledger.publish(partial_path(table), table)
        ledger.finish({"video": {"name": "faces"}})
    else:
        ledger.keep({"video": {"name": "faces"}})
    place = table if whole else partial_path(table)
    said = rf"{place} is of {os.path.join('a', '1')}, and would be .* of .*2: .*--overwrite"
    with pytest.raises(SinkError, match=said):
        check_own([claim(second)])
    check_own([claim(first, second), claim()])
    ResultLedger(claim(second), overwrite=True).keep({"video": {"name": "faces"}})


def test_of_what_came_through_a_pipe_nobody_is_told_to_name_it_again(folder):
    table, summary = folder.parent / "stdin.csv", folder.parent / "stdin.summary.json"
    (folder / "2").write_text("a longer one")
    first, second = (Source(one.path, STANDARD_INPUT) for one in sources(folder))
    ledger = ResultLedger(Claim([table], summary, "stdin", [first]))
    partial_path(table).write_text("rows")
    ledger.publish(partial_path(table), table)
    ledger.finish({"video": {"name": "stdin"}})
    said = "an earlier standard input, and would be .* of standard input: name another place with -o, or say"
    with pytest.raises(SinkError, match=said):
        check_own([Claim([table], summary, "stdin", [second])])
    check_own([Claim([table], summary, "stdin", [first])])


def test_a_run_that_was_killed_before_it_wrote_anything_holds_nothing(folder):
    summary = folder / "faces.summary.json"
    first, second = sources(folder)
    ledger = ResultLedger(Claim([folder / "faces.csv"], summary, "faces", [first]))
    ledger._journal.close()  # as a kill leaves it
    check_own([Claim([folder / "faces.csv"], summary, "faces", [second])])
