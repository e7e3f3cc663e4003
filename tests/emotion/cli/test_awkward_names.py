"""Names that are no text, too long, or made to play with the terminal: escaped, and none ends a batch."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.progress import Progress

from emotion.cli import app as cli
from emotion.cli import console as consoles
from emotion.cli import progress
from emotion.cli.console import PlainConsole, shown, typed
from emotion.realtime.options import Options
from emotion.results import Result, Results
from emotion.videos import Outputs
from tests.helpers.clips import clip
from tests.helpers.paths import ROOT
from tests.helpers.results import face, result

AWKWARD = [
    pytest.param("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m", id="escape"),
    pytest.param("a\tb\rc", r"a\tb\rc", id="control"),
    pytest.param("\x9b31m", r"\x9b31m", id="C1"),
    pytest.param("\u202e4pm.exe", r"\u202e4pm.exe", id="right to left"),
    pytest.param("\u2066x\u2069\u200f", r"\u2066x\u2069\u200f", id="isolate"),
    pytest.param("caf\udce9", r"caf\xe9", id="no UTF-8"),
    pytest.param("take :smile: one", "take :smile: one", id="emoji code"),
    pytest.param("[red]x[/red][link=y]", "[red]x[/red][link=y]", id="markup"),
    pytest.param("😀 ä", "😀 ä", id="Unicode"),
]


@pytest.fixture
def screen(monkeypatch):
    """What the console shows, on a terminal that takes UTF-8."""
    written = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(consoles.errors, "_file", written)
    monkeypatch.setattr(consoles.console, "_file", written)
    return written


def read(screen):
    screen.flush()
    return screen.buffer.getvalue().decode()


@pytest.mark.parametrize(("name", "wanted"), AWKWARD)
def test_a_name_is_shown_as_it_is(screen, name, wanted):
    consoles.console.print(f"{name} is there")
    assert read(screen) == f"{wanted} is there\n"


@pytest.mark.parametrize(
    ("name", "wanted"), [*AWKWARD, pytest.param("two\nlines", r"two\nlines", id="newline")]
)
def test_a_path_stays_on_one_line(name, wanted):
    assert shown(Path("folder", name)) == os.path.join("folder", wanted)


def test_the_ends_of_our_own_lines_stay(screen):
    consoles.errors.print("one\ntwo")
    assert read(screen) == "one\ntwo\n"


def test_a_terminal_that_lacks_a_character_ends_nothing():
    written = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    plain = PlainConsole()
    plain._file = written
    plain.print("€ is there, 😀 and ☃ are not")
    written.flush()
    assert written.buffer.getvalue().decode("cp1252") == "€ is there, \\U0001f600 and \\u2603 are not\n"


def test_an_error_names_what_is_wrong_on_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["emotion", "dataset", str(tmp_path / "two\nlines\x1b[2J")])
    assert cli.run() == 3
    said = capsys.readouterr().err
    assert r"two\nlines\x1b[2J is not a folder." in said
    assert "\x1b" not in said


def test_a_bar_takes_any_description():
    column = progress.progress_bar().columns[0]
    bar = Progress()
    bar.add_task("[red]:smile:[/nothing]", total=1)
    [task] = bar.tasks
    assert column.render(task).plain == "[red]:smile:[/nothing]"


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_a_batch_of_awkward_names_has_all_its_results(tmp_path):
    clip(tmp_path / "clip.mp4", 3)
    data = (tmp_path / "clip.mp4").read_bytes()
    names = [
        b"caf\xe9.mp4",
        b"\xff\xfe\x80.mp4",
        b"n" * 251 + b".mp4",
        b"n" * 250 + b"m.mp4",
        "\U0001f600".encode() * 62 + b"abc.mp4",
        b"two\nlines.mp4",
        b"\x1b[31mred.mp4",
        b"take :smile: one.mp4",
        b"[red]x[ ]y.mp4",
        "\u202e4pm.exe.mp4".encode(),
    ]
    videos = [os.fsencode(tmp_path) + b"/" + name for name in names]
    for video in videos:
        Path(os.fsdecode(video)).write_bytes(data)
    command = [
        sys.executable,
        "-m",
        "emotion",
        "annotate",
        *videos,
        "-o",
        tmp_path / "out",
        "--models",
        "lite",
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"},
        check=False,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stdout
    for name in (rb"caf\xe9", rb"two\nlines"):
        assert re.search(rb"^" + re.escape(name) + rb" +no face +0 ", done.stdout, re.MULTILINE)
    summaries = list((tmp_path / "out").glob("*.summary.json"))
    assert len(summaries) == len(videos)
    assert rb"caf\xe9.mp4".decode() in {json.loads(path.read_text())["video"]["name"] for path in summaries}
    assert len(list((tmp_path / "out").glob("*.annotated.mp4"))) == len(videos)


def test_a_long_name_is_shortened_and_stays_another_than_its_neighbour():
    one, two = (Outputs.of(Path("n" * 250 + end + ".mp4"), Path("out")) for end in "ab")
    assert one.summary != two.summary
    assert all(len(os.fsencode(path.name)) + len(".partial") <= 255 for path in one.all())
    assert Outputs.of(Path("n" * 220 + ".mp4"), None).summary == Path("n" * 220 + ".summary.json")


def test_a_folder_is_named_as_a_command_takes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed(tmp_path / "my-model") == "my-model"
    assert typed(tmp_path / "my model") == "'my model'"


def test_results_of_a_name_that_is_no_text_are_tables_too(tmp_path):
    one = Result("caf\udce9.jpg", True, result(0, face("fear")), None, Options().drawing)
    results = Results([one])
    assert results.to_arrow()["file"].to_pylist() == [r"caf\xe9.jpg"]
    assert r"caf\xe9.jpg" in results.save(tmp_path / "table.csv").read_text()
    assert r"caf\xe9.jpg" in str(one).encode().decode()
