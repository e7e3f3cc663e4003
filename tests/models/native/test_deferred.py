"""Modules that a library imports and hardly anybody needs."""

import importlib
import sys

import pytest

from emotion.models.native.deferred import deferred


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a module, which count how often they are imported."""
    (tmp_path / "slow_to_load").mkdir()
    (tmp_path / "slow_to_load" / "__init__.py").write_text("here = 'package'\n")
    (tmp_path / "slow_to_load" / "plots.py").write_text("def draw():\n    return 'drawn'\n")
    (tmp_path / "users_library.py").write_text(
        "import slow_to_load.plots as plots\n\n\ndef draw():\n    return plots.draw()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [one for one in sys.modules if one.startswith(("slow_to_load", "users_library"))]:
        del sys.modules[name]


def imported():
    return sorted(name for name in sys.modules if name.startswith("slow_to_load"))


def test_a_module_is_loaded_when_it_is_used(package):
    with deferred("slow_to_load.plots"):
        library = importlib.import_module("users_library")
    assert imported() == []
    assert library.draw() == "drawn"
    assert imported() == ["slow_to_load", "slow_to_load.plots"]


def test_whoever_imports_it_afterwards_gets_it_as_ever(package):
    with deferred("slow_to_load.plots"):
        importlib.import_module("users_library")
    plots = importlib.import_module("slow_to_load.plots")
    assert plots.draw() == "drawn"
    assert type(plots).__name__ == "module"
    assert importlib.import_module("slow_to_load").plots is plots


def test_what_is_imported_already_is_left_alone(package):
    plots = importlib.import_module("slow_to_load.plots")
    with deferred("slow_to_load.plots"):
        library = importlib.import_module("users_library")
    assert library.plots is plots
    assert sys.modules["slow_to_load.plots"] is plots


def test_another_thread_may_use_it_meanwhile(package):
    with deferred("slow_to_load.plots"):
        stand_in = importlib.import_module("slow_to_load")
        assert stand_in.here == "package"
        assert stand_in.plots.draw() == "drawn"
    assert importlib.import_module("slow_to_load").here == "package"


def test_what_is_not_there_fails_where_it_is_used(package):
    with deferred("slow_to_load.nothing"):
        stand_in = importlib.import_module("slow_to_load.nothing")
    with pytest.raises(ModuleNotFoundError, match="slow_to_load"):
        _ = stand_in.draw


def test_what_is_left_when_the_import_fails_is_nothing(package):
    with pytest.raises(RuntimeError), deferred("slow_to_load.plots"):
        raise RuntimeError
    assert imported() == []
