"""Training without TensorFlow, as on a GPU; needs JAX, which nothing else here does."""

import importlib.util
import os
import subprocess
import sys

import pytest

if not importlib.util.find_spec("jax") or not importlib.util.find_spec("keras"):
    pytest.skip("needs JAX (pip install jax) and Keras", allow_module_level=True)

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import keras
from emotion.models.training import distillation as teachers, trainer as training
from emotion.models.training.inputs import load_view
from tests.helpers.small_dataset import striped_dataset

folder = Path(sys.argv[1])
data = striped_dataset(folder / "data")
options = training.TrainingOptions(view="face", sizes=((1, 2 / 3), (3, 1.0)), batch=12, mixup=0.2)
path = training.train(data, folder / "run", options)
assert keras.backend.backend() == "jax" and "tensorflow" not in sys.modules
faces = load_view(data, "face", ("train",))
predicted = teachers.probabilities(keras.saving.load_model(path, compile=False), faces)
print("right", (predicted.argmax(axis=1) == faces.labels).mean())
"""


@pytest.mark.timeout(600)
def test_a_network_learns_without_tensorflow(tmp_path):
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": os.getcwd()}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout.split("right")[1]) > 1 / 3  # chance is a sixth
    assert "jax" in (tmp_path / "run" / "run.json").read_text()
