"""The disk of the input or of the results goes away meanwhile, or the clock is set back.

One sentence, what is done stays, and the next video runs.
"""

import errno
import itertools
import json
import os
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from emotion.inputs import find_inputs
from emotion.models.atomic_files import partial_path
from emotion.models.errors import EmotionError
from emotion.realtime.errors import IncompleteSourceError, SinkError
from emotion.realtime.options import Options
from emotion.realtime.session.policies import EveryFrame
from emotion.realtime.sinks import partial_file
from emotion.realtime.sinks.result_ledger import ResultLedger
from emotion.realtime.sources import opening
from emotion.realtime.sources.file import VideoFile
from emotion.videos import Outputs, annotate, is_done
from tests.fakes.lost_disk import LostDisk
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.helpers.clips import clip
from tests.helpers.damage import FRAMES, whole
from tests.helpers.mp4_roundtrip import numbers


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    monkeypatch.setattr(EveryFrame, "stages", lambda self, models, options: [NoFaces()])


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    names = [folder / f"{name}.mp4" for name in ("first", "second")]
    for name in names:
        clip(name, 40)
    return names


def test_an_input_that_goes_away_costs_what_was_not_read_of_it(monkeypatch, videos, tmp_path):
    outputs = Outputs.of(whole(tmp_path / "long.mkv"), tmp_path / "out")
    with LostDisk(errno.EIO) as disk:
        monkeypatch.setattr(opening, "_place", disk.read_only)
        with pytest.raises(IncompleteSourceError, match="could not be read at"):
            annotate(
                tmp_path / "long.mkv",
                outputs,
                NO_MODELS,
                progress=lambda done, total: done == 2 and disk.lose(),
            )
    monkeypatch.undo()
    assert 2 < len(shown(outputs.files["mp4"])) < FRAMES
    summary = json.loads(outputs.summary.read_text())
    assert (summary["complete"], summary["video"]["frames"]) == (False, len(shown(outputs.files["mp4"])))


@pytest.mark.parametrize("code", [errno.EIO, errno.ENODEV])
def test_a_folder_for_results_that_goes_away_is_named_and_the_next_video_runs(
    monkeypatch, videos, tmp_path, code
):
    disk = LostDisk(code)
    disk.lose()
    monkeypatch.setattr(partial_file, "FileIO", disk.writable(lambda path: path.name.startswith("first.")))
    first, second = (Outputs.of(video, tmp_path / "out") for video in videos)
    with pytest.raises(SinkError, match=r"cannot be written .*check the disk or the network"):
        annotate(videos[0], first, NO_MODELS)
    annotate(videos[1], second, NO_MODELS)
    assert len(numbers(tmp_path / "out" / "second.annotated.mp4")) == 40


def shown(path):
    with VideoFile(path) as video:
        return [frame.index for frame in video]


def _works(command):
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def stick(tmp_path):
    """A folder that is a file system of its own, and what takes it away, as it is in use."""
    place = tmp_path / "stick"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if sys.platform != "linux" or os.geteuid() != 0 or not _works(mount):
        pytest.skip("file systems cannot be mounted here")

    def pull():
        _works(["umount", "--lazy", str(place)])

    yield place, pull
    pull()


@pytest.mark.parametrize("what", ["input", "results"])
def test_a_file_system_that_is_unmounted_meanwhile(stick, videos, tmp_path, what):
    place, pull = stick
    video, out = videos[0], tmp_path / "out"
    if what == "input":
        video = place / "clip.mp4"
        video.write_bytes(videos[0].read_bytes())
    else:
        out = place / "out"
    outputs = Outputs.of(video, out)
    with pytest.raises(EmotionError) as reported:
        annotate(video, outputs, NO_MODELS, progress=lambda done, total: done == 10 and pull())
    assert "\n" not in str(reported.value)
    if what == "input":
        assert "was removed, replaced or changed while it was read" in str(reported.value)
        assert len(numbers(outputs.files["mp4"])) == 40
    else:
        assert isinstance(reported.value, SinkError)
        assert not out.exists()
    annotate(videos[1], Outputs.of(videos[1], tmp_path / "next"), NO_MODELS)


def test_what_is_whole_and_cannot_get_its_name_stays_whole_as_a_part(monkeypatch, videos, tmp_path):
    """As where a folder of that name was made meanwhile, or the disk takes no new name any more."""
    refused = OSError(errno.EIO, os.strerror(errno.EIO))
    formats = ("mp4", "csv", "jsonl", "srt", "vtt", "html", "parquet", "eaf")
    outputs = Outputs.of(videos[0], tmp_path / "out", formats)

    def publish(*_):
        raise refused

    monkeypatch.setattr(ResultLedger, "publish", publish)
    with pytest.raises(SinkError, match="cannot be written"):
        annotate(videos[0], outputs, NO_MODELS)
    parts = {name: partial_path(path) for name, path in outputs.files.items()}
    assert numbers(parts["mp4"]) == list(range(40))
    assert pq.read_table(parts["parquet"]).num_rows == 40
    assert len(parts["csv"].read_text().splitlines()) == 41
    assert len(parts["jsonl"].read_text().splitlines()) == 40
    assert parts["html"].read_text().endswith("</html>")
    assert not any(path.exists() for path in outputs.files.values())


def test_a_video_that_cannot_be_looked_at_is_not_done(monkeypatch, videos, tmp_path):
    monkeypatch.setattr(os.path, "isfile", lambda path: False)
    assert not is_done(videos[0], Outputs.of(videos[0], tmp_path), NO_MODELS, Options())


def test_a_folder_that_cannot_be_looked_into_is_reported_and_the_others_are_found(monkeypatch, videos):
    walk = os.walk

    def closed(folder, onerror=None, **more):
        yield from walk(folder, **more)
        onerror(OSError(errno.EIO, "Input/output error", str(folder / "deep")))

    monkeypatch.setattr(os, "walk", closed)
    failed = []
    found = find_inputs([videos[0].parent], failed=failed.append)
    assert [one.path for one in found] == videos
    assert "deep cannot be looked into (Input/output error)" in str(failed[0])


def test_a_clock_that_is_set_back_changes_nothing(monkeypatch, videos, tmp_path):
    formats = ("mp4", "csv", "jsonl", "srt")
    usual = Outputs.of(videos[0], tmp_path / "usual", formats)
    annotate(videos[0], usual, NO_MODELS)
    now = itertools.count(time.time(), -3600)
    monkeypatch.setattr(time, "time", lambda: next(now))
    back = Outputs.of(videos[0], tmp_path / "back", formats)
    annotate(videos[0], back, NO_MODELS)
    for name in formats[1:]:
        assert back.files[name].read_bytes() == usual.files[name].read_bytes()
    assert numbers(back.files["mp4"]) == numbers(usual.files["mp4"])
