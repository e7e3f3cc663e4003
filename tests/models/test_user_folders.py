import sys
from pathlib import Path

import pytest

from emotion.models.user_folders import user_folder

KINDS = ("cache", "config", "data", "state")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows the folders without a home")


@pytest.fixture
def homeless(monkeypatch):
    """A user without HOME and without an entry in the table of users, as services and containers have."""

    def no_entry(number):
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", no_entry)
    for name in ("HOME", *(f"XDG_{kind.upper()}_HOME" for kind in KINDS)):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_home_it_is_a_folder_that_is_not_there(homeless, kind):
    assert user_folder(kind) == Path("/", f".{kind}", "emotion-live")


def test_without_a_home_no_folder_is_called_after_the_sign_for_one(homeless, monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_path", lambda *names, **more: Path("~/.local/share"))
    assert user_folder("data").is_absolute()


def test_a_folder_that_is_named_needs_no_home(homeless, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert user_folder("config") == tmp_path / "emotion-live"
