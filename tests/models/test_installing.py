import errno
import json
import os

import pytest

from emotion.models.installing import advice_on, cannot_be_loaded, pip_install


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Lets the program be installed from an address, or from an index where there is none."""

    def install(said):
        folder = tmp_path / "emotion_live-0.0.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: emotion-live\nVersion: 0.0.0\n")
        if said is not None:
            (folder / "direct_url.json").write_text(said)
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


def test_an_extra_is_added_to_the_wheel_that_was_installed(installed, tmp_path):
    wheel = tmp_path / "a folder" / "emotion_live-0.0.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    installed(json.dumps({"url": wheel.as_uri(), "archive_info": {}}))
    assert pip_install("cpu,web") == f'pip install "{wheel}[cpu,web]"'


def test_an_editable_installation_stays_editable(installed, tmp_path):
    installed(json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}}))
    assert pip_install("train") == f'pip install -e "{tmp_path}[train]"'


@pytest.mark.parametrize("said", [None, "", "[]", "no JSON", '{"url": "file:///not/there.whl"}'])
def test_what_is_not_there_any_more_is_not_named(installed, said):
    installed(said)
    assert pip_install("web") == 'pip install "emotion-live[web]"'


def test_a_missing_runtime_names_the_extra():
    assert "[cpu]" in advice_on(ModuleNotFoundError("No module", name="onnxruntime"))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ImportError("cv2.abi3.so: failed to map segment from shared object"), "Free some memory, or raise"),
        (MemoryError(), "Free some memory, or raise"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "Let the program open more files"),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
            "in the variable TMPDIR.",
        ),
    ],
)
def test_what_the_machine_lacks_need_not_be_installed(error, advice):
    assert advice in advice_on(error)


def test_a_module_of_ours_that_is_missing_is_no_system_library():
    unfinished = ImportError("cannot import name 'file' from 'emotion.realtime.sources'")
    assert advice_on(unfinished) == "Install emotion-live again."
    for name in ("libGL.so.1", "libEGL.so"):
        missing = ImportError(f"{name}: cannot open shared object file: No such file or directory")
        assert "apt-get install" in advice_on(missing)


@pytest.mark.parametrize(
    ("error", "package"),
    [
        (AttributeError("module 'cv2' has no attribute 'Mat'"), "opencv-contrib-python"),
        (
            ImportError("cannot import name 'InferenceSession' from 'onnxruntime' (unknown location)"),
            "onnxruntime",
        ),
    ],
)
def test_what_another_package_left_is_installed_again(error, package):
    assert cannot_be_loaded(error)
    assert f"pip install --force-reinstall --no-deps {package}" in advice_on(error)
    assert not cannot_be_loaded(AttributeError("module 'emotion' has no attribute 'x'"))
