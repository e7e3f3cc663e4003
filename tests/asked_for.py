"""What is asked for costs: processor time of head pose, and of photographs beside what their stages take.

    python -m tests.asked_for PHOTOGRAPHS

The bundled clip is read with and without `--columns pose` in turns. The photographs of a folder go through
the stages one after the other in one thread, and through `annotate_photographs` with a CSV, a part of them by
turns; what is built for a run and the first few of each part are left out. Processor seconds, models lite.
With `taskset -c 0` processor time and speed are the same.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from emotion import Recognizer
from emotion.inputs import Input, find_inputs
from emotion.loading import load_models
from emotion.models.options import with_values
from emotion.photographs import PhotographOutputs, annotate_photographs
from emotion.realtime.options import Options
from emotion.realtime.session import EachPicture, Models
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.photographs import Photographs, read_picture

_ROUNDS, _FRAMES = 4, 150
# Left out of each part: nets are warmed up, and so many are under way when the first is done.
_FIRST = 10


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", nargs="+")
    parser.add_argument("--part", type=int, default=60, help="photographs a turn")
    parser.add_argument("--without-pose", action="store_true")
    chosen = parser.parse_args()
    if not chosen.without_pose:
        _pose()
    options = with_values(Options(), {"models": "lite"})
    models = load_models(options.engine)
    photographs = find_inputs(chosen.photographs, recursive=True)
    shares: list[float] = []
    for begin in range(0, len(photographs) - chosen.part + 1, chosen.part):
        part = photographs[begin : begin + chosen.part]
        ways = {"stages": _stages, "whole": _annotate}
        order = list(ways) if len(shares) % 2 else list(reversed(ways))
        spent = {name: ways[name](part, models, options) for name in order}
        shares.append(spent["stages"] / spent["whole"])
        reported = ", ".join(f"{name} {1000 * spent[name]:.1f} ms" for name in ways)
        print(f"{reported} a photograph: {shares[-1]:.2f}")  # noqa: T201
    print(f"in the middle: {statistics.median(shares):.2f}")  # noqa: T201


def _pose() -> None:
    readers = {"plain": Recognizer("lite"), "pose": Recognizer("lite", columns=("pose",))}
    for number in range(_ROUNDS):
        seconds = {name: _spent(partial(_read, reader)) for name, reader in readers.items()}
        if number:  # the first warms up
            cost = 1000 * (seconds["pose"] - seconds["plain"]) / _FRAMES
            print(f"{seconds}: pose {cost:+.2f} ms a frame with one face")  # noqa: T201


def _spent(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _read(reader: Recognizer) -> None:
    with reader.stream(str(DEMO)) as results:
        for _ in islice(results, _FRAMES):
            pass


def _stages(photographs: Sequence[Input], models: Models, options: Options) -> float:
    """Processor seconds a photograph of the stages, one after the other."""
    made: list[Any] = [
        step[0] if isinstance(step, list) else step for step in EachPicture(1).stages(models, options)
    ]
    try:
        _through(made, photographs[:_FIRST])
        return _spent(partial(_through, made, photographs[_FIRST:])) / len(photographs[_FIRST:])
    finally:
        for stage in made:
            stage.close()


def _through(stages: Sequence[Any], photographs: Sequence[Input]) -> None:
    readers = [partial(read_picture, one.path) for one in photographs]
    items: list[Any] = list(Photographs(readers, lambda place, error: None))
    for stage in stages:
        batch = getattr(stage, "batch", 1)
        items = [item for at in range(0, len(items), batch) for item in stage.process(items[at : at + batch])]


def _annotate(photographs: Sequence[Input], models: Models, options: Options) -> float:
    """Processor seconds a photograph of the whole."""
    marks: dict[int, float] = {}

    def mark(done: int, total: int) -> None:
        marks[done] = time.process_time()

    with tempfile.TemporaryDirectory() as folder:
        outputs = PhotographOutputs.of(photographs, Path(folder), ("csv",))
        annotate_photographs(photographs, outputs, models, options, mark)
    return (marks[len(photographs)] - marks[_FIRST]) / (len(photographs) - _FIRST)


if __name__ == "__main__":
    main()
