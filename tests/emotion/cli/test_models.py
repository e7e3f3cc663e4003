"""`emotion models`: what is there, checked, copied and removed, and nothing but the user's own."""

import shutil

import pytest

from emotion.cli import app as cli
from emotion.models.engines import options
from emotion.models.manifest import LITE


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's folder for models, with one in it."""
    home = tmp_path / "models"
    monkeypatch.setattr("emotion.cli.models.user_models", lambda: home)
    monkeypatch.setattr(options, "user_models", lambda: home)
    shutil.copytree(LITE, home / "mine")
    return home


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["emotion", "models", *map(str, words)])
    return cli.run()


def test_a_whole_folder_is_said_to_run(own, monkeypatch, capsys):
    assert run(monkeypatch, "check", "mine") == 0
    assert "is complete and runs: happiness" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "reason"), [("lips.onnx", "changed"), ("eyes.json", "manifest"), ("weights.json", "lacks")]
)
def test_a_damaged_file_is_named(own, name, reason, monkeypatch, capsys):
    path = own / "mine" / name
    if reason == "lacks":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    assert run(monkeypatch, "check", "mine") == 4
    said = capsys.readouterr().err
    assert name.split(".", maxsplit=1)[0] in said
    assert "Traceback" not in said


def test_only_folders_of_the_users_are_removed(own, tmp_path, monkeypatch, capsys):
    shutil.copytree(own / "mine", tmp_path / "elsewhere")
    (own / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("lite", "../elsewhere", str(tmp_path / "elsewhere"), "link", ".", ""):
        assert run(monkeypatch, "remove", name, "--yes") != 0
    assert (tmp_path / "elsewhere" / "lips.onnx").exists()
    assert (LITE / "lips.onnx").exists()
    assert run(monkeypatch, "remove", "mine", "--yes") == 0
    assert "Removed" in capsys.readouterr().out
    assert [path.name for path in own.iterdir()] == ["link"]


def test_removing_asks_first(own, monkeypatch):
    monkeypatch.setattr("typer.confirm", lambda question, abort: (_ for _ in ()).throw(SystemExit(1)))
    assert run(monkeypatch, "remove", "mine") == 1
    assert (own / "mine").exists()


def test_the_list_says_what_the_weights_may_be_used_for(own, monkeypatch, capsys):
    assert run(monkeypatch) == 0
    said = capsys.readouterr().out.replace("\n", " ")
    # Those that ship, and the user's copy.
    assert said.count("licence: research weights, for research only (the code is Apache-2.0)") == 3
