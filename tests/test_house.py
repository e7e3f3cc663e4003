"""How the house is laid out, as far as a machine can check it; `lint-imports` checks who imports whom."""

import importlib
import itertools
import re
import tomllib
from importlib.util import find_spec

import pytest

import emotion
from emotion.cli.lazy import COMMANDS
from tests.helpers.paths import ROOT

FOLDERS = ("benchmarks", "exporters", "models", "realtime")
_TOPS = "|".join((*FOLDERS, "docs", "emotion", "tests"))
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "NOTICE", "docs/**/*.md", "models/zoo/**/*.md")
    for path in ROOT.glob(pattern)
)
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
PACKAGES = SETTINGS["setuptools"]["packages"]
# And folders of other files, as `static`.
MODULES = {
    part
    for name in ("emotion", *FOLDERS)
    for file in (ROOT / name).rglob("*.*")
    for part in ({file.stem} if file.suffix == ".py" else set()) | {file.parent.name}
}


def packages_in_the_tree():
    for name in ("emotion", *FOLDERS):
        for file in (ROOT / name).rglob("__init__.py"):
            parts = file.parent.relative_to(ROOT).parts
            yield ".".join(parts if name == "emotion" else ("emotion", *parts))


def test_each_package_is_installed_and_no_study():
    found = set(packages_in_the_tree())
    assert found - set(PACKAGES) == {"emotion.benchmarks.studies"}
    assert set(PACKAGES) <= found


@pytest.mark.parametrize("name", sorted(set(PACKAGES) - {"emotion.models.zoo"}))
def test_each_package_says_what_it_is_for_and_what_it_may_import(name):
    package = importlib.import_module(name)
    assert re.search(r"\bimports?\b", package.__doc__ or "")
    named = set(re.findall(r"(?<!`)`(\w+)`", package.__doc__ or ""))
    assert {one for one in named - MODULES if not hasattr(package, one)} == set()


def test_the_public_names():
    """What is added here is promised to users; what is taken away breaks their programs."""
    assert set(emotion.__all__) == {
        *("EmotionError", "ModelFileError", "OptionError", "ProviderError", "SinkError", "SourceError"),
        *("FaceResult", "FaceRows", "Follower", "Recognizer", "Result", "Results", "Stream", "VideoFrame"),
        *("AnnotatedFiles", "Models", "Options", "Summary", "__version__"),
        *("analyze", "analyze_files", "annotate_files", "stream"),
    }
    for name in emotion.__all__:
        assert getattr(emotion, name) is not None
    assert set(emotion.__all__) <= set(dir(emotion))


@pytest.mark.parametrize(
    ("name", "meant"),
    [("annotate", "emotion.annotate_files"), ("live", "emotion.stream"), ("serve", "'emotion serve'")],
)
def test_what_people_try_is_an_error_that_names_what_to_call(name, meant):
    with pytest.raises(AttributeError, match=f"no attribute {name!r}: use .*{meant}"):
        getattr(emotion, name)


def test_the_lock_has_one_major_version_for_all_versions_of_python():
    """The tests run with one Python: what is locked for others only is tried by nobody before its users."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    ours = {re.match(r"[\w-]+", one)[0].lower().replace("_", "-") for one in wanted}
    majors = {}
    for name, major in re.findall(
        r"(?m)^([\w-]+)==(\d+)", (ROOT / "requirements.lock").read_text(encoding="utf-8")
    ):
        majors.setdefault(name, set()).add(major)
    assert {"av", "numpy"} <= ours & majors.keys()
    assert {name: found for name, found in majors.items() if name in ours and len(found) > 1} == {}


def test_names_and_places_of_users_are_read_in_one_way():
    """Path.expanduser raises where no user has the name, as of ``~copy.mp4``; platformdirs without a home."""
    other = re.compile(r"(?<!os\.path)\.expanduser\(|Path\.home\(|import .*platformdirs|from platformdirs")
    found = {
        file.relative_to(ROOT).as_posix()
        for name in ("emotion", *FOLDERS)
        for file in (ROOT / name).rglob("*.py")
        if other.search(file.read_text(encoding="utf-8"))
    }
    assert found == {"models/user_folders.py"}


def test_no_module_has_the_name_of_a_command_that_people_would_call():
    """Once such a module is loaded, its name would be that module: "'module' object is not callable"."""
    modules = {path.stem for path in (ROOT / "emotion").glob("*.py")}
    # `python -m emotion.learn` is for developers, and nothing imports it.
    assert modules & {*COMMANDS} == {"config", "learn"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_name_files_and_modules_that_there_are(document):
    text = document.read_text(encoding="utf-8")
    files = re.findall(rf"(?<![\w./])((?:{_TOPS})/[\w./-]*\w\.\w+)", text)
    programs = re.findall(rf"python3? -m ((?:{_TOPS})[.\w]*\w)", text)
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert [name for name in programs if name.startswith(FOLDERS) or find_spec(name) is None] == []


def test_the_packages_may_not_be_imported_by_their_bare_names():
    lint = SETTINGS["ruff"]["lint"]
    assert "TID251" in lint["select"]
    assert set(FOLDERS) <= set(lint["flake8-tidy-imports"]["banned-api"])
