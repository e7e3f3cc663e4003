import errno
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from emotion.cli import app as cli
from emotion.cli import doctor
from emotion.cli.doctor import Check, Trouble, examine
from emotion.models.errors import SYSTEM_LIBRARIES, ModelFileError
from emotion.models.installing import AGAIN
from emotion.realtime.sources import camera as cameras
from emotion.realtime.sources.camera import FoundCamera, listed_cameras, tried_cameras
from tests.fakes.camera import Camera
from tests.helpers.paths import ROOT
from tests.helpers.without_mediapipe import without_mediapipe

_OF_MEDIAPIPE = ("Finding faces", "MediaPipe", "Nothing is sent")
CAPTURE, METADATA, SPLIT = 0x1, 0x800000, 0x1000


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *arguments])
    return cli.run()


def failing(error):
    def look():
        raise error

    return look


def test_here_the_main_job_works(monkeypatch, capsys):
    assert run(monkeypatch, "doctor") == 0
    said = capsys.readouterr().out
    for check in doctor.CHECKS:
        assert check.part in said
    assert "works here" in said
    assert "checksums right" in said
    assert "NO " not in said
    assert max(len(line) for line in said.splitlines() if " -> " not in line) <= 80


def test_a_command_stays_on_one_line_to_be_copied(monkeypatch, capsys):
    command = f'pip install "/a/long/path/of/the/program[{",".join(f"extra{n}" for n in range(20))}]"'
    monkeypatch.setattr(doctor, "CHECKS", [Check("Extras", failing(Trouble("none", command)))])
    assert run(monkeypatch, "doctor") == 0
    assert f"-> {command}\n" in capsys.readouterr().out


def test_what_the_main_job_needs_decides(monkeypatch, capsys):
    checks = [
        Check("Good", lambda: "all is well", needed=True),
        Check("Bad", failing(Trouble("it is broken", "Mend it.")), needed=True),
        Check("Missing", failing(Trouble("it is not there", "Get 'emotion-live[one]'."))),
    ]
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert run(monkeypatch, "doctor") == 5
    good, bad, mend, missing, get, _, end = capsys.readouterr().out.splitlines()
    assert good.split() == ["ok", "Good", "all", "is", "well"]
    assert bad.split() == ["NO", "Bad", "it", "is", "broken"]
    assert mend.strip() == "-> Mend it."
    assert missing.split() == ["--", "Missing", "it", "is", "not", "there"]
    assert get.strip() == "-> Get 'emotion-live[one]'."
    assert end == "'emotion annotate' does not work here yet: Bad."

    monkeypatch.setattr(doctor, "CHECKS", [checks[0], checks[2]])
    assert run(monkeypatch, "doctor") == 0


@pytest.mark.parametrize(
    ("error", "found", "advice"),
    [
        (ModelFileError("eyes.onnx is damaged. Install again."), "eyes.onnx is damaged", "Install again."),
        (ImportError("libGL.so.1: cannot open shared object file"), "libGL.so.1", SYSTEM_LIBRARIES),
        (ImportError("No module named 'av'"), "No module named 'av'", "Install emotion-live again."),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "[Errno",
            "Let the program open more files ('ulimit -n 1024').",
        ),
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh", "Install emotion-live again."),
    ],
)
def test_whatever_happens_becomes_a_finding(error, found, advice):
    finding = examine(Check("Part", failing(error), needed=True))
    assert not finding.works
    assert finding.found.startswith(found)
    assert finding.advice == advice


def test_rivals_in_one_folder_are_found(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: "1.0")
    finding = examine(Check("Libraries", doctor._libraries))
    assert not finding.works
    assert "opencv-contrib-python and opencv-python" in finding.found


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    there = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: "" if name == "av" else there(name))
    finding = examine(Check("Libraries", doctor._libraries))
    assert finding.found == "not installed: av"


def test_mediapipe_may_be_missing_as_the_main_job_does_without_it(monkeypatch):
    there = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: "" if name == "mediapipe" else there(name))
    finding = examine(Check("Libraries", doctor._libraries))
    assert finding.works
    assert "mediapipe is missing" in finding.found


def test_it_answers_where_a_library_cannot_be_loaded():
    script = """
import sys
sys.modules["cv2"] = None
sys.argv = ["emotion", "doctor"]
from emotion.__main__ import main
main()
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 5
    assert "NO Reading video" in ran.stdout
    assert "ok Python" in ran.stdout
    assert "does not work here yet" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_without_mediapipe_the_main_job_works_and_it_is_said_what_does_not(monkeypatch):
    without_mediapipe(monkeypatch)
    found = {check.part: examine(check) for check in doctor.CHECKS if check.part in _OF_MEDIAPIPE}
    assert found["Finding faces"].works
    assert not found["MediaPipe"].works
    assert not found["MediaPipe"].needed
    assert "--columns pose, --landmarks mediapipe and data sets" in found["MediaPipe"].found
    assert found["MediaPipe"].advice == AGAIN
    assert found["Nothing is sent"].works
    assert "MediaPipe cannot be loaded" in found["Nothing is sent"].found


def video_device(tmp_path, number, name):
    (tmp_path / "sys" / f"video{number}").mkdir(parents=True)
    (tmp_path / "sys" / f"video{number}" / "name").write_text(name + "\n")


def test_cameras_of_linux_are_listed(tmp_path):
    for number, name in [
        (10, "Second"),
        (0, "HD Webcam"),
        (1, "HD Webcam"),
        (2, "Gone"),
        (3, "Not mine"),
        (4, "Ill"),
    ]:
        video_device(tmp_path, number, name)
    (tmp_path / "sys" / "v4l-subdev0").mkdir()

    def can_do(device):
        match device.name:
            case "video0":
                return CAPTURE
            case "video1":
                return METADATA
            case "video10":
                return SPLIT
            case "video2":
                raise FileNotFoundError(2, "No such file")
            case "video3":
                raise PermissionError(13, "Permission denied")
        raise OSError(5, "Input/output error")

    found = listed_cameras(tmp_path / "sys", tmp_path / "dev", can_do)
    assert [(Path(camera.where).name, camera.name) for camera in found] == [
        ("video0", "HD Webcam"),
        ("video2", "Gone"),
        ("video3", "Not mine"),
        ("video4", "Ill"),
        ("video10", "Second"),
    ]
    problems = [camera.problem for camera in found]
    assert problems[0] == problems[-1] == ""
    for problem, word in zip(
        problems[1:4], ["container", "group 'video'", "Input/output error"], strict=True
    ):
        assert word in problem


@pytest.mark.skipif(sys.platform != "linux", reason="asks a device as Linux does")
def test_a_device_that_is_no_camera_does_not_answer(tmp_path):
    video_device(tmp_path, 0, "None at all")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "video0").symlink_to("/dev/null")
    (camera,) = listed_cameras(tmp_path / "sys", tmp_path / "dev")
    assert "does not answer" in camera.problem


@pytest.mark.skipif(sys.platform != "linux", reason="asks a device as Linux does")
def test_capabilities_are_of_the_device_file_where_the_driver_tells_them_apart(tmp_path, monkeypatch):
    import fcntl

    (tmp_path / "video0").touch()
    answers = iter([(0x80000000 | CAPTURE, METADATA), (CAPTURE, 0)])

    def ioctl(file, request, buffer):
        assert request == 0x80685600
        assert len(buffer) == 104
        return struct.pack("16s32s32sIII12x", b"uvcvideo", b"HD Webcam", b"usb", 6, *next(answers))

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    assert cameras._capabilities(tmp_path / "video0") == METADATA
    assert cameras._capabilities(tmp_path / "video0") == CAPTURE


def test_cameras_elsewhere_are_tried():
    there, away = Camera(), Camera()
    away.plugged = False
    found = tried_cameras(lambda number: (there if number in {0, 2} else away).open(number))
    assert found == [FoundCamera("0", "camera 0"), FoundCamera("2", "camera 2")]
    assert all(capture.released for capture in there.opened + away.opened)


def test_the_command_lists_cameras(monkeypatch, capsys):
    listed = [FoundCamera("/dev/video0", "HD Webcam"), FoundCamera("/dev/video2", "Old", "no permission")]
    monkeypatch.setattr(cameras, "find_cameras", lambda: listed)
    assert run(monkeypatch, "cameras") == 0
    assert capsys.readouterr().out == "/dev/video0  HD Webcam\n/dev/video2  Old: no permission\n"
    monkeypatch.setattr(cameras, "find_cameras", list)
    assert run(monkeypatch, "cameras") == 0
    assert "No camera is there" in capsys.readouterr().out
