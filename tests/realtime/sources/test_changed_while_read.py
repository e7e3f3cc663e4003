"""A file that is deleted, replaced or cut while it is read: what was read is given, and one sentence."""

import os
import shutil

import pytest

from emotion.realtime.errors import IncompleteSourceError
from emotion.realtime.sources.file import VideoFile
from tests.helpers.clips import clip

FRAMES = 40


@pytest.fixture(scope="module", params=["mp4", "ts"])
def whole(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / f"clip.{request.param}"
    clip(path, FRAMES)
    return path


def read(path, meanwhile):
    """How many frames come, and what is said at the end."""
    count = 0
    with VideoFile(path) as video:
        try:
            for count, _ in enumerate(video, start=1):
                if count == 3:
                    meanwhile()
        except IncompleteSourceError as error:
            return count, str(error)
    return count, ""


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps open files")
@pytest.mark.parametrize("what", ["deleted", "replaced", "its folder renamed"])
def test_what_was_opened_is_read_to_its_end(whole, tmp_path, what):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / whole.name
    shutil.copy(whole, path)
    (tmp_path / "other").write_text("hello")
    ways = {
        "deleted": path.unlink,
        "replaced": lambda: os.replace(tmp_path / "other", path),
        "its folder renamed": lambda: folder.rename(tmp_path / "gone"),
    }
    count, said = read(path, ways[what])
    assert count == FRAMES
    assert f"{whole.name} was removed, replaced or changed while it was read" in said
    assert "(40 frames) is done" in said


def test_a_file_that_is_cut_meanwhile_gives_what_is_there(whole, tmp_path):
    path = tmp_path / whole.name
    shutil.copy(whole, path)
    count, said = read(path, lambda: os.truncate(path, path.stat().st_size // 2))
    assert 3 <= count <= FRAMES
    assert "changed while it was read" in said


def test_a_file_that_stays_is_whole(whole):
    assert read(whole, lambda: None) == (FRAMES, "")
