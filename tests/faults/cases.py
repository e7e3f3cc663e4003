"""One case each: a damaged file annotated in this process, and what came of it."""

import gc
import os
import shutil
import threading
import traceback
from functools import cache
from pathlib import Path
from random import Random

import av
import psutil

from emotion.models.errors import EmotionError
from emotion.realtime.errors import IncompleteSourceError
from emotion.realtime.session.policies import EveryFrame
from emotion.videos import Outputs, annotate
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.faults.clips import KINDS, whole
from tests.faults.spoils import SPOILS
from tests.faults.verdicts import Outcome, Verdict, of_results

FORMATS = ("mp4", "csv")
# These may be recorded from anywhere on, so nothing tells that a beginning is missing.
STREAMS = ("ts", "h264", "mpg")


def describe(number: int, seed: int) -> tuple[str, str, Random]:
    """Container, way of damage and generator of a case: all containers and ways come equally often."""
    kinds, spoils = list(KINDS), list(SPOILS)
    kind = kinds[number % len(kinds)]
    spoil = spoils[number // len(kinds) % len(spoils)]
    return kind, spoil, Random(f"{seed} {number}")


def spoilt(number: int, seed: int, folder: Path) -> Path:
    """The damaged file of a case; the whole ones are kept beside it and made once."""
    kind, spoil, random = describe(number, seed)
    suffix = KINDS[kind].suffix
    origin = _whole_path(kind, folder)
    if not origin.exists():
        draft = origin.with_name(f"{os.getpid()}-{origin.name}")
        whole(KINDS[kind], draft).replace(origin)
    path = folder / f"case-{number}.{suffix}"
    path.write_bytes(SPOILS[spoil](random, origin.read_bytes()))
    return path


@cache
def _frames(whole_file: Path) -> int:
    with av.open(str(whole_file)) as container:
        return sum(1 for _ in container.decode(video=0))


def _expected(number: int, seed: int, folder: Path) -> int:
    """How many frames there should be; of a stream whose beginning is missing nothing says how many."""
    kind, spoil, _ = describe(number, seed)
    if spoil == "beginning" and kind in STREAMS:
        return 0
    return _frames(_whole_path(kind, folder))


def _whole_path(kind: str, folder: Path) -> Path:
    return folder / f"{kind.replace(', ', '-')}.{KINDS[kind].suffix}"


class NoModels:
    """Lets videos be annotated by stages that find nobody, while it lasts."""

    def __enter__(self):
        self._stages, EveryFrame.stages = EveryFrame.stages, lambda self, models, options: [NoFaces()]

    def __exit__(self, *_):
        EveryFrame.stages = self._stages


def judged(number: int, seed: int, folder: Path) -> Outcome:
    """Annotate a case's file without models, and judge what came of it."""
    path = spoilt(number, seed, folder)
    out = folder / f"out-{number}"
    before = _held()
    try:
        outcome = _annotated(path, out, _expected(number, seed, folder))
    finally:
        shutil.rmtree(out, ignore_errors=True)
        path.unlink()
    if outcome.verdict not in (Verdict.TRACEBACK, Verdict.BROKEN):
        left = _held() - before
        if left:  # the collector is slow, and seldom needed
            gc.collect()
            left = _held() - before
        if left:
            return Outcome(Verdict.LEAK, ", ".join(sorted(left)))
    return outcome


def _annotated(path: Path, out: Path, expected: int) -> Outcome:
    error: Exception | None = None
    try:
        with NoModels():
            annotate(path, Outputs.of(path, out, FORMATS), NO_MODELS)
    except IncompleteSourceError as caught:
        error = caught
    except EmotionError as caught:
        sentence = str(caught)
        is_one = sentence and "\n" not in sentence
        return Outcome(Verdict.SENTENCE if is_one else Verdict.BROKEN, sentence)
    except BaseException:
        return Outcome(Verdict.TRACEBACK, traceback.format_exc(limit=-4))
    try:
        return of_results(out, expected, error)
    except Exception:
        return Outcome(Verdict.BROKEN, traceback.format_exc(limit=-3))


def _held() -> set[str]:
    """Threads and open files of this process."""
    files = {f"file {file.path} {file.fd}" for file in psutil.Process().open_files()}
    return files | {f"thread {thread.name} {thread.ident}" for thread in threading.enumerate()}
