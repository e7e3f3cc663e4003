"""Native libraries' chatter stays out of standard error; their errors do not."""

import errno
import os
import re
import subprocess
import sys
import threading

import pytest

from emotion.models.native.log import listening, without_chatter
from tests.helpers.paths import ROOT

LINES = (
    b"WARNING: Logging before InitGoogle() is written to STDERR\n",
    b"W0000 00:00:1795454966.746527   26077 inference_runner_litert.cc:1418] Reallocating memory.\n",
    b"INFO: [accelerator_registry.cc:43] DestroyAccelerator: ptr=0x7efc9001ee00\n",
    b"I0000 00:00:1795454966.746527   26077 gl_context.cc:369] GL version: 3.2\n",
    b"E0000 00:00:1795454966.746527   26077 gl_context.cc:407] no context\n",
    b"free(): invalid pointer\n",
)
FILTERED = """
import os, sys
from emotion.models.native.log import filter_standard_error
filter_standard_error()
"""


def said_by(program):
    """What a process that filters its standard error lets through."""
    command = [sys.executable, "-c", FILTERED + program]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=250)
    assert done.returncode in (0, 1), done.stderr
    return done.stderr


def test_chatter_of_a_block_is_hidden_and_errors_are_not(capfd):
    with without_chatter():
        for line in LINES:
            os.write(2, line)
    assert capfd.readouterr().err.encode() == LINES[4] + LINES[5]


FAULT = re.compile(rb"fault")


def test_what_is_listened_for_is_taken_and_all_else_is_passed_on(capfd):
    with listening(FAULT) as said:
        os.write(2, b"fault: a\nnews: b\nI0000 chatter\n")
        os.write(2, b"fau")
        os.write(2, b"lt: c\nno end")
    assert said == [b"fault: a\n", b"fault: c\n"]
    assert capfd.readouterr().err == "news: b\nno end"
    os.write(2, b"fault: d\n")
    assert capfd.readouterr().err == "fault: d\n"


def test_no_folder_for_temporary_files_is_needed(monkeypatch, capfd):
    """Where none is to be had and the system keeps no file in memory, either, nothing is taken in."""

    def refuses(*_):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in []")

    monkeypatch.setattr("tempfile.mkstemp", refuses)
    with listening(FAULT) as said:
        os.write(2, b"fault: a\n")
    assert said == [b"fault: a\n"] or sys.platform != "linux"
    capfd.readouterr()
    monkeypatch.setattr(os, "memfd_create", refuses, raising=False)
    with listening(FAULT) as said:
        os.write(2, b"fault: a\n")
    assert said == []
    assert capfd.readouterr().err == "fault: a\n"


def test_nothing_is_taken_in_of_a_program_that_was_started_without_standard_error(monkeypatch, capfd):
    monkeypatch.setattr(sys, "__stderr__", None)
    with listening(FAULT) as said:
        os.write(2, b"fault: a\n")
    assert said == []
    assert capfd.readouterr().err == "fault: a\n"


@pytest.mark.skipif(sys.platform == "win32", reason="its shell closes no files")
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_what_is_written_to_closed_standard_files_is_in_no_result(tmp_path, closed):
    program = """
import os, sys
from emotion.models.native.log import filter_standard_error, listening, occupy_standard_files
occupy_standard_files()
filter_standard_error()
with open(sys.argv[1], "wb") as result:
    for number in (1, 2):
        os.write(number, b"chatter\\n")
    print("said", file=sys.stderr)
    result.write(b"result")
"""
    command = [
        "/bin/sh",
        "-c",
        f'exec "$0" -c "$1" "$2" {closed}',
        sys.executable,
        program,
        tmp_path / "file",
    ]
    subprocess.run(command, cwd=ROOT, check=True, timeout=250)
    assert (tmp_path / "file").read_bytes() == b"result"


def test_several_listen_at_a_time_and_hear_one_another(capfd):
    together, heard = threading.Barrier(3), []

    def listen(number):
        with listening(FAULT) as said:
            together.wait()
            os.write(2, b"fault: %d\nnews: %d\n" % (number, number))
            together.wait()
        heard.append(sorted(said))

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [[b"fault: 0\n", b"fault: 1\n", b"fault: 2\n"]] * 3
    assert sorted(capfd.readouterr().err.splitlines()) == ["news: 0", "news: 1", "news: 2"]


def test_who_listens_alone_waits_for_the_others_and_hears_nobody(capfd):
    inside, leave, order = threading.Event(), threading.Event(), []

    def first():
        with listening(FAULT):
            inside.set()
            leave.wait()
            order.append("others")

    def second():
        with listening(FAULT) as said:
            order.append("later")
            os.write(2, b"fault: later\n")
        assert said == [b"fault: later\n"]

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    inside.wait()
    threading.Timer(0.05, leave.set).start()
    with listening(FAULT, alone=True) as said:
        order.append("alone")
        threads[1].start()
        # As where the collector frees something meanwhile.
        with without_chatter():
            os.write(2, b"I0000 chatter\n")
        os.write(2, b"fault: mine\n")
    for thread in threads:
        thread.join()
    assert said == [b"fault: mine\n"]
    assert order == ["others", "alone", "later"]
    assert capfd.readouterr().err == ""


def test_chatter_of_a_process_is_hidden_and_errors_are_not():
    assert said_by(f"os.write(2, {b''.join(LINES)!r})") == LINES[4] + LINES[5]


def test_what_python_says_needs_no_filter():
    program = "print('WARNING: mine', file=sys.stderr); os.write(2, b'W0000 theirs\\n'); sys.exit(1)"
    assert said_by(program) == b"WARNING: mine\n"


def test_a_child_takes_the_same_way_and_none_is_waited_for():
    child = "import os; os.write(2, b'I0000 theirs\\nbroken\\n')"
    program = f"import subprocess; subprocess.run([sys.executable, '-c', {child!r}])"
    assert said_by(program) == b"broken\n"
    lasting = "import time; time.sleep(3)"
    program = (
        f"import subprocess; subprocess.Popen([sys.executable, '-c', {lasting!r}]); os.write(2, b'done\\n')"
    )
    assert said_by(program) == b"done\n"


def test_a_traceback_comes_whole():
    program = "1 / 0"
    assert said_by(program).rstrip().endswith(b"ZeroDivisionError: division by zero")


def test_finding_faces_says_nothing():
    program = """
import av
from emotion.models.faces.picture import Picture
from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker

with av.open("realtime/sources/demo.mp4") as container:
    frames = [frame.to_ndarray(format="bgr24") for frame, _ in zip(container.decode(video=0), range(12))]
with FaceLandmarker(max_faces=2, video=True) as landmarker:
    for number, frame in enumerate(frames):
        landmarker.detect(frame, number / 30)
detector = FaceDetector()
print(len(detector.detect(Picture(frames[0]))))
detector.close()
"""
    assert said_by(program) == b""


def test_reports_of_matplotlib_about_its_fonts_are_hidden():
    said = said_by("import logging; logging.getLogger('matplotlib.font_manager').warning('building')")
    assert said == b""


def test_where_no_thread_can_be_started_nothing_is_filtered():
    beginning = """
import os, threading
def refuse(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
"""
    command = [sys.executable, "-c", beginning + FILTERED + "os.write(2, b'INFO: it goes on')"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=250)
    assert (done.returncode, done.stderr) == (0, b"INFO: it goes on")
