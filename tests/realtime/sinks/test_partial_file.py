"""What goes wrong while a file is written, in a sentence that names it; a file until it is whole."""

import errno
import os
from io import FileIO

import av
import pytest

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.partial_file import PartialFile, writing


class RefusedError(Exception):
    """What an encoder raises."""


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "make room on the disk"),
        (errno.EFBIG, "'ulimit -f'"),
        (errno.EACCES, "choose a folder that may be written to"),
        (errno.EROFS, "choose a folder that may be written to"),
        (errno.ENOENT, "its folder is not there"),
        (errno.EMFILE, "let the program open more files"),
        (errno.ENOMEM, "free some memory"),
        (errno.EIO, "check the disk or the network"),
        (errno.ENAMETOOLONG, "try another folder or name"),
    ],
)
def test_a_systems_error_names_the_file_and_what_to_do(tmp_path, code, advice):
    with (
        pytest.raises(SinkError, match=f"a.csv cannot be written .*{advice}") as reported,
        writing(tmp_path / "a.csv"),
    ):
        raise OSError(code, os.strerror(code))
    assert isinstance(reported.value.__cause__, OSError)


def test_an_encoder_without_memory_is_not_the_videos_fault(tmp_path):
    error = av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory")
    with (
        pytest.raises(SinkError, match=r"free some memory") as raised,
        writing(tmp_path / "a.mp4", av.FFmpegError),
    ):
        raise error
    assert "convert" not in str(raised.value)


def test_an_encoders_refusal_is_one_where_it_is_named_as_a_cause(tmp_path):
    with pytest.raises(SinkError, match="convert it to H"), writing(tmp_path / "a.mp4", RefusedError):
        raise RefusedError("no")
    with pytest.raises(RefusedError), writing(tmp_path / "a.mp4"):
        raise RefusedError("no")


@pytest.mark.parametrize("error", [SinkError("said already"), ZeroDivisionError("a mistake"), KeyError("a")])
def test_all_else_stays_what_it_is(tmp_path, error):
    with pytest.raises(type(error)) as raised, writing(tmp_path / "a.csv", RefusedError):
        raise error
    assert raised.value is error


def test_a_file_has_its_name_when_it_is_whole_and_not_before(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("earlier")
    file = PartialFile(path)
    file.append(b"later")
    assert (path.read_text(), partial_path(path).read_text()) == ("earlier", "later")
    assert file.publish() == path
    assert (path.read_text(), partial_path(path).exists()) == ("later", False)


@pytest.mark.parametrize("end", ["keep", "discard"])
def test_a_part_is_kept_as_a_part_or_not_at_all(tmp_path, end):
    path = tmp_path / "a.csv"
    file = PartialFile(path)
    file.append(b"half")
    assert getattr(file, end)() == (partial_path(path) if end == "keep" else None)
    assert not path.exists()
    assert partial_path(path).exists() == (end == "keep")


class FullDisk(FileIO):
    """Takes half of what is written first, and nothing after that."""

    half = True

    def write(self, data):
        if not self.half:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.half = False
        return super().write(data[: len(data) // 2])


def test_of_what_does_not_fit_on_a_disk_nothing_is_written(tmp_path):
    file = PartialFile(tmp_path / "a.csv")
    file.append(b"one line\n")
    file.file.close()
    file.file = FullDisk(file.working, "r+b")
    file.file.seek(0, os.SEEK_END)
    with pytest.raises(SinkError, match="make room on the disk"):
        file.append(b"another line\n")
    assert file.keep().read_bytes() == b"one line\n"
