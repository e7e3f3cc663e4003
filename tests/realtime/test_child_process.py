"""Processes that the program starts: they import what it imports and nothing of the user's."""

import ast
import os
import subprocess
import sys

from emotion.realtime.child_process import environment, python_command
from tests.helpers.paths import ROOT

# Where an interpreter is an option's value.
_OPTIONS = {"benchmarks/options.py", "benchmarks/peers.py"}


def child(code, folder, **variables):
    command = python_command("-c", code)
    done = subprocess.run(
        command, cwd=folder, env=environment() | variables, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr


def test_a_child_leaves_the_files_of_the_working_folder_alone(tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('of the user')")
    assert child("import random; print(random.__name__)", tmp_path) == "random"


def test_a_child_finds_the_package_of_its_parent(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    said = child("import emotion; print(emotion.__file__)", tmp_path)
    assert said == str(ROOT / "emotion" / "__init__.py")


def test_what_the_user_put_on_the_path_stays_there(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "theirs")
    assert environment()["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "theirs"]


def test_an_installed_package_needs_no_path(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["emotion"], "__file__", str(tmp_path / "emotion" / "__init__.py"))
    monkeypatch.setenv("PYTHONPATH", "theirs")
    assert environment()["PYTHONPATH"] == "theirs"


def test_no_other_module_starts_an_interpreter():
    packages = ("benchmarks", "emotion", "exporters", "models", "realtime")
    files = [file for room in packages for file in (ROOT / room).rglob("*.py")]
    naming = {
        file.relative_to(ROOT).as_posix()
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.executable"
    }
    assert naming - _OPTIONS == {"realtime/child_process.py"}
