"""What is asked for costs: processor time of head pose, and of photographs beside what their stages take.

    python -m tests.asked_for PHOTOGRAPHS

The bundled clip is read with and without `--columns pose` in turns; the photographs of a folder go through
the stages one after the other, and through `annotate_photographs`. Processor seconds, models lite.
"""

import sys
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
from emotion.realtime.session import EachAlone, Models
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.photographs import Photographs, read_picture

_ROUNDS, _FRAMES = 4, 150


def main() -> None:
    """Print both."""
    readers = {"plain": Recognizer("lite"), "pose": Recognizer("lite", columns=("pose",))}
    for number in range(_ROUNDS):
        seconds = {name: _spent(partial(_read, reader)) for name, reader in readers.items()}
        if number:  # the first warms up
            cost = 1000 * (seconds["pose"] - seconds["plain"]) / _FRAMES
            print(f"{seconds}: pose {cost:+.2f} ms a frame with one face")  # noqa: T201
    options = with_values(Options(), {"models": "lite"})
    models = load_models(options.engine)
    photographs = find_inputs(sys.argv[1:])
    for number in range(_ROUNDS):
        alone = _spent(partial(_stages, photographs, models, options))
        whole = _spent(partial(_annotate, photographs, models, options))
        if number:
            print(f"stages {alone:.2f} s, whole {whole:.2f} s: {alone / whole:.2f}")  # noqa: T201


def _spent(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _read(reader: Recognizer) -> None:
    with reader.stream(str(DEMO)) as results:
        for _ in islice(results, _FRAMES):
            pass


def _stages(photographs: Sequence[Input], models: Models, options: Options) -> None:
    source = Photographs([partial(read_picture, one.path) for one in photographs], lambda place, error: None)
    items: list[Any] = list(source)
    made: list[Any] = list(EachAlone(1).stages(models, options))
    for several in made:
        stage = several[0] if isinstance(several, list) else several
        batch = getattr(stage, "batch", 1)
        items = [item for at in range(0, len(items), batch) for item in stage.process(items[at : at + batch])]
        stage.close()


def _annotate(photographs: Sequence[Input], models: Models, options: Options) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outputs = PhotographOutputs.of(photographs, Path(folder), ("csv",))
        annotate_photographs(photographs, outputs, models, options)


if __name__ == "__main__":
    main()
