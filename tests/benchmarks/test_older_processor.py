"""A command that is run as on an older processor."""

import subprocess
import sys
from shutil import which

import pytest

from emotion.benchmarks import older_processor

# CV_CPU_AVX2 and CV_CPU_AVX_512F of OpenCV.
ASK = "import cv2, sys; print(cv2.checkHardwareSupport(11), cv2.checkHardwareSupport(13), sys.argv[1:])"

needs_hiding = pytest.mark.skipif(
    not older_processor._can_hide() or not (which("cc") or which("gcc") or which("clang")),
    reason="needs Linux, a processor with cpuid_fault and a C compiler",
)


def asked(*before):
    ran = subprocess.run(
        [*before, sys.executable, "-c", ASK, "a b"], capture_output=True, text=True, check=True
    )
    return ran.stdout.split(maxsplit=2)


@needs_hiding
def test_libraries_see_avx2_as_it_is_and_no_avx512():
    avx2, _, reported = asked()
    assert asked(sys.executable, "-m", "emotion.benchmarks.older_processor") == [avx2, "False", reported]


@needs_hiding
def test_processes_that_the_command_starts_see_none_either(tmp_path):
    again = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ASK!r}], check=True)"
    command = [sys.executable, "-m", "emotion.benchmarks.older_processor", sys.executable, "-c", again]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.split()[1] == "False"


@needs_hiding
def test_the_exit_code_is_the_commands():
    assert older_processor.main([sys.executable, "-c", "raise SystemExit(7)"]) == 7
    assert older_processor.main([sys.executable, "-c", "import faulthandler as f; f._sigsegv()"]) == 139
    assert older_processor.main([sys.executable, "-c", "import ctypes; ctypes.string_at(0)"]) == 139


@needs_hiding
def test_a_command_that_is_not_there_is_a_sentence(capsys):
    assert older_processor.main(["/nobody/has/this"]) == 1
    assert "/nobody/has/this" in capsys.readouterr().err


def test_where_nothing_can_be_hidden_a_sentence_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(older_processor, "_PROCESSORS", tmp_path / "none")
    assert older_processor.main(["true"]) == 1
    assert "cpuid_fault" in capsys.readouterr().err
    (tmp_path / "one").write_text("flags : fpu cpuid_fault avx2\n")
    monkeypatch.setattr(older_processor, "_PROCESSORS", tmp_path / "one")
    monkeypatch.setattr(older_processor, "which", lambda name: None)
    assert older_processor.main(["true"]) == 1
    assert "compiler" in capsys.readouterr().err


def test_without_a_command_it_says_how_it_is_used(capsys):
    assert older_processor.main([]) == 0
    assert "emotion bench --quick" in capsys.readouterr().out
