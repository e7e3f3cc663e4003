"""The program as users leave it running, with what happens to it meanwhile, and what it holds.

    python -m tests.faults.soak                    half an hour
    python -m tests.faults.soak --minutes 480      a night
    python -m tests.faults.soak --part live        one of the two: live, page

`live` watches and records a camera of the network with three faces, which is lost, stalls, changes its size
and sends damaged pictures at random (`shaky_camera.py`). `page` is `emotion serve` with waves of twenty
videos, of which some are damaged, cancelled or deleted, and four cameras that come and go (`page_soak.py`).

What each holds when the first five minutes are over is compared with what it holds in the end: memory
within 2%, and no thread, open file or child process more. What was recorded has to be whole.
Prints a table; the exit code is 0 where all is right.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from emotion.realtime.child_process import environment, python_command
from tests.faults.held import SETTLING, Soaked, Watch, course, grown, stretch, typical
from tests.faults.killed import broken
from tests.faults.page_soak import page
from tests.faults.shaky_camera import ShakyCamera
from tests.helpers.signals import usual_signals

_FPS = 6.0
_FORMATS = ("mp4", "csv", "jsonl", "srt", "html", "parquet")
_PATIENCE = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=("live", "page"))
    chosen = parser.parse_args()
    parts: dict[str, Callable[[float, int, Path], Soaked]] = {"live": live, "page": page}
    found: list[Soaked] = []
    with tempfile.TemporaryDirectory() as folder, usual_signals():
        threads = [
            threading.Thread(
                target=lambda work=work, name=name: found.append(  # type: ignore[misc]
                    work(60 * chosen.minutes, chosen.seed, Path(folder, name))
                )
            )
            for name, work in parts.items()
            if chosen.part in (None, name)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(table(found, chosen.minutes))  # noqa: T201
    return int(len(found) < len(threads) or any(one.wrong for one in found))


def table(found: list[Soaked], minutes: float) -> str:
    """What was held, in Markdown."""
    lines = [
        f"| {minutes:g} minutes of | memory, MiB | threads | open files | children | what happened |",
        "|---|---|---|---|---|---|",
    ]
    for one in sorted(found, key=lambda one: one.part):
        before, after = one.before, one.after
        cells = [
            f"{before.mib:.0f} to {after.mib:.0f} ({after.mib / before.mib - 1:+.1%})",
            f"{before.threads} to {after.threads}",
            f"{before.files} to {after.files}",
            f"{before.children} to {after.children}",
        ]
        lines.append(f"| {one.part} | {' | '.join(cells)} | {one.happened} |")
    return "\n".join([*lines, "", *(f"{one.part}: {wrong}" for one in found for wrong in one.wrong)])


def live(seconds: float, seed: int, folder: Path) -> Soaked:
    """`emotion live` beside a camera in trouble."""
    folder.mkdir()
    files = [folder / f"recorded.{ending}" for ending in _FORMATS]
    with ShakyCamera(seed, _FPS) as camera, open(folder / "said", "w+b") as said:
        command = python_command("-m", "emotion", "live", camera.address, "--no-window", "--models", "lite")
        for file in files:
            command += ("-o", str(file))
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment())
        with Watch(process.pid) as watch:
            ended = _ended(process, seconds)
        if not ended:
            process.send_signal(signal.SIGINT)
        code = _end_of(process)
        said.seek(0)
        text = said.read().decode(errors="replace")
    part = min(SETTLING, seconds / 4)
    last = watch.found[-1].at - watch.found[0].at
    before = typical(stretch(watch.found, part, 2 * part))
    after = typical(stretch(watch.found, last - part, last + 1))
    wrong = [f"ended by itself with exit code {code}: {text[-500:]}"] if ended else grown(before, after)
    wrong += [f"exit code {code}"] if not ended and code != 0 else []
    wrong += [f"said {text[-1000:]}"] if "Traceback" in text else []
    wrong += _records(folder, files)
    troubles = ", ".join(f"{count} times {name}" for name, count in sorted(camera.had.items()))
    shown = text.strip().splitlines()[-len(files) - 1]
    happened = f"{troubles}; {shown}; {course(watch.found, part)}"
    return Soaked("live", before, after, happened, wrong)


def _ended(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Let it run; whether it ended by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_of(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _records(folder: Path, files: list[Path]) -> list[str]:
    wrong = [f"{file.name} is not there" for file in files if not file.exists()]
    wrong += [f"{path.name} is left" for path in folder.iterdir() if ".partial" in path.name]
    return wrong + ([problem] if (problem := broken(folder, killed=False)) else [])


if __name__ == "__main__":
    begin = time.monotonic()
    code = main()
    print(f"{time.monotonic() - begin:.0f} s")  # noqa: T201
    sys.exit(code)
