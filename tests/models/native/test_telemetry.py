import ctypes
import os
import re
import shutil
import socket
import subprocess
import sys
from ctypes.util import find_library

import psutil
import pytest

from emotion.cli import doctor
from emotion.models.faces import mediapipe_landmarker as landmarks
from emotion.models.native import telemetry
from emotion.realtime.sources.demo import DEMO
from tests.helpers.clips import beginning, clip
from tests.helpers.paths import ROOT

# Addresses of this machine alone; and an address family's name where there is no address.
OWN = re.compile(r'inet_addr\("127\.|"::1"|sun_path=|AF_NETLINK|AF_UNSPEC')
EMOTION = [sys.executable, "-m", "emotion"]

traced = pytest.mark.skipif(
    not shutil.which("strace") or sys.platform != "linux", reason="needs strace, to see every connection"
)


def environment(folder):
    """As a user's, with places of its own for all that libraries might leave behind."""
    folder.mkdir(exist_ok=True)
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), folder)
    bare = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    return bare | {name: str(value) for name, value in places.items()}


def strace(trace):
    return ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(trace)]


def strangers(trace):
    """The calls that reach another machine, or ask for one: that may go through a server on this one."""
    calls = trace.read_text(errors="replace").splitlines()
    return [c for c in calls if "htons(53)" in c or ("sa_family=" in c and not OWN.search(c))]


def traces_of(folder):
    return [path.name for path in folder.rglob("*") if path.suffix == ".ses" or path.name == ".ses"]


@pytest.mark.slow
@traced
@pytest.mark.parametrize(
    "command",
    [
        ["annotate", "CLIP", "--formats", "csv"],
        ["live", "CLIP", "--no-window", "--seconds", "2"],
        ["-c", "import emotion, sys; next(iter(emotion.stream(sys.argv[1])))", "CLIP"],
    ],
    ids=["annotate", "live", "stream"],
)
def test_nothing_is_sent(tmp_path, command):
    trace, place, video = tmp_path / "trace", tmp_path / "place", tmp_path / "clip.mp4"
    beginning(DEMO, video, 24)
    command = [str(video) if word == "CLIP" else word for word in command]
    program = [sys.executable, *command] if command[0] == "-c" else [*EMOTION, *command]
    ran = subprocess.run(
        [*strace(trace), *program],
        cwd=ROOT,
        env=environment(place),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert strangers(trace) == []
    assert traces_of(place) == []


@pytest.mark.slow
@traced
def test_the_page_and_its_workers_send_nothing(tmp_path):
    pytest.importorskip("uvicorn", reason="needs the extra 'web'")
    from emotion.benchmarks.page import submit, wait

    trace, place, video = tmp_path / "trace", tmp_path / "place", tmp_path / "clip.mp4"
    clip(video, frames=10)
    program = [*strace(trace), *EMOTION, "serve", "--port", "0", "--folder", str(tmp_path / "jobs")]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(place)
    ) as tracer:
        try:
            address = re.search(r"http\S+", tracer.stdout.readline()).group(0)
            assert any("Ctrl-C" in line for line in tracer.stdout)  # it is ready
            wait(address, [submit(address, video)])
        finally:
            for served in psutil.Process(tracer.pid).children():
                served.terminate()
            tracer.wait(200)
    assert strangers(trace) == []
    assert traces_of(place) == []


@traced
def test_a_look_up_would_be_seen(tmp_path):
    asking = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))"
    subprocess.run([*strace(tmp_path / "trace"), sys.executable, "-c", asking], check=True, timeout=60)
    assert len(strangers(tmp_path / "trace")) == 1


@pytest.mark.parametrize(
    "package", ["emotion", "emotion.benchmarks", "emotion.exporters", "emotion.models", "emotion.realtime"]
)
def test_every_package_keeps_onnx_runtime_quiet_before_its_import(package):
    code = (
        f"import {package}, os, sys; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in sys.modules)"
    )
    bare = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["1", "False"]


@pytest.mark.skipif(sys.platform != "linux", reason="MediaPipe is silenced on Linux")
def test_only_mediapipe_looks_up_nothing_any_more():
    assert landmarks.silenced()
    assert socket.getaddrinfo("localhost", 80)


def test_a_library_that_looks_up_nothing_is_distinguished_from_one_that_is_silenced():
    assert not telemetry.silence(ctypes.CDLL(find_library("m")))


def program(lines):
    bare = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    return subprocess.run(
        [sys.executable, "-c", lines], cwd=ROOT, env=bare, capture_output=True, text=True, check=False
    )


def test_who_imported_onnx_runtime_first_is_told_so():
    # An empty module in its place is as good, and asks nobody.
    before = "import sys, types; sys.modules['onnxruntime'] = types.ModuleType('onnxruntime'); "
    said = program(before + "from emotion.cli import network; network.obey_offline(True)")
    assert said.returncode == 0
    assert "--offline cannot hold back everything: onnxruntime was imported before emotion" in said.stderr
    assert "ORT_DISABLE_TELEMETRY=1" in said.stderr
    said = program("from emotion.cli import network; network.obey_offline(True)")
    assert said.stderr == ""


def test_doctor_tells_of_what_cannot_be_kept_back(monkeypatch):
    check = next(check for check in doctor.CHECKS if check.part == "Nothing is sent")
    finding = doctor.examine(check)
    assert finding.works
    monkeypatch.setattr(telemetry, "onnxruntime_was_first", True)
    finding = doctor.examine(check)
    assert not finding.works
    assert not finding.needed
    assert "import emotion first" in finding.advice
    monkeypatch.setattr(telemetry, "onnxruntime_was_first", False)
    monkeypatch.setattr(landmarks, "silenced", lambda: False)
    assert "block play.googleapis.com" in doctor.examine(check).advice
