import errno
import os
import re
import shutil
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from rich.text import Text

from emotion import __main__ as entry
from emotion.cli import app as cli
from emotion.cli import train
from emotion.cli.lazy import COMMANDS
from emotion.models import training
from emotion.models.engines import options
from emotion.models.errors import DatasetError, MissingDependencyError
from emotion.models.installing import pip_install
from emotion.models.manifest import LITE
from emotion.realtime.sources.demo import DEMO
from tests.helpers import clips
from tests.helpers.pictures import smooth_jpeg


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *map(str, arguments)])
    return cli.run()


def test_help_and_version(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    assert "not feelings" in capsys.readouterr().out
    assert run(monkeypatch, "--version") == 0
    assert "emotion-live" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", ["annotate", "dataset", "train", "evaluate", "weights", "export", "models"]
)
def test_every_command_explains_itself(monkeypatch, capsys, command):
    assert run(monkeypatch, command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_a_wrong_option_is_a_usage_error(monkeypatch, capsys):
    assert run(monkeypatch, "annotate", "--no-such-option") == 2
    assert "No such option" in capsys.readouterr().err


def test_a_file_whose_name_begins_like_an_option_can_be_named(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x.mp4").touch()
    assert run(monkeypatch, "annotate", "-x.mp4") == 2
    assert "If you mean the file -x.mp4, write ./-x.mp4\n" in capsys.readouterr().err
    assert run(monkeypatch, "annotate", "-y.mp4") == 2
    assert "If you mean the file" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "of"),
    [
        (("annotate", ""), "An argument is empty"),
        (("annotate", "clip.mp4", "-o", ""), "An argument of -o is empty"),
        (("play", "clip.mp4", "--models="), "An argument of --models is empty"),
        (("dataset", "", "-o", "out"), "An argument is empty"),
    ],
)
def test_an_empty_argument_is_not_taken_for_this_folder(monkeypatch, capsys, arguments, of):
    assert run(monkeypatch, *arguments) == 2
    assert of in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("annotate", "--smooth", "1e308"),
        ("annotate", "--dwell", "-1"),
        ("live", "--seconds", "1e308"),
        ("live", "--fps", "inf"),
        ("live", "--size", "99999x99999"),
        ("play", "x.mp4", "--max-faces", "9" * 400),
        ("serve", "--keep-hours", "1e308"),
        ("dataset", "x", "--seed", "-1"),
        ("dataset", "x", "--workers", "0"),
        ("train", "eyes", "--seed", "99999999999999999999"),
        ("annotate", "--threads", "99999"),
        ("annotate", "--smooth", "nan"),
    ],
)
def test_odd_numbers_are_usage_errors(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [("dataset", "missing"), ("evaluate",), ("weights", "--models", "my-model"), ("evaluate", "missing")],
)
def test_missing_data_end_in_one_sentence(monkeypatch, capsys, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(LITE, tmp_path / "my-model")
    assert run(monkeypatch, *arguments) == 3
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.strip()


@pytest.mark.parametrize("command", ["dataset", "learn"])
def test_a_place_that_cannot_be_written_ends_in_one_sentence(monkeypatch, capsys, tmp_path, command):
    for name in ("fear", "happiness"):
        (tmp_path / "faces" / name).mkdir(parents=True)
        (tmp_path / "faces" / name / "a.jpg").touch()
    (tmp_path / "file").touch()
    assert run(monkeypatch, command, tmp_path / "faces", "-o", tmp_path / "file" / "out") == 6
    error = " ".join(capsys.readouterr().err.split())
    assert "cannot be read or written: Not a directory. Name another place" in error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("can't start new thread"), "thread: let the program start more threads"),
        (MemoryError(), "There is too little memory: free some memory"),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), "let the program start more threads"),
        (OSError(errno.EMFILE, "Too many open files"), "files: let the program open more files"),
        (OSError(errno.ENOENT, "No usable temporary directory found in []"), "in the variable TMPDIR"),
    ],
)
def test_what_the_machine_lacks_ends_in_one_sentence(monkeypatch, capsys, error, said):
    def fail():
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert run(monkeypatch) == 1
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("code", "said"), [(errno.ENOSPC, "make room on the disk"), (errno.EFBIG, "raise this program's limit")]
)
def test_a_file_that_its_error_does_not_name_has_advice(monkeypatch, capsys, code, said):
    def fail():
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(cli, "app", fail)
    assert run(monkeypatch) == 6
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be removed")
def test_a_folder_that_was_removed_meanwhile_is_reported(monkeypatch, capsys, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert run(monkeypatch, "config") == 1
    assert "(No such file or directory): go to another one (cd)." in capsys.readouterr().err


def test_an_error_of_the_program_keeps_its_trace(monkeypatch):
    def fail():
        raise FileNotFoundError(errno.ENOENT, "gone", "somewhere")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(FileNotFoundError):
        run(monkeypatch, "doctor")


def test_training_begins_with_what_ships_by_its_name(monkeypatch, capsys, tmp_path):
    asked, data = [], Path("model.keras")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "_restored", lambda options, models, *_: asked.append(models) or data)
    monkeypatch.setattr(
        train, "_training", lambda: SimpleNamespace(train=lambda *given, finish, earlier: given[4]() or data)
    )
    monkeypatch.setattr(train, "predictions_of_models", lambda folder, data: asked.append(folder))
    assert run(monkeypatch, "train", "lips", "--start-from", "lite", "--teacher", "standard") == 0
    assert asked == [LITE, LITE.parent]
    assert run(monkeypatch, "train", "lips", "--start-from", "gone") == 4
    assert "gone is missing: --start-from takes lite, standard" in capsys.readouterr().err


def test_training_begins_with_no_model_of_another_architecture(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "_training", lambda: pytest.fail("Keras is not needed to see that"))
    assert run(monkeypatch, "train", "eyes", "--start-from", "lite") == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "is a resnet29, not a densenet201: add --architecture resnet29" in said
    assert not (tmp_path / "runs").exists()


def test_missing_models_end_in_one_sentence(monkeypatch, capsys, tmp_path):
    assert run(monkeypatch, "annotate", "--models", tmp_path) == 4
    assert "has no models: 'emotion models list'" in capsys.readouterr().err.replace("\n", " ")


def test_a_missing_system_library_ends_in_a_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "emotion.cli.app", None)
    real = __import__

    def broken(name, *rest):
        if name == "emotion.cli.app":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return real(name, *rest)

    monkeypatch.setattr("builtins.__import__", broken)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 5
    error = capsys.readouterr().err
    assert "libGL.so.1" in error
    assert "apt-get install" in error


def test_training_without_tensorflow_names_the_extra(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "emotion.models.training.trainer", None)
    monkeypatch.delattr(training, "trainer", raising=False)  # where another test has imported it
    assert run(monkeypatch, "train", "eyes", "--data", tmp_path) == MissingDependencyError.exit_code
    assert pip_install("train") in capsys.readouterr().err


def test_a_wrong_form_of_epochs_is_a_usage_error(monkeypatch, capsys):
    assert run(monkeypatch, "train", "eyes", "--epochs", "many") == 2
    assert run(monkeypatch, "train", "eyes", "--fold", "a quarter") == 2
    assert run(monkeypatch, "train", "eyes", "--fold", "4/4") == 2
    assert "8@0.667,4@1" in capsys.readouterr().err


@pytest.mark.parametrize(("epochs", "warned"), [("1@0.5", True), ("2@0.5,1@1", False)])
def test_training_that_ends_below_the_full_size_is_warned_of(monkeypatch, capsys, tmp_path, epochs, warned):
    pytest.importorskip("keras", reason="training needs the train extra")
    assert run(monkeypatch, "train", "lips", "--data", tmp_path, "--epochs", epochs) == DatasetError.exit_code
    assert ("End with a stage like 4@1" in capsys.readouterr().err) == warned


def test_brackets_in_a_message_are_shown(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "emotion.models.training.trainer", None)
    monkeypatch.delattr(training, "trainer", raising=False)
    run(monkeypatch, "train", "eyes", "--data", tmp_path)
    assert "[train]" in capsys.readouterr().err


@pytest.mark.parametrize("pair", ["joyful", "joyful=happiness=more", "eek=disgust"])
def test_a_wrong_mapping_is_a_usage_error(monkeypatch, capsys, tmp_path, pair):
    assert run(monkeypatch, "dataset", tmp_path, "--map", pair) == 2
    assert pair.partition("=")[2].partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--models", "--model"])
def test_models_that_ship_are_called_by_name(monkeypatch, tmp_path, capsys, option):
    monkeypatch.setitem(options._SHIPPED, "lite", tmp_path / "nothing-here")
    assert run(monkeypatch, "annotate", option, "lite") == 4
    assert "nothing-here" in " ".join(capsys.readouterr().err.split()).replace(" ", "")


@pytest.mark.parametrize("width", [80])
def test_the_exit_codes_fit_a_narrow_terminal(width):
    """Else each line ends in the middle of the next one."""
    _, _, codes = cli.app.info.epilog.partition("Exit codes")
    assert codes
    assert all(len(line) <= width - 4 for line in codes.splitlines())


def test_info_says_once_what_would_be_made_of_several_videos(monkeypatch, capsys, tmp_path):
    for name in ("one.mp4", "two.mp4"):
        shutil.copy(DEMO, tmp_path / name)
    assert run(monkeypatch, "info", tmp_path) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("'emotion annotate' would") == 1
    assert "write of the first, and likewise of the others, one.annotated.mp4, one.emotions.csv" in said


def test_info_says_about_of_frames_that_the_file_has_not_counted(monkeypatch, capsys, tmp_path):
    clips.clip(tmp_path / "clip.mkv", 12)
    assert run(monkeypatch, "info", tmp_path / "clip.mkv") == 0
    assert "about 12 frames" in capsys.readouterr().out


def test_info_says_where_a_clock_begins_that_does_not_begin_with_the_video(monkeypatch, capsys, tmp_path):
    stamps = [5_000_000 + 40 * number for number in range(5)]
    clips.clip(tmp_path / "late.mkv", 5, stamps=stamps, time_base=Fraction(1, 1000))
    assert run(monkeypatch, "info", tmp_path / "late.mkv") == 0
    assert "long from 83:20.0 on its clock on," in " ".join(capsys.readouterr().out.split())


def test_info_says_what_files_are_and_what_would_be_made_of_them(monkeypatch, capsys, tmp_path):
    (tmp_path / "face.jpg").write_bytes(smooth_jpeg())
    shutil.copy(DEMO, tmp_path / "clip.mp4")
    assert run(monkeypatch, "info", tmp_path, tmp_path / "none.mp4") == 3
    said, failed = capsys.readouterr()
    assert re.search(r"clip\.mp4: video, 480x270, 0:20 long, 472 frames .* with sound, [\d.]+ [KM]iB", said)
    assert "write clip.annotated.mp4, clip.emotions.csv" in said
    assert re.search(r"face\.jpg: photograph, \d+x\d+", said)
    assert "1 annotated picture and one table" in said
    assert "none.mp4" in failed


def commands(name):
    """A command, and those below it."""
    command = typer.main.get_command(cli.app).commands[name]
    return command, *getattr(command, "commands", {}).values()


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_help_has_examples_with_options_that_there_are(name):
    known = {
        flag
        for one in commands(name)
        for option in one.params
        for flag in (*option.opts, *option.secondary_opts)
    }
    for command in commands(name):
        lines = [line for line in (command.epilog or "").splitlines() if f"emotion {name}" in line]
        assert lines, command.name
        for line in lines:
            assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", line)) <= known, line


@pytest.mark.parametrize("name", list(COMMANDS))
def test_no_help_loses_what_stands_in_brackets(name):
    """Rich takes words in brackets for its marks and leaves them out."""
    for command in commands(name):
        texts = [command.epilog, command.help, *(getattr(option, "help", "") for option in command.params)]
        for text in filter(None, texts):
            assert Text.from_markup(text).plain == text.replace(r"\[", "["), command.name
