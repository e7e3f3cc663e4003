"""The examples in docs/examples run, the notebook too, and are what type checkers take."""

import ast
import csv
import json
import runpy

import cv2
import matplotlib
import matplotlib.pyplot as plt
import pytest
from mypy import api as mypy

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


def test_the_notebook_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    notebook = json.loads((EXAMPLES / "fear_over_time.ipynb").read_text())
    names = {}
    shown = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "notebook", "exec"), names)
            if last:
                shown.append(eval(compile(ast.Expression(last.value), "notebook", "eval"), names))
    plt.close("all")
    assert (tmp_path / "fear.png").stat().st_size > 1000
    assert "<table>" in shown[0]._repr_html_()
    assert shown[-1].shape == (1, 2)


def test_examples_are_typed():
    paths = map(str, sorted(EXAMPLES.glob("*.py")))
    said, _, code = mypy.run([*paths, "--strict", "--follow-imports=silent", "--no-error-summary"])
    assert code == 0, said
