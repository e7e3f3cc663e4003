"""What `emotion evaluate` reports of the models."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from emotion.cli.evaluate import _Evaluator
from emotion.realtime.child_process import environment

PHOTOGRAPH = Path(__file__).parents[3] / "emotion" / "web" / "static" / "sample.jpg"


@pytest.mark.parametrize(
    ("data", "reported"),
    [
        (("ours", "ours"), "ours"),
        (("", ""), "not said"),
        (("ours", ""), {"eyes": "ours", "lips": "not said"}),
    ],
)
def test_it_is_said_what_each_network_was_trained_on(data, reported):
    evaluator = _Evaluator.__new__(_Evaluator)
    evaluator._rule = "equal"
    evaluator._models = tuple(
        SimpleNamespace(
            manifest=SimpleNamespace(region=region, data=text, architecture="", precision="", sha256="")
        )
        for region, text in zip(("eyes", "lips"), data, strict=True)
    )
    assert evaluator.about()["trained on"] == reported


def test_photographs_are_evaluated_without_mediapipe(tmp_path):
    """It may report to its maker: the page on privacy names the commands that load it."""
    (tmp_path / "faces" / "happiness").mkdir(parents=True)
    shutil.copy(PHOTOGRAPH, tmp_path / "faces" / "happiness")
    code = "import sys; from emotion.cli.app import run; run(); print('mediapipe' in sys.modules)"
    command = [sys.executable, "-c", code, "evaluate", "faces", "-o", "report"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"
    assert (tmp_path / "report" / "report.json").exists()
