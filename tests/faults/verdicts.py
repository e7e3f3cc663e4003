"""What came of a damaged file: whether a user would be content with it."""

import csv
import json
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import av


class Verdict(StrEnum):
    """The columns of the table; `FORBIDDEN` must stay empty."""

    RIGHT = "right result"
    HONEST = "honest partial result"
    SENTENCE = "one sentence"
    TRACEBACK = "traceback"
    CRASH = "native crash"
    HANG = "hang"
    SILENT = "silent loss"
    BROKEN = "broken result"
    LEAK = "leak"


FORBIDDEN = (Verdict.TRACEBACK, Verdict.CRASH, Verdict.HANG, Verdict.SILENT, Verdict.BROKEN, Verdict.LEAK)

# The last picture of a stream can be gone without that anything in the file shows it.
_UNSEEN = 1


@dataclass(frozen=True)
class Outcome:
    """A verdict and, for people, what it rests on."""

    verdict: Verdict
    why: str = ""


def of_results(folder: Path, expected: int, error: Exception | None) -> Outcome:
    """Judge a run that came to its end.

    Args:
        folder: the results.
        expected: how many frames the whole file has.
        error: what it said in the end, None where all seemed right to it.
    """
    (summary_path,) = folder.glob("*.summary.json")
    summary = json.loads(summary_path.read_text(encoding="utf-8"), parse_constant=_no_number)
    frames = summary["video"]["frames"]
    problem = _broken(folder, frames)
    if problem:
        return Outcome(Verdict.BROKEN, problem)
    if summary["complete"] is not (error is None):
        return Outcome(Verdict.BROKEN, f"complete is {summary['complete']} and the error {error}")
    if error is not None:
        return Outcome(Verdict.HONEST, str(error))
    if frames < expected - _UNSEEN and not summary["notes"]:
        return Outcome(Verdict.SILENT, f"{frames} of {expected} frames")
    return Outcome(Verdict.RIGHT, "; ".join(summary["notes"]))


def _broken(folder: Path, frames: int) -> str:
    if rest := [path.name for path in folder.iterdir() if ".partial." in path.name]:
        return f"partial files are left: {rest}"
    (table,) = folder.glob("*.csv")
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if [int(row["frame"]) for row in rows] != list(range(frames)):
        return f"the CSV has {len(rows)} rows for {frames} frames"
    seconds = [float(row["seconds"]) for row in rows]
    if any(after <= before for before, after in pairwise(seconds)):
        return "times do not grow"
    (video,) = folder.glob("*.annotated.mp4")
    with av.open(str(video)) as container:
        shown = sum(1 for _ in container.decode(video=0))
        heard = [frame.time for frame in container.decode(audio=0)] if container.streams.audio else []
    if shown != frames:
        return f"the mp4 has {shown} of {frames} frames"
    if heard and heard[-1] - heard[0] > 2 * (seconds[-1] - seconds[0]) + 20:
        return f"the sound lasts until {heard[-1]:.0f} s, the pictures until {seconds[-1]:.0f} s"
    return ""


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
