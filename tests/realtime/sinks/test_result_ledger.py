"""What is this program's own may be replaced, and nothing else; a kill at any moment leaves it known."""

import json
import os
import subprocess
import sys

import pytest

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks import result_ledger
from emotion.realtime.sinks.result_ledger import (
    Claim,
    ResultLedger,
    bytes_listed,
    check_free,
    check_own,
    is_result,
    results_of,
)
from tests.helpers.paths import ROOT


@pytest.fixture
def places(tmp_path):
    return (tmp_path / "talk.mp4", tmp_path / "talk.csv"), tmp_path / "talk.summary.json"


def make(places, text="result", video="talk.mov", overwrite=False):
    """A whole run."""
    files, summary = places
    ledger = ResultLedger(Claim(files, summary, video), overwrite)
    for path in files:
        partial_path(path).write_text(text)
        ledger.publish(partial_path(path), path)
    ledger.finish(reported(video))


def reported(video="talk.mov"):
    return {"complete": True, "video": {"name": video}}


def check(places, video="talk.mov"):
    check_own([Claim(*places, video)])


def test_own_results_are_replaced(places, tmp_path):
    make(places)
    make(places, "again, and longer")
    assert places[0][0].read_text() == "again, and longer"
    assert json.loads(places[1].read_text())["complete"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk.csv", "talk.mp4", "talk.summary.json"]


def test_a_result_is_listed_before_it_has_its_name(places, monkeypatch):
    (path, _), summary = places
    ledger = ResultLedger(Claim(*places, "talk.mov"))
    partial_path(path).write_text("result")
    listed = []

    def rename(working, final):
        listed.extend(json.loads(partial_path(summary).read_text())["results"])

    monkeypatch.setattr(result_ledger.os, "replace", rename)
    ledger.publish(partial_path(path), path)
    ledger.keep(reported())
    assert listed == ["talk.mp4"]


@pytest.mark.parametrize("name", ["talk.mp4", "talk.csv", "talk.partial.csv", "talk.summary.json"])
@pytest.mark.parametrize("before", [False, True], ids=["never run", "run before"])
def test_what_a_user_has_written_is_not(places, tmp_path, name, before):
    if before:
        make(places)
    (tmp_path / name).write_text("the user's")
    with pytest.raises(SinkError, match=rf"{name}.* would be replaced, .*--overwrite"):
        ResultLedger(Claim(*places, "talk.mov"))
    assert (tmp_path / name).read_text() == "the user's"
    make(places, overwrite=True)
    make(places)


def test_a_change_that_keeps_the_size_is_one(places):
    make(places)
    places[0][1].write_text("RESULT")
    with pytest.raises(SinkError, match=r"talk\.csv"):
        check(places)


def test_a_summary_that_was_edited_speaks_for_nothing(places):
    make(places)
    places[1].write_text(places[1].read_text().replace("true", "false"))
    with pytest.raises(SinkError, match=r"talk\.summary\.json.*talk\.mp4.*talk\.csv"):
        check(places)


def test_the_results_of_another_video_are_not_replaced(places):
    make(places)
    with pytest.raises(SinkError, match=r"talk\.mp4"):
        check(places, "talk.avi")


def test_many_are_named_by_the_first(places, tmp_path):
    files = [tmp_path / f"{number}.csv" for number in range(9)]
    for path in files:
        path.write_text("the user's")
    with pytest.raises(SinkError, match=r"0\.csv, .*1\.csv, .*2\.csv and 6 more would be replaced, and they"):
        check_own([Claim(files, places[1], "talk.mov")])


def test_a_link_that_leads_nowhere_is_not_replaced_either(places):
    places[0][0].symlink_to("nowhere")
    with pytest.raises(SinkError, match=r"talk\.mp4"):
        check(places)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")
def test_devices_and_folders_are_left_to_those_who_open_them(places, tmp_path):
    (tmp_path / "talk.csv").mkdir()
    check(places)
    check_free([result_ledger.Path("/dev/null"), tmp_path])


def test_a_file_is_free_where_nothing_is_and_nothing_is_made(tmp_path):
    check_free([tmp_path / "talk.mp4"])
    (tmp_path / "talk.mp4").touch()  # as by mktemp
    check_free([tmp_path / "talk.mp4"])
    (tmp_path / "talk.partial.mp4").write_text("the user's")
    with pytest.raises(SinkError, match=r"talk\.partial\.mp4 is there already"):
        check_free([tmp_path / "talk.mp4"])


def test_what_an_earlier_run_made_besides_stays_known(places):
    files, summary = places
    make(places)
    make((files[:1], summary))
    make(places)
    assert json.loads(summary.read_text())["earlier"] == {}


def test_an_interrupted_run_has_a_partial_summary_and_is_taken_up(places, tmp_path):
    files, summary = places
    ledger = ResultLedger(Claim(files, summary, "talk.mov"))
    partial_path(files[0]).write_text("whole")
    ledger.publish(partial_path(files[0]), files[0])
    partial_path(files[1]).write_text("half")
    left = ledger.keep({"complete": False, "reasons": ["the disk is full"], "video": {"name": "talk.mov"}})
    assert left == tmp_path / "talk.summary.partial.json"
    values = json.loads(left.read_text())
    assert values["reasons"] == ["the disk is full"]
    assert (list(values["results"]), values["parts"]) == (["talk.mp4"], ["talk.partial.csv"])
    assert not summary.exists()
    make(places)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk.csv", "talk.mp4", "talk.summary.json"]


def test_the_parts_of_an_interrupted_run_are_removed_by_one_that_makes_others(places, tmp_path):
    files, summary = places
    ledger = ResultLedger(Claim(files, summary, "talk.mov"))
    partial_path(files[1]).write_text("half")
    ledger.keep(reported())
    make((files[:1], summary))
    assert not partial_path(files[1]).exists()


def test_until_it_is_finished_a_run_is_known_as_incomplete(places):
    files, summary = places
    ledger = ResultLedger(Claim(files, summary, "talk.mov"))
    partial_path(files[0]).write_text("whole")
    ledger.publish(partial_path(files[0]), files[0])
    values = json.loads(partial_path(summary).read_text())
    assert (values["complete"], values["reasons"], values["video"]) == (False, [], {"name": "talk.mov"})
    ledger.finish(reported())
    assert json.loads(summary.read_text())["complete"] is True


def test_a_journal_that_cannot_be_removed_while_it_is_open_is_removed_closed(places, monkeypatch, tmp_path):
    """As on Windows."""
    ledger = ResultLedger(Claim(*places, "talk.mov"))
    unlink = result_ledger.Path.unlink

    def only_closed(path, missing_ok=False):
        if not ledger._journal.closed:
            raise PermissionError(13, "in use")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(result_ledger.Path, "unlink", only_closed)
    ledger.finish(reported())
    assert [path.name for path in tmp_path.iterdir()] == ["talk.summary.json"]


def test_a_file_system_without_locks_is_written_to_all_the_same(places, monkeypatch):
    def none(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", none)
    make(places)
    assert places[0][0].read_text() == "result"


def test_a_run_that_made_nothing_leaves_nothing(places, tmp_path):
    assert ResultLedger(Claim(*places, "talk.mov")).keep(reported()) is None
    assert not list(tmp_path.iterdir())


# Each dies at once, as by a kill, before or after one step.
_KILLED = """
import os, sys
from pathlib import Path
from emotion.realtime.sinks import result_ledger

folder = Path(sys.argv[1])
files, summary = [folder / "talk.mp4", folder / "talk.csv"], folder / "talk.summary.json"

def make(text):
    ledger = result_ledger.ResultLedger(result_ledger.Claim(files, summary, "talk.mov"))
    for path in files:
        part = result_ledger.partial_path(path)
        part.write_text(text)
        ledger.publish(part, path)
    ledger.finish({"complete": True, "video": {"name": "talk.mov"}})

make("first")
for step in range(40):
    child = os.fork()
    if not child:
        count = 0
        def dying(event, arguments):
            global count
            if event in {"open", "os.rename", "os.truncate", "os.remove"}:
                if count == step:
                    os._exit(9)
                count += 1
        sys.addaudithook(dying)
        make(f"run {step}")
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    make(f"again after {step}")
    assert len(list(folder.iterdir())) == 3, list(folder.iterdir())
    if not code:
        break
assert step > 8, step
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_step_leaves_what_the_next_run_takes_up(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, tmp_path], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_two_runs_do_not_write_the_same_results(places):
    pytest.importorskip("fcntl")
    ledger = ResultLedger(Claim(*places, "talk.mov"))
    with pytest.raises(SinkError, match="written by another run"):
        ResultLedger(Claim(*places, "talk.mov"))
    ledger.keep(reported())
    make(places)


def test_a_full_disk_still_takes_the_summary(places, monkeypatch, tmp_path):
    ledger = ResultLedger(Claim(*places, "talk.mov"))
    partial_path(places[0][0]).write_text("whole")
    ledger.publish(partial_path(places[0][0]), places[0][0])

    def full(path, text, encoding):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(result_ledger.Path, "write_text", full)
    ledger.finish(reported())
    assert json.loads(places[1].read_text())["results"].keys() == {"talk.mp4"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk.mp4", "talk.summary.json"]


def test_results_are_known_by_the_summary_beside_them(places, tmp_path):
    for path in (*places[0], places[1]):
        path.write_text("the user's")
        assert not is_result(path)
        path.unlink()
    make(places)
    assert all(is_result(path) for path in (*places[0], places[1]))
    assert not is_result(tmp_path / "talk.mov")
    places[0][0].write_text("something else by now")
    assert not is_result(places[0][0])


def test_a_part_is_a_result_too(places):
    ledger = ResultLedger(Claim(*places, "talk.mov"))
    partial_path(places[0][0]).write_text("half")
    assert is_result(partial_path(places[0][0]))
    ledger.keep(reported())
    assert is_result(partial_path(places[0][0]))


def test_names_that_are_no_text_are_listed_as_text(tmp_path):
    if sys.platform != "linux":
        pytest.skip("names are Unicode here")
    name = os.fsdecode(b"caf\xe9")
    places = (tmp_path / f"{name}.csv",), tmp_path / f"{name}.summary.json"
    make(places, video=f"{name}.mov")
    make(places, video=f"{name}.mov")
    assert is_result(places[0][0])


def test_room_is_kept_for_a_summary_on_a_full_disk(places):
    ledger = ResultLedger(Claim(*places, "talk.mov"))
    assert partial_path(places[1]).stat().st_size == 65536
    partial_path(places[0][0]).write_text("whole")
    ledger.publish(partial_path(places[0][0]), places[0][0])
    assert partial_path(places[1]).stat().st_size == 65536
    ledger.finish(reported())
    assert places[1].stat().st_size < 2000


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, r"0\.csv would be replaced, and it is no result of this video's, or was changed since:"),
        (3, r"0\.csv, .*1\.csv, .*2\.csv would be replaced, and they are no results"),
        (4, r"0\.csv, .*1\.csv, .*2\.csv and 1 more would be replaced, and they are no results"),
    ],
)
def test_three_are_named_and_the_rest_is_counted(places, tmp_path, count, said):
    files = [tmp_path / f"{number}.csv" for number in range(count)]
    for path in files:
        path.write_text("the user's")
    with pytest.raises(SinkError, match=said):
        check_own([Claim(files, places[1], "talk.mov")])


def test_what_is_listed_is_told_by_its_size_and_only_of_its_video(places):
    make(places, "twelve bytes")
    summary = places[1]
    assert bytes_listed(summary, "talk.mov") == {"talk.mp4": 12, "talk.csv": 12}
    assert bytes_listed(summary, "other.mov") == bytes_listed(places[0][0], "talk.mov") == {}
    assert results_of(summary, places[0], "talk.mov")["complete"] is True
    assert results_of(summary, places[0], "other.mov") is None
    assert results_of(summary, [*places[0], summary.parent / "more.csv"], "talk.mov") is None
    places[0][1].write_text("Twelve bytes")
    assert results_of(summary, places[0], "talk.mov") is None
    assert results_of(summary, places[0][:1], "talk.mov") is not None
