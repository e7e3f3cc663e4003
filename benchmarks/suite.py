"""The whole benchmark in one run: clips, stages, runs, models, alternatives, and ratios."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from emotion.benchmarks import machine, peers, runs
from emotion.benchmarks import models as alone
from emotion.benchmarks.clips import RATE, ClipSpec, make_clip
from emotion.benchmarks.models import Accuracy, Point
from emotion.benchmarks.options import BenchOptions
from emotion.benchmarks.peers import Crops, Peer
from emotion.benchmarks.runs import Run
from emotion.benchmarks.stages import measure_stages
from emotion.models.cores import available_cores
from emotion.models.engines.options import EngineOptions, model_folder_name
from emotion.models.engines.session import RegionModel
from emotion.models.errors import EmotionError
from emotion.models.manifest import LITE, ZOO, Precision, PrecisionChoice, regions_there, voting_regions
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.child_process import environment, python_command
from emotion.realtime.options import Options
from emotion.realtime.session import Models, Workers
from emotion.realtime.session.models import landmark_nets
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.faces import FaceFinder

FORMAT = 1
_STAGE_FRAMES = 120
MAIN = ClipSpec(640, 480, 1)
SIZES = ((640, 480), (1280, 720), (1920, 1080))
FACES = (1, 3, 8)
LOOP, BEST_LOOP, PIPELINE, INT8 = "loop, one thread", "loop, all threads", "pipeline", "pipeline, int8"
STANDARD, STANDARD_INT8 = "pipeline, standard", "pipeline, standard, int8"
# As in the loop and the bound: landmarks are detected in every frame.
EACH, EACH_OF_TWO = "pipeline, stride 1", "pipeline, two finders, stride 1"
TWO = "pipeline, two finders"
ANNOTATE, LIVE = "annotate (draws, writes H.264)", f"live, {RATE} pictures a second"


@dataclass(frozen=True, slots=True)
class Suite:
    """The settings of the benchmark.

    Attributes:
        clip: the bundled clip.
        options: of the benchmark.
        analysis: models and how they are run; the loop has one thread.
        fer_folder: of the environment with `fer`, created if needed.
        program: the module that the command imports; its time is part of the first result.
    """

    clip: Path
    options: BenchOptions = field(default_factory=BenchOptions)
    analysis: Options = field(default_factory=Options)
    fer_folder: Path | None = None
    program: str = "emotion.realtime.session"

    @property
    def quick(self) -> bool:
        """Within a minute: fewer frames, clips and settings."""
        return self.options.quick

    @property
    def engine(self) -> EngineOptions:
        """The options of the models and the engine."""
        return self.analysis.engine

    @property
    def threads(self) -> int:
        """Of each model on the CPU."""
        return 1 if self.engine.threads is None else self.engine.threads

    @property
    def workers(self) -> Workers:
        """Of the pipeline."""
        return Workers.of(self.analysis)

    @property
    def frames(self) -> int:
        """How many of each clip."""
        return 120 if self.quick else 300

    def rounds(self, spec: ClipSpec) -> int:
        """Interleaved repetitions of a clip's runs, of which the median is used; 1 if nothing is compared."""
        compared = spec.faces == 1 or (spec.width == MAIN.width and spec.faces == 3)
        return 3 if compared and not self.quick else 1

    def specs(self) -> list[ClipSpec]:
        """The clips, the main one first."""
        if self.quick:
            return [ClipSpec(640, 480, faces, self.frames) for faces in (1, 3)]
        return [
            ClipSpec(*size, faces, self.frames if faces == 1 else self.frames // 2)
            for size in SIZES
            for faces in FACES
        ]


def run_suite(suite: Suite, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Measure everything.

    Args:
        suite: the settings.
        say: called with a line before each part.

    Returns:
        The report, ready for JSON; `emotion.benchmarks.report` shows it.

    Raises:
        EmotionError: a model or library is missing.
    """
    with TemporaryDirectory() as folder:
        bench = _Bench(suite, Path(folder), say)
        clips = {spec.name: bench.clip(spec) for spec in suite.specs()}
        fresh = bench.fresh_processes()
        return {
            "format": FORMAT,
            "machine": machine.describe(bench.models(), model_folder_name(suite.engine.models)),
            "settings": {
                "workers": asdict(suite.workers),
                "threads": suite.threads,
                "quick": suite.quick,
            },
            "clips": clips,
            "sweep": [asdict(p) | {"crops_per_second": p.crops_per_second} for p in bench.sweep()],
            "accuracy": [asdict(row) for row in bench.accuracy()],
            "peers": [asdict(peer) | {"ratio": peer.ratio} for peer in bench.peers()],
            "first_result": fresh[MAIN.name],
            "annotate_mib": {clip: values["peak_mib"] for clip, values in fresh.items()},
            "ratios": ratios(clips),
        }


class _Bench:
    """One run of the suite: the loaded models and the generated clips."""

    def __init__(self, suite: Suite, folder: Path, say: Callable[[str], None]) -> None:
        self._suite = suite
        self._folder = folder
        self._say = say
        self._loaded: dict[tuple[str, int, Path], Models] = {}
        self._int8 = "int8" in alone.precisions(suite.engine.models, suite.engine.regions)
        # The two included folders are compared; a user's folder is not.
        fits = suite.engine.models == LITE and {*suite.engine.regions} <= {*regions_there(ZOO)}
        self._standard = ZOO if fits else None
        self._nets = landmark_nets(suite.engine)

    def models(
        self,
        precision: PrecisionChoice | None = None,
        threads: int | None = None,
        folder: Path | None = None,
    ) -> Models:
        """The models in a setting, by default that of the options; loaded once."""
        suite = self._suite
        key = (
            precision or suite.engine.precision,
            suite.threads if threads is None else threads,
            folder or suite.engine.models,
        )
        if key not in self._loaded:
            names = voting_regions(key[2], suite.engine.regions)
            chosen = tuple(self._region(region, *key) for region in names)
            for model in chosen:
                model.warm_up()
            self._loaded[key] = Models(chosen, VoteWeights.read(key[2], names), self._nets)
        return self._loaded[key]

    def clip(self, spec: ClipSpec) -> dict[str, Any]:
        """Stages and runs of one clip."""
        self._say(f"{spec.name}: stages")
        path = self._path(spec)
        frames = min(spec.frames, _STAGE_FRAMES)
        times = measure_stages(spec.name, path, self.models("fp32", 1), _most(spec), frames)
        self._say(f"{spec.name}: runs")
        return {
            "faces": spec.faces,
            "stages": [asdict(stage) for stage in times.stages],
            "bound_fps": times.bound(available_cores()),
            "runs": [_row(run) for run in self._runs(spec, path)],
        }

    def _runs(self, spec: ClipSpec, path: Path) -> list[Run]:
        most, frames, workers = _most(spec), spec.frames, self._suite.workers
        todo: list[Callable[[], Run]] = [
            lambda: runs.flat_out(PIPELINE, path, self.models("fp32"), most, frames, workers)
        ]
        if _is_main(spec):
            each = replace(workers, finders=1, stride=1)
            several = (
                (EACH, each),
                (EACH_OF_TWO, replace(each, finders=2)),
                (TWO, replace(workers, finders=2)),
            )
            todo += [partial(self._pipeline_run, name, spec, way, None, "fp32") for name, way in several]
        if self._int8:
            todo.append(partial(self._pipeline_run, INT8, spec, workers))
        if self._standard and spec.faces == 1:
            todo.append(partial(self._pipeline_run, STANDARD, spec, workers, self._standard, "fp32"))
        if self._standard and _is_main(spec):
            todo.append(partial(self._pipeline_run, STANDARD_INT8, spec, workers, self._standard))
        if spec.faces == 1:
            todo.append(lambda: runs.annotated(ANNOTATE, path, self.models(), most, frames, workers))
        if _is_main(spec):
            todo[:0] = [
                lambda: runs.sequential(LOOP, path, self.models("fp32", 1), most, frames),
                lambda: runs.sequential(BEST_LOOP, path, self.models("fp32", 0), most, frames),
            ]
        # Interleaved, so that a change of the machine's speed affects all of them.
        rounds = [[run() for run in todo] for _ in range(self._suite.rounds(spec))]
        done = [_median(results) for results in zip(*rounds, strict=True)]
        if spec.faces == 1:
            count = min(frames, 4 * RATE) if self._suite.quick else frames
            done.append(runs.paced(LIVE, path, self.models(), most, count, RATE))
        return done

    def _pipeline_run(
        self,
        name: str,
        spec: ClipSpec,
        workers: Workers,
        folder: Path | None = None,
        precision: Precision = "int8",
    ) -> Run:
        models = self.models(precision, folder=folder)
        return runs.flat_out(name, self._path(spec), models, _most(spec), spec.frames, workers)

    def sweep(self) -> list[Point]:
        """Batch sizes, threads and precisions of the models alone."""
        self._say("models alone")
        quick = self._suite.quick
        cores = available_cores()
        threads = (1,) if quick else tuple(dict.fromkeys((1, min(2, cores), cores)))
        batches = (1, 4) if quick else (1, 2, 4, 8, 16)
        engine = self._suite.engine
        return alone.sweep(engine.models, engine.provider, threads, batches, self._crops(), engine.regions)

    def accuracy(self) -> list[Accuracy]:
        """The accuracy of each precision; empty without a data set."""
        if self._suite.options.data is None:
            return []
        self._say("accuracy")
        folders = {"": self._suite.engine.models} | ({"standard, ": self._standard} if self._standard else {})
        return alone.accuracy(folders, self._suite.options.data, regions=self._suite.engine.regions)

    def peers(self) -> list[Peer]:
        """The requested alternatives."""
        options, crops = self._suite.options, self._crops()
        plain = self.models("fp32", 1)
        regions = {model.manifest.region: model for model in plain.regions}
        ours = peers.ours_per_face(regions, crops)
        found = []
        if "keras" in options.peers:
            self._say("Keras")
            found.append(peers.keras(crops, ours, options.keras_python))
        if "openvino" in options.peers:
            self._say("OpenVINO")
            files = {region: model.manifest.file for region, model in regions.items()}
            found.append(peers.openvino(self._suite.engine.models, files, crops, ours))
        if "fer" in options.peers:
            found += self._fer()
        return found

    def _fer(self) -> list[Peer]:
        """`fer`, against the options' arrangement."""
        self._say("fer")
        suite, path = self._suite, self._path(MAIN)
        plain = runs.flat_out(PIPELINE, path, self.models(), _most(MAIN), suite.frames, suite.workers)
        try:
            python = peers.make_fer(suite.fer_folder) if suite.fer_folder else None
        except (OSError, subprocess.CalledProcessError) as error:
            return [Peer("fer (PyPI)", "a frame", None, 1000 / plain.fps, f"could not be installed: {error}")]
        return [peers.fer(path, 1000 / plain.fps, python, 20 if suite.quick else 60)]

    def fresh_processes(self) -> dict[str, dict[str, Any]]:
        """The start-up time of a new process, and its memory, for each size of picture.

        This process's own memory says little: it holds what earlier runs needed.
        """
        self._say("first result and memory of fresh processes")
        return {spec.name: self._fresh_process(spec) for spec in self._suite.specs() if spec.faces == 1}

    def _fresh_process(self, spec: ClipSpec) -> dict[str, Any]:
        suite = self._suite
        what = (self._path(spec), suite.engine.models, suite.frames, suite.program)
        command = python_command("-m", "emotion.benchmarks.first_result", *map(str, what))
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
        if done.returncode:
            raise EmotionError(f"A fresh process could not be measured: {done.stderr.strip()[-300:]}")
        values: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return values

    def _region(self, region: str, precision: str, threads: int, folder: Path) -> RegionModel:
        provider = self._suite.engine.provider
        if precision == "auto":
            return RegionModel(folder, region, provider, threads, "auto")
        kind: Precision = "int8" if precision == "int8" else "fp32"
        return alone.load(folder, region, kind, provider, threads)

    def _path(self, spec: ClipSpec) -> Path:
        path = self._folder / f"{spec.width}x{spec.height}-{spec.faces}.mp4"
        if not path.exists():
            make_clip(self._suite.clip, path, replace(spec, frames=self._suite.frames))
        return path

    def _crops(self) -> Crops:
        """Real crops: of the main clip's first frames."""
        regions = self.models("fp32", 1).schema.regions
        finder = FaceFinder(1, regions=regions)
        try:
            with VideoFile(self._path(MAIN)) as video:
                found = [finder.process([frame]) for _, frame in zip(range(48), video, strict=False)]
        finally:
            finder.close()
        faces = [face for items in found for item in items for face in item.faces]
        return {
            name: np.stack([face.crops[index].image for face in faces])
            for index, name in enumerate(regions.names)
        }


def ratios(clips: dict[str, Any]) -> dict[str, float]:
    """The target figures, as far as this run has the data."""
    main = clips[MAIN.name]
    fps = {run["name"]: run["fps"] for run in main["runs"]}
    found = {
        "pipeline to the bound": fps[PIPELINE] / main["bound_fps"],
        "pipeline to the loop with one thread": fps[PIPELINE] / fps[LOOP],
        "pipeline to the best loop": fps[PIPELINE] / max(fps[LOOP], fps[BEST_LOOP]),
    }
    found |= {f"{name}: to the bound": fps[name] / main["bound_fps"] for name in (EACH, EACH_OF_TWO)}
    found[f"{EACH_OF_TWO}: to the loop with one thread"] = fps[EACH_OF_TWO] / fps[LOOP]
    if INT8 in fps:
        found["int8 to fp32, both pipelines"] = fps[INT8] / fps[PIPELINE]
    if STANDARD in fps:
        found["these models to standard, both pipelines, fp32"] = fps[PIPELINE] / fps[STANDARD]
    for words, count in (("three faces", 3), ("eight faces", 8)):
        if several := clips.get(ClipSpec(640, 480, count).name):
            found[f"cost of {words} to one"] = fps[PIPELINE] / _fps(several, PIPELINE)
    for width, height in SIZES:
        if clip := clips.get(ClipSpec(width, height, 1).name):
            found[f"annotate {width}x{height} to real time at 30 fps"] = _fps(clip, ANNOTATE) / 30
    return found


def _fps(clip: dict[str, Any], name: str) -> float:
    return float(next(run["fps"] for run in clip["runs"] if run["name"] == name))


def _most(spec: ClipSpec) -> int:
    return max(4, spec.faces)


def _is_main(spec: ClipSpec) -> bool:
    return spec.name == MAIN.name


def _median(results: Sequence[Run]) -> Run:
    return sorted(results, key=lambda run: run.fps)[len(results) // 2]


def _row(run: Run) -> dict[str, Any]:
    return asdict(run) | {"fps": run.fps}
