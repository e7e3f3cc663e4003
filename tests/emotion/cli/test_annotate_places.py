"""Where `emotion annotate` puts results: which names they have, and what is never replaced."""

import itertools
import sys
from pathlib import Path

import pytest

from emotion.cli import annotate as command
from emotion.cli import app as cli
from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.result_ledger import BusyError, Claim, ResultLedger
from emotion.videos import Outputs


@pytest.fixture
def made(monkeypatch, tmp_path):
    """What would be made of which video, without any models."""
    monkeypatch.chdir(tmp_path)
    seen = {}

    def note(video, outputs, *rest):
        seen[video] = outputs

    monkeypatch.setattr(command, "load_models", lambda *rest: None)
    monkeypatch.setattr(command, "tuned", lambda options: options)
    monkeypatch.setattr(command, "_annotate_one", note)

    def note_all(videos, *rest):
        seen.update(videos)
        return 0

    monkeypatch.setattr("emotion.cli.many.annotate_many", note_all)
    return seen


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", "annotate", *map(str, arguments)])
    return cli.run()


def test_a_users_file_is_not_replaced_and_the_run_does_not_begin(made, monkeypatch, capsys, tmp_path):
    (tmp_path / "talk.emotions.csv").write_text("the user's")
    assert run(monkeypatch, "other.mp4", "talk.mp4") == 6
    said = capsys.readouterr().err
    assert "talk.emotions.csv would be replaced" in said
    assert "--overwrite" in said
    assert not made
    assert [path.name for path in tmp_path.iterdir()] == ["talk.emotions.csv"]
    assert run(monkeypatch, "other.mp4", "talk.mp4", "--overwrite") == 0
    assert len(made) == 2


def test_own_results_are_passed_over_as_videos(made, monkeypatch, capsys):
    outputs = Outputs.of(Path("talk.mp4"), None, ("mp4",))
    ledger = ResultLedger(Claim((outputs.video,), outputs.summary, "talk.mp4"))
    partial_path(outputs.video).write_text("pictures")
    ledger.publish(partial_path(outputs.video), outputs.video)
    ledger.finish({"video": {"name": "talk.mp4"}})
    names = ("talk.annotated.mp4", "talk.mp4", "talk.summary.json")
    assert run(monkeypatch, *names, "--formats", "mp4") == 0
    assert list(made) == [Path("talk.mp4")]
    assert "talk.annotated.mp4 is a result of this program and is skipped" in capsys.readouterr().err
    made.clear()
    assert run(monkeypatch, "talk.annotated.mp4") == 0
    assert not made


def test_a_file_is_that_file(made, monkeypatch):
    assert run(monkeypatch, "talk.mov", "-o", "sub/out.mp4", "-o", "table.CSV") == 0
    [outputs] = made.values()
    assert outputs.files == {"mp4": Path("sub/out.mp4"), "csv": Path("table.CSV")}
    assert outputs.summary == Path("sub/out.summary.json")


def test_a_folder_may_be_called_as_a_file_where_it_is_there(made, monkeypatch, tmp_path):
    (tmp_path / "take.mov").mkdir()
    assert run(monkeypatch, "a/talk.mov", "-o", "take.mov", "--formats", "csv") == 0
    [outputs] = made.values()
    assert outputs.files == {"csv": Path("take.mov/talk.emotions.csv")}


@pytest.mark.parametrize("arguments", [["--output=~/out"], ["-o", "~/out"]], ids=["joined", "apart"])
def test_a_home_that_no_shell_has_replaced_is_the_users(made, monkeypatch, tmp_path, arguments):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert run(monkeypatch, "talk.mov", "--formats", "csv", *arguments) == 0
    [outputs] = made.values()
    assert outputs.files == {"csv": tmp_path / "home" / "out" / "talk.emotions.csv"}


@pytest.mark.parametrize(
    "command",
    [
        ["study", "merge", "in", "-o", "all.html"],
        ["dataset", "in", "-o", "faces.parquet"],
        ["evaluate", "in", "-o", "report.pdf"],
        ["learn", "in", "-o", "my-model.onnx"],
        ["models", "copy", "lite", "my-model.zip"],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_is_not_called_as_a_file_by_any_command(monkeypatch, capsys, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    monkeypatch.setattr(sys, "argv", ["emotion", *command])
    assert cli.run() == 6
    assert f"{command[-1]} is the name of a file, and results go into a folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_anything_else_is_a_folder(made, monkeypatch):
    assert run(monkeypatch, "a/talk.mov", "-o", "out.d", "--formats", "csv") == 0
    [outputs] = made.values()
    assert outputs.files == {"csv": Path("out.d/talk.emotions.csv")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["a.mp4", "b.mp4", "-o", "out.mp4"],
            "out.mp4 is one file, but the sources are 2 videos",
        ),
        (
            ["a.jpg", "b.gif", "-o", "out.csv"],
            "but the sources are 1 video (b.gif) and 1 photograph: name a folder",
        ),
        *(
            (["a.mp4", "-o", f"out{end}"], f"out{end} has an unknown extension")
            for end in (".avi", ".Mov", ".xlsx", ".jpg", ".zip", ".docx")
        ),
        (["a.mp4", "-o", ".csv"], ".csv is the end of a name: begin it, as results.csv"),
        (["a.mp4", "-o", "-"], "Results cannot go to standard output"),
        (["a.mp4", "-o", "out.mp4", "-o", "two.mp4"], "out.mp4 and two.mp4 would hold the same"),
        (["a.mp4", "-o", "one", "-o", "two"], "two is a folder, and results go into one folder"),
        (["a.mp4", "-o", "one", "-o", "two.mp4"], "one is a folder, and results go into one folder"),
        (["a.mp4", "-o", "a.mp4"], "a.mp4 is being read"),
    ],
)
def test_places_that_do_not_go_together(made, monkeypatch, capsys, tmp_path, arguments, said):
    (tmp_path / "a.mp4").write_text("pictures")
    assert run(monkeypatch, *arguments) == 6
    assert said in capsys.readouterr().err
    assert not made


@pytest.mark.parametrize(("error", "said"), [(BusyError("busy"), False), (SinkError("full"), True)])
def test_a_part_is_reported_where_it_is_this_runs(monkeypatch, capsys, tmp_path, error, said):
    def fails(video, outputs, *rest):
        partial_path(outputs.video).write_text("pictures")
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "load_models", lambda *rest: None)
    monkeypatch.setattr(command, "annotate", fails)
    assert run(monkeypatch, "talk.mp4") == 6
    assert ("can be played" in capsys.readouterr().err) == said


@pytest.mark.parametrize(
    "live", [["--events"], ["--mjpeg", "0"], ["--metrics", "0"]], ids=lambda live: live[0]
)
@pytest.mark.parametrize("many", [["--study"], ["--jobs", "2"], ["--portraits"]], ids=lambda many: many[0])
def test_live_outputs_go_with_nothing_that_runs_in_other_processes(made, monkeypatch, capsys, live, many):
    assert run(monkeypatch, "talk.mp4", "other.mp4", "-o", "out", *many, *live) == 2
    assert f"{many[0]} goes with neither --events, --mjpeg nor --metrics" in capsys.readouterr().err
    assert not made


@pytest.mark.parametrize("later", [0, 6])
def test_the_exit_code_is_that_of_the_first_failure(made, monkeypatch, later):
    def fails(*given):
        raise SinkError("no room")

    monkeypatch.setattr(command, "_annotate_one", fails)
    monkeypatch.setattr("emotion.cli.many.annotate_many", lambda *given: later)
    assert run(monkeypatch, "talk.mp4") == 6
    assert run(monkeypatch, "none*.mp4", "talk.mp4") == 3
    assert run(monkeypatch, "none*.mp4", "talk.mp4", "other.mp4", "-o", "out") == 3
    assert run(monkeypatch, "talk.mp4", "other.mp4", "-o", "out") == later


def test_a_name_that_no_disk_holds_does_not_end_the_run(made, monkeypatch):
    too_long = f"{'x' * 300}.mp4"
    assert run(monkeypatch, too_long, "talk.mp4", "--formats", "csv") == 0
    assert list(made) == [Path(too_long), Path("talk.mp4")]


def names(videos, folder=None):
    outputs = Outputs.of_all([Path(video) for video in videos], folder, ("mp4",))
    return {video: str(one.video) for video, one in zip(videos, outputs, strict=True)}


def test_two_of_a_stem_are_called_by_their_whole_names_in_any_order():
    videos = ["clip.mov", "clip.mp4", "Clip.avi", "other.mp4", "sub/other.mov"]
    wanted = {
        "clip.mov": "clip.mov.annotated.mp4",
        "clip.mp4": "clip.mp4.annotated.mp4",
        "Clip.avi": "Clip.avi.annotated.mp4",
        "other.mp4": "other.annotated.mp4",
        "sub/other.mov": "sub/other.annotated.mp4",
    }
    for order in itertools.permutations(videos):
        assert names(order) == wanted


def test_two_of_a_stem_in_one_folder_for_results():
    assert names(["clip.mp4", "sub/clip.mov"], Path("out")) == {
        "clip.mp4": "out/clip.mp4.annotated.mp4",
        "sub/clip.mov": "out/clip.mov.annotated.mp4",
    }


def test_a_whole_name_that_is_anothers_stem():
    found = names(["clip.mp4", "clip.mov", "clip.mp4.avi"])
    assert found["clip.mp4.avi"] == "clip.mp4.avi.annotated.mp4"
    assert len(set(found.values())) == 3


def test_videos_of_one_name_from_several_folders_keep_their_folders():
    assert names(["a/clip.mp4", "a/b/clip.mp4", "a/b/other.mp4"], Path("out")) == {
        "a/clip.mp4": "out/clip.mp4.annotated.mp4",
        "a/b/clip.mp4": "out/b/clip.mp4.annotated.mp4",
        "a/b/other.mp4": "out/other.annotated.mp4",
    }
