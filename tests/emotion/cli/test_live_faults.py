"""What happens to cameras of a network, seen from `emotion live`: one line each, and whole files.

The sources' own behaviour is tested in test_streams.py; here are the command, its exit codes and what it
leaves on the disk.
"""

import json
import os
import signal
import subprocess
import sys

import av
import pyarrow.parquet as pq
import pytest

from emotion.models.atomic_files import partial_path
from tests.emotion.cli.test_live import ROOT, rows, wait_until
from tests.fakes.network_stream import Sender
from tests.helpers.signals import usual_signals
from tests.realtime.sinks.test_html import data

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.name == "nt", reason="no way to stop a process for a while"),
]

FILES = ("s.mp4", "s.csv", "s.parquet", "s.html")
_AGAIN = "; trying to reach it again"
_NO_SOUND = " gives no sound, so the recording has none."


class Session:
    """`emotion live` without a window, with all that it writes in a folder."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self._said = (folder / "err.txt").open("w")
        outputs = [part for name in FILES for part in ("-o", name)]
        command = [
            sys.executable,
            "-m",
            "emotion",
            "live",
            url,
            "--no-window",
            *outputs,
            "--report",
            "r.json",
        ]
        with usual_signals():
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
            )

    @property
    def lines(self):
        """What standard error says, line by line, but for the line on a recording without sound."""
        return [line for line in self._read() if _NO_SOUND not in line]

    @property
    def is_silent(self):
        """Whether it said, once, that the recording has no sound."""
        return sum(_NO_SOUND in line for line in self._read()) == 1

    def _read(self):
        return (self.folder / "err.txt").read_text().splitlines()

    @property
    def analysed(self):
        """How many pictures the timeline has by now."""
        path = partial_path(self.folder / "s.csv")
        return path.read_bytes().count(b"\n") - 1 if path.exists() else 0

    def goes_on(self, pictures=25):
        """Wait until so many more pictures are in the timeline."""
        wanted = self.analysed + pictures
        wait_until(lambda: self.process.poll() is not None or self.analysed >= wanted)
        assert self.process.poll() is None, self.lines

    def says(self, text, before):
        """Wait for one more line than there were, which says this."""
        wait_until(lambda: self.process.poll() is not None or len(self.lines) > before)
        assert len(self.lines) == before + 1, self.lines
        assert self.lines[-1].startswith(self.url)
        assert text in self.lines[-1]

    def ended(self):
        """The exit code and standard output."""
        out, _ = self.process.communicate(timeout=300)
        return self.process.returncode, out

    def check_files(self, out):
        """Everything is there under its own name, readable to its end, and named on standard output."""
        report = json.loads((self.folder / "r.json").read_text())
        assert not list(self.folder.glob("*.partial.*"))
        assert all(f"  {name}\n" in out for name in FILES)
        with av.open(str(self.folder / "s.mp4")) as container:
            pictures = list(container.decode(video=0))
        assert 0 < len(pictures) <= report["shown"]
        assert {(picture.width, picture.height) for picture in pictures} == {(160, 120)}
        stamps = [picture.pts for picture in pictures]
        assert stamps == sorted(set(stamps))
        timeline = rows(self.folder / "s.csv")
        assert [int(row["frame"]) for row in timeline] == sorted({int(row["frame"]) for row in timeline})
        assert len(timeline) == report["results"] == pq.read_metadata(self.folder / "s.parquet").num_rows
        assert data((self.folder / "s.html").read_text())["bins"] > 25

    def close(self):
        self.process.kill()
        self.process.communicate()
        self._said.close()


@pytest.fixture
def watch(tmp_path):
    """Starts the command on a sender's address and waits for its first results."""
    opened = []

    def start(url):
        opened.append(Session(tmp_path, url))
        opened[-1].goes_on()
        return opened[-1]

    yield start
    for session in opened:
        session.close()


def test_a_camera_that_changes_stalls_and_goes_away(watch):
    with Sender("http") as sender:
        session = watch(sender.url)
        sender.tell("size 240x240")
        session.goes_on()
        assert session.lines == []
        sender.stall()
        session.says(f"no data for 5 s{_AGAIN}", before=0)
        sender.go_on()
        session.goes_on()
        assert len(session.lines) == 1
        sender.cut()
        session.says(_AGAIN, before=1)
        code, out = session.ended()
    assert code == 3
    assert session.is_silent
    assert len(session.lines) == 3
    assert "could not be reached again in 8 attempts, at last because: nothing answers" in session.lines[-1]
    session.check_files(out)


@pytest.mark.parametrize("kind", ["udp", "http"])
def test_damage_in_the_middle_and_an_end(watch, kind):
    with Sender(kind) as sender:
        session = watch(sender.url)
        sender.tell("corrupt 15")
        session.goes_on(50)
        # Damage may hit what says where pictures begin; then that is reported, once.
        damaged = len(session.lines)
        assert damaged <= 1, session.lines
        assert all(line.startswith(session.url) and line.endswith(_AGAIN) for line in session.lines)
        sender.tell("end")
        session.says(_AGAIN, before=damaged)
        session.process.send_signal(signal.SIGINT)
        code, out = session.ended()
    assert code == 0
    assert session.is_silent == (kind == "http")
    assert len(session.lines) == damaged + 1
    session.check_files(out)
