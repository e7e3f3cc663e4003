"""Whole runs of the program as a user starts it, of which most are interrupted at a random moment."""

import csv
import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random

import av
import psutil

from emotion.realtime.child_process import environment, python_command
from tests.faults.cases import spoilt
from tests.faults.verdicts import Outcome, Verdict
from tests.helpers.signals import usual_signals

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")
WAYS = ("to its end", *(name for name in _SIGNALS if hasattr(signal, name)))
_FORMATS = ("mp4", "csv", "jsonl", "html")
# Processor time from the start of Python to the last file; kills fall within. A busy machine changes little
# about it, where seconds of the clock would end all runs while they load.
_WHOLE_RUN = 5.5
_LOOK = 0.02
_PATIENCE = 600.0


def judged(number: int, seed: int) -> tuple[str, Outcome]:
    """How a run was ended, and what came of it.

    One in five is left alone; half of all get a damaged file.
    """
    random = Random(f"{seed} run {number}")
    way = WAYS[number % len(WAYS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = spoilt(random.randrange(10_000) if random.random() < 0.5 else whole_case(), seed, folder)
        out = folder / "out"
        command = python_command("-m", "emotion", "annotate", str(video), "-o", str(out), "--models", "lite")
        with usual_signals(), open(folder / "said", "w+b") as said:
            process = subprocess.Popen(
                [*command, "--formats", ",".join(_FORMATS)], stdout=said, stderr=said, env=environment()
            )
            children = _interrupt(process, way, random)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return way, Outcome(Verdict.HANG, f"no end after {_PATIENCE:.0f} s")
            said.seek(0)
            text = said.read().decode(errors="replace")
        return way, _judge(process.returncode, way, text, out, children)


def whole_case() -> int:
    """The number of a case that damages nothing (mp4)."""
    return 15 * 14


def _interrupt(process, way, random) -> list[psutil.Process]:
    """Send the signal at a random moment; gives the children that the program had then."""
    moment = random.uniform(0, _WHOLE_RUN) if way != WAYS[0] else 0
    try:
        program = psutil.Process(process.pid)
        while process.poll() is None and sum(program.cpu_times()[:2]) < moment:
            time.sleep(_LOOK)
        children = program.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    if way != WAYS[0]:
        process.send_signal(getattr(signal, way))
    return children


def _judge(code: int, way: str, text: str, out: Path, children: list[psutil.Process]) -> Outcome:
    if "Traceback" in text or "Error in" in text:
        return Outcome(Verdict.TRACEBACK, text[-2000:])
    if code < 0 and (way == WAYS[0] or -code != getattr(signal, way)):
        return Outcome(Verdict.CRASH, f"exit code {code}: {text[-500:]}")
    psutil.wait_procs(children, timeout=10)
    if left := [child.pid for child in children if child.is_running()]:
        return Outcome(Verdict.LEAK, f"processes {left}")
    try:
        problem = broken(out, killed=way == "SIGKILL")
    except (OSError, ValueError, av.FFmpegError) as error:
        problem = f"{type(error).__name__}: {error}"
    if problem:
        return Outcome(Verdict.BROKEN, f"exit code {code}: {problem}")
    if code == 0:
        return Outcome(Verdict.RIGHT)
    names = [path.name for path in out.iterdir()] if out.exists() else []
    return Outcome(Verdict.HONEST if names else Verdict.SENTENCE, f"exit code {code}")


def broken(out: Path, killed: bool) -> str:
    """In words, what is wrong with the files that are left; who is killed may leave partial names."""
    for path in out.iterdir() if out.exists() else []:
        partial = ".partial." in path.name
        if path.suffix == ".mp4" and not (partial and path.stat().st_size < 2048):
            with av.open(str(path)) as container:
                if not any(True for _ in container.decode(video=0)) and not partial:
                    return f"{path.name} has no pictures"
        elif partial and killed:
            continue
        elif path.suffix == ".csv":
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))
            if any(len(row) != len(rows[0]) for row in rows):
                return f"{path.name} has lines of different length"
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".jsonl":
            for line in path.read_text(encoding="utf-8").splitlines():
                json.loads(line)
        elif path.suffix == ".html" and not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
            return f"{path.name} is not whole"
    return ""
