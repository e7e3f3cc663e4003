"""`python -m emotion.learn`: what it prints, and when it loads TensorFlow."""

import importlib
import os
import subprocess
import sys

import emotion.models.training
from emotion import learn


def test_help_does_not_wait_for_tensorflow():
    code = "import emotion.learn, sys; print(*{'keras', 'tensorflow'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == []


def test_the_commands_have_the_names_of_the_field():
    names = {command.name or command.callback.__name__ for command in learn.app.registered_commands}
    assert {"train", "evaluate", "predict", "refit"} <= names


def test_an_error_that_a_user_can_correct_is_one_sentence(tmp_path):
    command = [sys.executable, "-m", "emotion.learn", "cut", str(tmp_path), "--data", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 3
    assert run.stderr.startswith(f"{tmp_path} is not a data set")
    assert run.stderr.count("\n") == 1


def test_tensorflow_keeps_messages_about_itself_where_training_is_imported(monkeypatch):
    for name in ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)
    importlib.reload(emotion.models.training)
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
