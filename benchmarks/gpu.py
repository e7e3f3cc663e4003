"""All measurements on a machine with a GPU, on one page::

    python -m emotion.benchmarks.gpu [--provider cuda] [--out gpu.md]

It runs the tests that need a GPU, checks that the models and the landmark nets give the same outputs there as
on the CPU, and measures whole runs with one, three and eight faces. `benchmarks/gpu.sh` sets up a bare
machine first. With ``--provider cpu`` it can be tried without a GPU.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer

from emotion.benchmarks import machine, runs
from emotion.benchmarks.clips import ClipSpec, make_clip
from emotion.models.atomic_files import write_atomically
from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.providers import NetOptions, ProviderName
from emotion.models.errors import EmotionError
from emotion.models.faces.onnx_landmarker import OnnxLandmarker
from emotion.models.faces.picture import Landmarks, Picture
from emotion.models.manifest import DEFAULT, LITE, ZOO
from emotion.models.regions import eye_distance
from emotion.realtime.child_process import environment, python_command
from emotion.realtime.session import Models, Workers
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.faces import FaceFinder

FACES = (1, 3, 8)
FOLDERS = {"lite": LITE, "standard": ZOO}
# So far apart shares may be, and landmarks in distances between the eyes: a GPU rounds more coarsely.
_SHARES, _LANDMARKS = 0.02, 0.005
# Pictures in which both are compared.
_COMPARED = 24
# A batch of the nets, and so many turns.
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold.

    Attributes:
        what: in a few words.
        found: what was found.
        holds: whether that is as it should be.
    """

    what: str
    found: str
    holds: bool


def tests() -> Check:
    """The tests that need a GPU, in a process of their own."""
    command = python_command(
        "-m", "pytest", "-m", "gpu", "-q", "-n0", "-p", "no:cacheprovider", "tests/models"
    )
    root = Path(__file__).resolve().parents[1]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment(), cwd=root, timeout=150
        )
    except subprocess.TimeoutExpired:
        return Check("pytest -m gpu", "did not end within 150 s", False)
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    outcome = lines[-1].strip("= ") if lines else "nothing"
    return Check("pytest -m gpu", outcome, done.returncode == 0 and "passed" in outcome)


def same_votes(name: str, provider: ProviderName) -> Iterator[Check]:
    """Whether each region's model of a folder gives the same outputs on the provider as on the CPU."""
    ours, theirs = (
        Models.load(models=FOLDERS[name], provider=one, precision="fp32") for one in (provider, "cpu")
    )
    finder = FaceFinder(1, regions=theirs.schema.regions)
    try:
        with VideoFile(DEMO) as video:
            found = [
                one
                for _, frame in zip(range(_COMPARED), video, strict=False)
                for one in finder.process([frame])
            ]
    finally:
        finder.close()
    faces = [face for one in found for face in one.faces]
    for index, (one, other) in enumerate(zip(ours.regions, theirs.regions, strict=True)):
        crops = [face.crops[index].image for face in faces]
        outputs, expected = one(crops), other(crops)
        away = float(np.abs(outputs - expected).max())
        same = float((outputs.argmax(axis=1) == expected.argmax(axis=1)).mean())
        what = f"{name}, {one.manifest.region}: shares on {one.choice}"
        yield Check(what, f"at most {away:.4f} away, the same emotion in {same:.0%}", away < _SHARES)


def same_landmarks(provider: ProviderName) -> Check:
    """Whether the landmark nets see on the provider what they see on the CPU."""
    with VideoFile(DEMO) as video:
        pictures = [Picture.of_rgb(frame.rgb()) for _, frame in zip(range(_COMPARED), video, strict=False)]

    def seen(name: ProviderName) -> list[Landmarks]:
        nets = LandmarkNets.load(NetOptions(name, 1, max_batch=_BATCH))
        return [face for found in OnnxLandmarker(nets, 1).detect_all(pictures) for face in found]

    ours, theirs = seen(provider), seen("cpu")
    if len(ours) != len(theirs):
        return Check("landmark nets", f"{len(ours)} faces in place of {len(theirs)}", False)
    away = max(
        float(np.linalg.norm(one.points - other.points, axis=1).mean()) / eye_distance(other.points)
        for one, other in zip(ours, theirs, strict=True)
    )
    return Check(
        "landmark nets", f"at most {away:.2%} of the distance between the eyes away", away < _LANDMARKS
    )


def speeds(provider: ProviderName, frames: int) -> Iterator[dict[str, Any]]:
    """Whole runs: by number of faces, models, and what finds the faces."""
    with TemporaryDirectory() as folder:
        for name, path in FOLDERS.items():
            for landmarks in ("onnx", "mediapipe"):
                models = Models.load(models=path, provider=provider, landmarks=landmarks)
                workers = Workers(finders=_BATCH if landmarks == "onnx" else 2)
                for faces in FACES:
                    count = frames if faces == 1 else frames // 2
                    clip = Path(folder) / f"{faces}.mp4"
                    if not clip.exists():
                        make_clip(DEMO, clip, ClipSpec(faces=faces, frames=frames))
                    title = f"{name}, faces by {landmarks}"
                    # The first pictures of each size of batch are recorded on a GPU.
                    runs.flat_out(title, clip, models, max(4, faces), min(count, 32), workers)
                    run = runs.flat_out(title, clip, models, max(4, faces), count, workers)
                    yield asdict(run) | {"fps": run.fps, "faces": faces}


def page(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    head = report["machine"]
    lines = [
        f"# emotion-live on {head['gpu'] or 'a machine without a GPU'}",
        "",
        f"{head['processor']}, {head['cores']} cores; {head['system']}, Python {head['python']}; "
        + ", ".join(f"{name} {version}" for name, version in head["versions"].items())
        + f". The models run on {head['provider']}. All of it took {report['seconds']:.0f} s.",
        "",
        "| what | found | |",
        "|---|---|---|",
        *(
            f"| {one['what']} | {one['found']} | {'holds' if one['holds'] else '**no**'} |"
            for one in report["checks"]
        ),
        "",
        "| 640x480 | faces | frames a second | cores busy |",
        "|---|---|---|---|",
        *(
            f"| {one['name']} | {one['faces']} | {one['fps']:.0f} | {one['cores']:.1f} |"
            for one in report["runs"]
        ),
    ]
    return "\n".join(lines) + "\n"


def measure(
    provider: ProviderName, frames: int, with_tests: bool, say: Callable[[str], object]
) -> dict[str, Any]:
    """Run everything; failures are reported and do not stop the rest."""
    begun = time.monotonic()
    models = Models.load(provider=provider)
    checks: list[Check] = []
    steps: list[tuple[str, Callable[[], Iterable[Check]]]] = [
        *((f"votes of {name}", lambda name=name: same_votes(name, provider)) for name in FOLDERS),
        ("landmarks", lambda: [same_landmarks(provider)]),
    ]
    if with_tests:
        steps.insert(0, ("tests", lambda: [tests()]))
    for title, step in steps:
        say(title)
        try:
            checks += step()
        except EmotionError as error:
            checks.append(Check(title, str(error), False))
    say("speed")
    found = []
    for run in speeds(provider, frames):
        say(f"{run['name']}, faces: {run['faces']}: {run['fps']:.0f} frames a second")
        found.append(run)
    return {
        "machine": machine.describe(models, DEFAULT.name),
        "checks": [asdict(check) for check in checks],
        "runs": found,
        "seconds": time.monotonic() - begun,
    }


def main(
    provider: Annotated[
        str, typer.Option(help="ONNX Runtime execution provider; cpu for a trial run.")
    ] = "cuda",
    frames: Annotated[int, typer.Option(help="Number of frames of each run with one face.")] = 600,
    tests: Annotated[bool, typer.Option(help="Run the tests that need a GPU first.")] = True,
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("gpu.md"),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this JSON file.")
    ] = None,
) -> None:
    """Test, compare and measure on a GPU; exits with 1 where something does not hold."""
    report = measure(provider, frames, tests, typer.echo)  # type: ignore[arg-type]
    write_atomically(out, page(report))
    if json_file is not None:
        write_atomically(json_file, json.dumps(report, indent=2) + "\n")
    typer.echo(f"\n{page(report)}\nWritten to {out}")
    raise typer.Exit(0 if all(check["holds"] for check in report["checks"]) else 1)


if __name__ == "__main__":
    typer.run(main)
