"""Every command and program that README, the guide for contributors and the site show is tried.

All commands of the program are read by its own parser. Those after ``<!-- test: run -->`` are run on small
files; the rest needs a camera, a server, a screen, a GPU, a data set or minutes.
"""

import ast
import re
import shutil
import sys
import tomllib
from importlib.util import find_spec

import cv2
import pytest

import emotion
from emotion.cli import app as cli
from emotion.realtime.sources.demo import DEMO
from tests.helpers import clips
from tests.helpers.commands import blocks, commands, inline, parse, parse_mention
from tests.helpers.paths import ROOT

SITE = sorted(path for path in (ROOT / "docs").rglob("*.md") if "records" not in path.parts)
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *SITE,
    *sorted((ROOT / "models/zoo").rglob("*.md")),
]
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
SHELL = [block for block in BLOCKS if block.language in ("sh", "bash")]
PYTHON = [block for block in BLOCKS if block.language == "python"]
# Programs of others, which these tests do not start.
OTHERS = {
    *(
        "apt-get",
        "cd",
        "curl",
        "git",
        "jq",
        "modprobe",
        "openssl",
        "ssh",
        "npm",
        "tar",
        "uv",
        "pipx",
        "twine",
        "check-wheel-contents",
    ),
    *(
        ".ci/run",
        "run",
        "pytest",
        "ruff",
        "mypy",
        "lint-imports",
        "codespell",
        "sbatch",
        "srun",
        "docker",
        "ray",
        "source",
    ),
}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what the documents' examples name: a short clip and photographs of a real face."""
    clips.beginning(DEMO, tmp_path / "clip.mp4", 6)
    (tmp_path / "photos").mkdir()
    capture = cv2.VideoCapture(str(tmp_path / "clip.mp4"))
    for name in ("portrait.jpg", "photos/a.jpg"):
        there, image = capture.read()
        assert there
        cv2.imwrite(str(tmp_path / name), image)
    capture.release()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(command, parse=parse):
    """Whether a command could run, as far as that can be told without running it."""
    program, arguments = command.program, command.arguments
    if program == "emotion":
        parse(arguments)
    elif program in ("pip", "pip3") or (program.startswith("python") and arguments[:2] == ("-m", "pip")):
        asked = re.findall(
            r"\[([\w,-]+)\]",
            " ".join(word for word in arguments if "emotion" in word or word.startswith(".")),
        )
        assert {name for names in asked for name in names.split(",")} <= set(EXTRAS)
        assert "requirements.lock" not in arguments or (ROOT / "requirements.lock").is_file()
    elif program.startswith("python") and arguments[0] == "-m":
        assert find_spec(arguments[1]) is not None or arguments[1] in ("build", "venv", "zensical")
    elif program.startswith("python"):
        assert (ROOT / arguments[0]).is_file()
    else:
        assert program in OTHERS, f"{program} is not known to this test"


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_each_command_that_is_shown_is_one(block):
    found = list(commands(block.code))
    assert found
    for command in found:
        check(command)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_within_sentences_are_some(document):
    for shown in inline(document):
        for command in commands(shown):
            check(command, parse_mention)


@pytest.mark.parametrize("block", [block for block in SHELL if block.runs], ids=str)
def test_commands_run(block, folder, monkeypatch, capsys):
    for command in commands(block.code):
        assert command.program == "emotion"
        monkeypatch.setattr(sys, "argv", ["emotion", *command.arguments])
        assert cli.run() == 0, capsys.readouterr().err
        shutil.rmtree(folder / "results", ignore_errors=True)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_is_python_and_calls_what_there_is(block):
    for node in ast.walk(ast.parse(block.code)):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "emotion"
        ):
            assert node.attr in emotion.__all__


@pytest.mark.parametrize("block", [block for block in PYTHON if block.runs], ids=str)
def test_python_runs(block, folder, capsys):
    exec(compile(block.code, str(block), "exec"), {"__name__": "documents"})
    assert capsys.readouterr().out


def test_addresses_of_the_server_are_described():
    known = (ROOT / "docs/reference/http.md").read_text()
    patterns = [
        re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
        for path in re.findall(r"^## [A-Z]+ (\S+)$", known, re.M)
    ]
    patterns = [re.sub(r"{\w+(:path)?}", "[^/]+", path) for path in patterns]
    for document in DOCUMENTS:
        for path in re.findall(r"127\.0\.0\.1:8000(/[\w/.-]*\w)", document.read_text()):
            # The overlay is a page for people, not for programs.
            there = path == "/overlay" or any(re.fullmatch(pattern, path) for pattern in patterns)
            assert there, (document.name, path)


def test_the_readme_is_short_and_begins_with_the_two_commands():
    readme = ROOT / "README.md"
    lines = readme.read_text().splitlines()
    assert len(lines) <= 120
    first, second = [list(commands(block.code)) for block in blocks(readme) if block.language == "sh"][:2]
    assert first[-1].arguments == ("annotate",)
    assert second[-1].arguments == ("serve",)
