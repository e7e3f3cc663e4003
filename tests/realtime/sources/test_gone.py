"""A disk that is pulled out, or a folder of the network that goes away, while a video on it is read."""

import errno
import os

import av
import pytest

from emotion.realtime.errors import IncompleteSourceError, SourceError
from emotion.realtime.sources import opening
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.opening import check_file
from tests.fakes.lost_disk import LostDisk
from tests.helpers.damage import FRAMES, whole

# Where a system lacks one of them, it never says it.
CODES = [getattr(errno, name) for name in ("EIO", "ENODEV", "ESTALE") if hasattr(errno, name)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return {kind: whole(folder / f"clip.{kind}") for kind in ("mkv", "ts", "mp4")}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("kind", ["mkv", "ts", "mp4"])
def test_what_was_read_until_then_is_given_and_one_sentence(monkeypatch, clips, kind, code):
    clip, seen = clips[kind], []
    with LostDisk(code) as disk:
        monkeypatch.setattr(opening, "_place", disk.read_only)
        with VideoFile(clip) as video, pytest.raises(IncompleteSourceError) as reported:
            for frame in video:
                seen.append(frame.index)
                disk.is_lost = len(seen) >= 4
    count = len(seen)
    assert 4 < count < FRAMES
    said = str(reported.value)
    assert f"{clip} could not be read at 0:0" in said
    assert f"({os.strerror(code)}): what was read of it ({count} frames) is done" in said


@pytest.mark.parametrize("code", CODES)
def test_a_disk_that_is_gone_at_the_start_is_no_damaged_video(monkeypatch, clips, code):
    disk = LostDisk(code)
    disk.lose()
    monkeypatch.setattr(opening, "_place", disk.read_only)
    with disk, pytest.raises(SourceError, match=r"cannot be read .*check the disk or the network"):
        VideoFile(clips["mp4"])


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.EMFILE, "let the program open more files"), (errno.ENOMEM, "free some memory")],
)
def test_a_machine_that_lacks_something_is_no_damaged_video(monkeypatch, clips, code, advice):
    disk = LostDisk(code)
    disk.lose()
    monkeypatch.setattr(opening, "_place", disk.read_only)
    with disk, pytest.raises(SourceError, match=f"cannot be read .*{advice}"):
        VideoFile(clips["mp4"])


@pytest.mark.parametrize(
    ("code", "advice"), [(errno.ENOMEM, "free some memory"), (errno.EAGAIN, "more threads and processes")]
)
def test_a_decoder_without_memory_or_threads_is_no_damaged_video(monkeypatch, clips, code, advice):
    def fail(decoder, packet):
        decoder._note_fault(av.error.FFmpegError(code, os.strerror(code)))
        return []

    monkeypatch.setattr("emotion.realtime.sources.decoding.Decoder._decode", fail)
    with pytest.raises(SourceError, match=rf"cannot be read .*{advice}"):
        VideoFile(clips["mp4"])


@pytest.mark.parametrize("code", CODES)
def test_a_file_that_cannot_be_looked_at_is_named(monkeypatch, clips, code):
    def stat(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("pathlib.Path.stat", stat)
    with pytest.raises(SourceError, match=r"clip\.mp4 cannot be read .*check the disk"):
        check_file(clips["mp4"])
