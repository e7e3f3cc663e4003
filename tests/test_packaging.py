"""What a user gets: the wheel, the source distribution, and programs that run beside the user's own files."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import emotion
from tests.helpers import clips
from tests.helpers.paths import ROOT

FOLDERS = {"benchmarks", "exporters", "models", "realtime"}
DIST_INFO = f"emotion_live-{emotion.__version__}.dist-info"
PROGRAM = """\
import emotion


def labels(path: str) -> list[str]:
    try:
        with emotion.stream(path, max_faces=2) as results:
            return [face.label for result in results for face in result.faces]
    except emotion.SourceError:
        return [emotion.__version__]


def wrong(result: emotion.Result) -> int:
    return result.faces[0].label


emotion.nonsense
"""
DECODES = """\
import asyncio, io
from PIL import Image
from emotion.web.http.photo import decode

file = io.BytesIO()
Image.new("RGB", (30, 20)).save(file, "PNG")
print(asyncio.run(decode(file.getvalue(), 1000)).shape)
"""
pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


def run(*command, cwd):
    """What a command prints, which must succeed; nothing of this process's search path reaches it."""
    command = [str(part) for part in command]
    variables = os.environ | {"PYTHONPATH": ""}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind, source, folder):
    """A ``wheel``, an ``sdist`` or an ``editable`` of a source tree, made without the network."""
    code = f"import sys; from setuptools import build_meta; print(build_meta.build_{kind}(sys.argv[1]))"
    return folder / run(sys.executable, "-c", code, folder, cwd=source).split()[-1]


def contents(wheel):
    """A wheel's files by name, each as a hash."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def top(names):
    return {name.partition("/")[0] for name in names}


def files_to_ship():
    """Where each file of the packages lies in a wheel."""
    for name in ("emotion", *FOLDERS):
        for path in (ROOT / name).rglob("*"):
            inside = path.relative_to(ROOT).as_posix()
            is_link = path.parent == ROOT / "emotion" and path.name in FOLDERS
            if path.is_file() and not is_link and not {"__pycache__", "studies"} & set(path.parts):
                yield inside if name == "emotion" else f"emotion/{inside}"


def copy_of_the_tree(folder):
    """What the build needs, without what a developer's folder holds beside it."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("emotion", *FOLDERS):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder)
    return folder


def without_links(tree):
    """As Git leaves it where links may not be made, as on Windows: files that hold the link's text."""
    for package in FOLDERS:
        link = tree / "emotion" / package
        text = os.readlink(link) if link.is_symlink() else f"../{package}"
        link.unlink()
        link.write_text(text, encoding="utf-8")
    return tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    tree = copy_of_the_tree(tmp_path_factory.mktemp("tree"))
    return build("wheel", tree, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def linkless(tmp_path_factory):
    """A checkout without links, whose models hold nothing, so that packing them takes no time."""
    tree = without_links(copy_of_the_tree(tmp_path_factory.mktemp("linkless")))
    for file in (tree / "models" / "zoo").rglob("*.onnx"):
        file.write_bytes(b"")
    return tree


def new_environment(folder):
    """An environment that finds the dependencies where these tests do; its python and its site-packages."""
    venv.create(folder)
    places = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
    site = Path(places["purelib"])
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return next(Path(places["scripts"]).glob("python*")), site


def install(python, *what):
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install")
    run(*pip, "--quiet", "--no-index", "--no-deps", "--no-build-isolation", *what, cwd=python.parent)


@pytest.fixture(scope="module")
def scripts(wheel, tmp_path_factory):
    """The programs of a new environment with the wheel."""
    python, site = new_environment(tmp_path_factory.mktemp("environment"))
    before = {path.name for path in site.iterdir()}
    install(python, wheel)
    assert {path.name for path in site.iterdir()} - before == {"emotion", DIST_INFO}
    return python.parent


@pytest.fixture
def theirs(tmp_path):
    """A user's folder: files that end whatever imports them."""
    for name in ("models.py", "realtime.py", "exporters.py", "tests.py"):
        (tmp_path / name).write_text("raise SystemExit('a file of the user was imported')\n")
    for name in ("models", "benchmarks"):
        (tmp_path / name).mkdir()
        shutil.copy(tmp_path / "tests.py", tmp_path / name / "__init__.py")
    return tmp_path


def test_the_wheel_holds_one_name_with_all_data_and_neither_studies_nor_tests(wheel):
    names = contents(wheel)
    assert top(names) == {"emotion", DIST_INFO}
    assert {name for name in names if name.startswith("emotion/")} == set(files_to_ship())


def test_a_source_distribution_makes_the_same_wheel(wheel, linkless, tmp_path):
    shutil.unpack_archive(build("sdist", linkless, tmp_path), tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    again = contents(build("wheel", source, tmp_path))
    assert again == contents(build("wheel", linkless, tmp_path))
    assert again.keys() == contents(wheel).keys()


def test_an_editable_installation_works_where_links_cannot_be_made(linkless, tmp_path, theirs):
    python, site = new_environment(tmp_path / "environment")
    before = {path.name for path in site.iterdir()}
    install(python, "--editable", linkless)
    added = {path.name for path in site.iterdir()} - before
    ours = {name for name in added if not name.startswith("__editable__")}
    assert ours - {"__pycache__"} == {DIST_INFO}
    code = (
        "import emotion.benchmarks, emotion.exporters, emotion.models.voting.vote, emotion.realtime.media as "
        "media; print(media.__file__)"
    )
    assert run(python, "-c", code, cwd=theirs).startswith(str(linkless))


def test_the_package_does_not_need_the_name_of_any_file_of_the_user(scripts, theirs):
    assert run(scripts / "python", "-c", "import emotion; print(emotion.__file__)", cwd=theirs).startswith(
        str(scripts.parent)
    )
    said = run(scripts / "python", "-m", "emotion", "--version", cwd=theirs)
    assert said.split() == ["emotion-live", emotion.__version__]


def test_a_clip_is_annotated_beside_files_of_the_user(scripts, theirs):
    # Even these: a script's search path does not begin with the working folder.
    for name in ("random.py", "emotion.py"):
        shutil.copy(theirs / "tests.py", theirs / name)
    clips.clip(theirs / "clip.mp4", 10)
    run(scripts / "emotion", "annotate", "clip.mp4", "--models", "lite", "--formats", "csv", cwd=theirs)
    assert (theirs / "clip.emotions.csv").read_text().startswith("frame,")


def test_processes_that_the_program_starts_import_nothing_of_the_user(scripts, theirs):
    shutil.copy(theirs / "tests.py", theirs / "random.py")
    assert run(scripts / "python", "-P", "-c", DECODES, cwd=theirs).strip() == "(20, 30, 3)"


def test_a_program_is_type_checked_against_the_installed_package(scripts, theirs):
    (theirs / "program.py").write_text(PROGRAM)
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(scripts / "python")]
    variables = os.environ | {"PYTHONPATH": ""}
    done = subprocess.run(
        [*command, "program.py"], cwd=theirs, env=variables, capture_output=True, text=True, check=False
    )
    found = [line.partition(": ")[2] for line in done.stdout.splitlines()[:-1]]
    assert found == [
        'error: Incompatible return value type (got "str", expected "int")  [return-value]',
        'error: Module has no attribute "nonsense"  [attr-defined]',
    ], done.stdout + done.stderr
