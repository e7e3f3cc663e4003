"""Help without the commands' libraries."""

import importlib
import os
import subprocess
import sys

import typer

from emotion.cli import app as cli
from emotion.cli.lazy import COMMANDS, Commands
from emotion.models.errors import MissingDependencyError
from tests.helpers.paths import ROOT


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *arguments])
    return cli.run()


def test_help_says_of_each_command_what_the_command_says_of_itself():
    for name, (_, said) in COMMANDS.items():
        own = Commands()[name].help
        assert own.split("\n\n")[0].replace("\n", " ").strip() == said, name


def test_help_loads_no_command():
    code = (
        "import sys; sys.argv = ['emotion', '--help']; from emotion.cli import app; assert app.run() == 0;"
        "print(sorted({'numpy', 'cv2', 'av', 'rich.progress', 'emotion.realtime'} & set(sys.modules)))"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)
    assert said.splitlines()[-1] == "[]"


def test_short_help_of_all_and_of_one(monkeypatch, capsys):
    assert run(monkeypatch, "-h") == 0
    said = capsys.readouterr().out
    assert "Use" in said
    assert "Exit codes" in said
    assert "--install-completion" in said
    assert run(monkeypatch, "annotate", "-h") == 0
    said = capsys.readouterr().out
    for panel in ("Input", "Faces", "Vote", "Results", "Models"):
        assert f"─ {panel} " in said
    assert "Examples" in said
    assert "--install-completion" not in said


def test_a_command_whose_library_says_itself_what_to_do(monkeypatch, capsys, tmp_path):
    def load(name):
        raise MissingDependencyError("Eyes are not there. Install them.")

    monkeypatch.setattr(importlib, "import_module", load)
    assert run(monkeypatch, "info", str(tmp_path)) == MissingDependencyError.exit_code
    assert capsys.readouterr().err == "Eyes are not there. Install them.\n"


def test_a_command_that_there_is_not(monkeypatch, capsys):
    assert run(monkeypatch, "anotate") == 2
    assert "annotate" in capsys.readouterr().err


def test_completion_knows_the_commands(monkeypatch):
    command = typer.main.get_command(cli.app)
    with command.make_context("emotion", [], resilient_parsing=True) as context:
        assert [item.value for item in command.shell_complete(context, "an")] == ["annotate"]


def test_a_single_video_loads_nothing_of_a_study_nor_of_statistics():
    code = "import emotion.cli.annotate, emotion.recognizer, sys; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).split()
    assert "emotion.videos" in loaded
    slow = (
        "emotion.study.study_files",
        "scipy.stats",
        "sklearn",
        "matplotlib.figure",
        "pandas",
        "keras",
        "aiortc",
        "pyarrow",
    )
    assert not set(slow) & set(loaded)


def test_an_opencv_of_which_a_folder_is_left_ends_in_a_sentence(tmp_path):
    """As after opencv-python was removed from beside opencv-contrib-python."""
    (tmp_path / "cv2" / "data").mkdir(parents=True)
    command = [sys.executable, "-m", "emotion", "annotate"]
    place = os.pathsep.join(map(str, (tmp_path, ROOT)))
    (tmp_path / "cv2" / "__init__.py").touch()
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": place},
        cwd=tmp_path,
        capture_output=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert b"module 'cv2' has no attribute" in done.stderr
    assert b"pip install --force-reinstall --no-deps opencv-contrib-python" in done.stderr
    assert b"Traceback" not in done.stderr
