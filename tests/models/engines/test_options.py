import inspect
from pathlib import Path

import pytest

from emotion.models.engines import options
from emotion.models.engines.options import EngineOptions, known_models, model_folder, model_folder_name
from emotion.models.errors import OptionError
from emotion.models.manifest import DEFAULT, LITE, ZOO
from emotion.models.voting.vote import VoteWeights


def test_one_folder_is_the_default_everywhere_and_has_a_name():
    assert EngineOptions().models == DEFAULT == LITE
    assert inspect.signature(VoteWeights.read).parameters["folder"].default == DEFAULT
    assert model_folder_name(DEFAULT) == "lite"
    assert (model_folder("lite"), model_folder("standard")) == (LITE, ZOO)
    assert list(known_models())[-2:] == ["lite", "standard"]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's folder for models, with two of them and a file."""
    folder = tmp_path / "models"
    monkeypatch.setattr(options, "user_models", lambda: folder)
    monkeypatch.chdir(tmp_path)
    for name in ("smile", "frown"):
        (folder / name).mkdir(parents=True)
    (folder / "notes.txt").touch()
    return folder


def test_the_users_models_have_names_too_and_those_that_ship_keep_theirs(own):
    (own / "lite").mkdir()
    known = known_models()
    assert known == {"frown": own / "frown", "smile": own / "smile", "lite": LITE, "standard": ZOO}
    assert list(known)[:2] == ["frown", "lite"]


def test_where_the_user_has_no_models_those_that_ship_are_known(monkeypatch, tmp_path):
    monkeypatch.setattr(options, "user_models", lambda: tmp_path / "missing")
    assert list(known_models()) == ["lite", "standard"]


def test_a_name_alone_is_one_of_the_users_models_unless_a_folder_here_has_it(own, tmp_path):
    assert model_folder("smile") == own / "smile"
    assert model_folder("nothing") == Path("nothing")
    assert model_folder("notes.txt") == Path("notes.txt")
    assert model_folder("some/smile") == Path("some/smile")
    (tmp_path / "smile").mkdir()
    assert model_folder("smile") == Path("smile")
    (tmp_path / "lite").mkdir()
    assert model_folder(Path("lite")) == LITE


def test_folders_that_ship_are_told_by_their_names_and_others_by_their_paths():
    assert [model_folder_name(folder) for folder in (LITE, ZOO, Path("/a/b"), Path("/zzz"))] == [
        "lite",
        "standard",
        str(Path("/a/b")),
        str(Path("/zzz")),
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"threads": -1}, {"threads": 0}),
        ({"threads": 257}, {"threads": 256}),
        ({"workers": 0}, {"workers": 1}),
        ({"workers": 257}, {"workers": 256}),
        ({"batch": 0}, {"batch": 1}),
        ({"batch": 1025}, {"batch": 1024}),
    ],
)
def test_numbers_of_threads_and_frames_have_bounds(wrong, right):
    (name,) = right
    assert getattr(EngineOptions(**right), name) == right[name]
    with pytest.raises(OptionError):
        EngineOptions(**wrong)
