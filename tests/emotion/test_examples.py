"""The examples in docs/examples run, the notebook too, and are what type checkers take."""

import csv
import json
import runpy

import cv2
import pytest
from mypy import api as mypy

from docs import run_notebook
from docs.run_notebook import NOTEBOOK
from emotion.realtime.sources.demo import DEMO
from tests.helpers.paths import ROOT

EXAMPLES = ROOT / "docs" / "examples"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def portrait(tmp_path):
    capture = cv2.VideoCapture(str(DEMO))
    cv2.imwrite(str(tmp_path / "portrait.png"), capture.read()[1])
    return tmp_path / "portrait.png"


def run(monkeypatch, name, *arguments):
    monkeypatch.setattr("sys.argv", [name, *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_a_table_of_photographs(monkeypatch, capsys, tmp_path, portrait):
    run(monkeypatch, "photographs.py", tmp_path / "table.csv", portrait, tmp_path / "none.png")
    said = capsys.readouterr().out
    assert "portrait.png sadness" in said
    assert "none.png is left out" in said
    with open(tmp_path / "table.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["file"], row["label"]) == (str(portrait), "sadness")


def test_a_loop_of_ones_own(monkeypatch, capsys):
    run(monkeypatch, "own_loop.py", DEMO, 3)
    assert capsys.readouterr().out.count("person 1: fear 0.") == 3


def kinds(notebook):
    """What each cell shows."""
    return [
        sorted(kind for output in cell["outputs"] for kind in output["data"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def test_the_notebook_runs_and_holds_such_outputs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    stored = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    made = run_notebook.run(stored)
    assert (tmp_path / "fear.png").stat().st_size > 1000
    table = ["text/html", "text/plain"]
    assert kinds(made) == kinds(stored) == [table, ["image/png"], table]
    shown = made["cells"][1]["outputs"][0]["data"]
    for one in (made, stored):
        assert "<tr><td>demo.mp4</td>" in "".join(one["cells"][1]["outputs"][0]["data"]["text/html"])
    assert shown["text/plain"] == stored["cells"][1]["outputs"][0]["data"]["text/plain"]
    assert NOTEBOOK.stat().st_size < 300_000


def test_examples_are_typed():
    paths = map(str, sorted(EXAMPLES.glob("*.py")))
    said, _, code = mypy.run([*paths, "--strict", "--follow-imports=silent", "--no-error-summary"])
    assert code == 0, said
