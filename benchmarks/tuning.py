"""The best thread and worker counts of a machine: measured, and stored."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from emotion.benchmarks import machine, runs
from emotion.models.atomic_files import write_atomically
from emotion.models.cores import available_cores
from emotion.models.engines.options import EngineOptions
from emotion.models.engines.session import engine_version
from emotion.models.user_folders import user_folder
from emotion.realtime.options import Options
from emotion.realtime.session import Models, Workers

FORMAT = 2
# The minimum speed-up for a setting with more threads.
_CLEARLY = 1.03


@dataclass(frozen=True, slots=True)
class Setting:
    """The tuned settings. Results do not depend on them beyond rounding, except for `finders`: see `Workers`.

    Attributes:
        classifiers: workers that run the models.
        threads: of each run on the CPU.
        batch: the most frames at once.
        finders: that follow faces in parallel.
    """

    classifiers: int
    threads: int
    batch: int
    finders: int = 1

    @property
    def workers(self) -> Workers:
        """The same for the pipeline."""
        return Workers(self.classifiers, self.finders, self.batch)

    @property
    def all_threads(self) -> int:
        """The maximum number of busy threads."""
        return self.classifiers * self.threads + self.finders

    def __str__(self) -> str:
        return (
            f"{self.finders} for faces, {self.classifiers} for the models (threads of each: {self.threads}), "
            f"batches up to {self.batch}"
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting and its speed."""

    setting: Setting
    fps: float


def settings(cores: int) -> Iterator[Setting]:
    """The settings to try, fewest threads first, with not many more threads than cores."""
    for threads in dict.fromkeys((1, 2, cores)):
        for classifiers in dict.fromkeys((1, 2, min(cores, 4), min(cores, 8))):
            if threads * classifiers <= max(2 * cores, 2):
                for batch in (1, 4, 8):
                    yield Setting(classifiers, threads, batch)
    if cores > 1:
        yield from (Setting(classifiers, 1, 8, finders=2) for classifiers in (1, 2))


def tune(
    clip: Path,
    engine: EngineOptions,
    frames: int = 150,
    say: Callable[[str], None] = lambda line: None,
) -> list[Trial]:
    """Try all settings on a clip; the best come first.

    Each is run twice, the second time in reverse order, and its better time is used, so that a change of
    the machine's speed does not decide.

    Args:
        clip: the video.
        engine: models and provider; its threads are varied.
        frames: of each run.
        say: called with a line on each trial.
    """
    candidates = list(settings(available_cores()))
    best: dict[Setting, float] = {}
    loaded: dict[int, Models] = {}
    for setting in [*candidates, *reversed(candidates)]:
        if setting.threads not in loaded:
            loaded[setting.threads] = Models.load(engine, threads=setting.threads)
        run = runs.flat_out("trial", clip, loaded[setting.threads], 4, frames, setting.workers)
        best[setting] = max(best.get(setting, 0.0), run.fps)
        say(f"{setting}: {run.fps:.1f} frames a second")
    return sorted((Trial(*item) for item in best.items()), key=lambda trial: -trial.fps)


def choose(trials: list[Trial]) -> Trial:
    """The fastest, or one with fewer threads that is as fast within three per cent."""
    fastest = max(trial.fps for trial in trials)
    enough = [trial for trial in trials if trial.fps * _CLEARLY >= fastest]
    return min(enough, key=lambda t: (t.setting.all_threads, t.setting.batch, -t.fps))


def remember(path: Path, chosen: Trial, engine: EngineOptions) -> None:
    """Store a setting for this machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"format": FORMAT, "fps": round(chosen.fps, 1)} | asdict(chosen.setting)
    values |= _where(engine)
    write_atomically(path, json.dumps(values, indent=2) + "\n")


def recall(path: Path, engine: EngineOptions) -> Setting | None:
    """The stored setting of this machine for these models' engine; None if there is none."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        current = {"format": FORMAT, **_where(engine)}
        if any(values[key] != wanted for key, wanted in current.items()):
            return None
        setting = Setting(*(int(values[one.name]) for one in fields(Setting)))
        return setting if setting.workers and setting.threads > 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def tuning_path() -> Path:
    """The file in which ``emotion bench --tune`` stores its result."""
    return user_folder("config") / "tuning.json"


def tuned(options: Options) -> Options:
    """The options with the stored setting, unless threads, workers or finders are given."""
    engine, faces = options.engine, options.faces
    if (engine.threads, engine.workers, faces.finders) != (None, None, None):
        return options
    found = recall(tuning_path(), engine)
    if found is None:
        return options
    return replace(
        options,
        engine=replace(engine, threads=found.threads, workers=found.classifiers, batch=found.batch),
        faces=replace(faces, finders=found.finders),
    )


def _where(engine: EngineOptions) -> dict[str, Any]:
    """The values whose change invalidates a setting."""
    return {
        "provider": engine.provider,
        "precision": engine.precision,
        "processor": machine.processor(),
        "cores": available_cores(),
        "onnxruntime": engine_version(),
    }
