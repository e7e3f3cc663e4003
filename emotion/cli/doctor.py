"""The command `emotion doctor`: checks the requirements of the program, and explains how to repair them.

Nothing heavy is imported before its check, so that it works also if a library cannot be loaded.
"""

import ctypes
import platform
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from emotion.cli.console import console
from emotion.models.cores import available_cores
from emotion.models.errors import SYSTEM_LIBRARIES, EmotionError, machine_advice
from emotion.models.installing import AGAIN, advice_on, is_partly_removed, needs_runtime, pip_install
from emotion.models.words import counted

if TYPE_CHECKING:
    from emotion.models.regions import Image

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion doctor    what works, and how to repair the rest
"""

_NAME = "emotion-live"
_PYTHONS = (3, 11), (3, 13)
_GIGABYTE = 10**9
# Each pair, or more of them, own the same folder; whichever came last has overwritten the others.
_RIVALS = (
    ("opencv-contrib-python", "opencv-python", "opencv-python-headless", "opencv-contrib-python-headless"),
    ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"),
)
_SHARED_OBJECTS = ("libEGL.so.1", "libGLESv2.so.2", "libGL.so.1", "libglib-2.0.so.0")
# What runs the models is one of the libraries, and those are for developers.
_NO_EXTRAS = {"", "cpu", "gpu", "dev", "docs", "mutation", "release"}


class Trouble(Exception):  # noqa: N818  what was found, not a failure of the program
    """Something does not work here: what was found, and what to do."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(found)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to try out.

    Attributes:
        part: what it is called.
        look: tries it; returns what was found, or raises.
        needed: whether `emotion annotate` needs it.
    """

    part: str
    look: Callable[[], str]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check; `advice` is empty if it passed."""

    part: str
    works: bool
    needed: bool
    found: str
    advice: str = ""


@app.command(epilog=EXAMPLES)
def doctor() -> None:
    """Test everything that the program needs on this machine, and say how to repair what does not work."""
    findings = []
    for check in CHECKS:
        findings.append(examine(check))
        _say(findings[-1])
    broken = [finding.part for finding in findings if finding.needed and not finding.works]
    if broken:
        console.print(f"\n'emotion annotate' does not work here yet: {', '.join(broken)}.")
        raise typer.Exit(5)
    console.print("\n'emotion annotate' works here.")


def examine(check: Check) -> Finding:
    """Try one thing out; whatever happens becomes a finding."""
    try:
        return Finding(check.part, True, check.needed, check.look())
    except Trouble as trouble:
        found, advice = str(trouble), trouble.advice
    except EmotionError as error:  # has its own advice
        found, _, advice = str(error).partition(". ")
    except (ImportError, OSError) as error:
        known = isinstance(error, ImportError) or ".so" in str(error) or machine_advice(error)
        found, advice = str(error), advice_on(error) if known else AGAIN
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        advice = advice_on(error) if is_partly_removed(error) else AGAIN
    return Finding(check.part, False, check.needed, found, advice)


def _say(finding: Finding) -> None:
    console.print(_row(finding), soft_wrap=False)
    if finding.advice:
        # One line however long it is: a command with a line end in it cannot be copied.
        console.print(f"{' ' * 20}-> {finding.advice}")


def _row(finding: Finding) -> Table:
    mark, style = ("ok", "green") if finding.works else ("NO", "red") if finding.needed else ("--", "yellow")
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2, style=style)
    grid.add_column(width=16)
    grid.add_column(overflow="fold")
    grid.add_row(mark, finding.part, finding.found)
    return grid


def _python() -> str:
    low, high = _PYTHONS
    running = platform.python_version()
    found = f"{running}, {platform.system()} {platform.machine()}, {_cores()}"
    if not low <= sys.version_info[:2] <= high or sys.maxsize < 2**32:
        raise Trouble(found, f"Install Python {low[0]}.{low[1]} to {high[0]}.{high[1]}, 64 bits.")
    return found


def _cores() -> str:
    return counted(available_cores(), "core")


def _libraries() -> str:
    for rivals in _RIVALS:
        there = [name for name in rivals if _version(name)]
        if len(there) > 1:
            raise Trouble(
                f"{' and '.join(there)} overwrite one another",
                f"Uninstall them all, then install {there[0]} alone.",
            )
    wanted = requirements().get("", [])
    # The main function does not need MediaPipe, which has its own check.
    missing = [name for name in wanted if name != "mediapipe" and not _version(name)]
    if missing:
        raise Trouble(f"not installed: {', '.join(missing)}", AGAIN)
    if not any(_version(name) for name in _RIVALS[1]):
        raise Trouble("ONNX Runtime is not installed", needs_runtime())
    engines = [name for name in _RIVALS[1] if _version(name)]
    shown = ("mediapipe", "opencv-contrib-python", "av", "numpy", *engines)
    return f"{_NAME} {version(_NAME)}, " + ", ".join(
        f"{name} {_version(name) or 'is missing'}" for name in shown
    )


def requirements() -> dict[str, list[str]]:
    """What the program's metadata ask for, by extra; "" is what it always needs."""
    found = defaultdict(list)
    for line in requires(_NAME) or []:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        if name:
            found[extra[1] if extra else ""].append(name[0])
    return dict(found)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _system_libraries() -> str:
    if platform.system() != "Linux":
        return "come with the system"
    missing = [name for name in _SHARED_OBJECTS if not _loads(name)]
    if missing:
        raise Trouble(f"{', '.join(missing)} cannot be loaded", SYSTEM_LIBRARIES)
    return ", ".join(_SHARED_OBJECTS)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _video() -> str:
    import av  # noqa: PLC0415

    height, width = _demo_picture().shape[:2]
    return f"PyAV {av.__version__} decodes the bundled clip ({width}x{height}, H.264)"


def _demo_picture() -> "Image":
    from emotion.realtime.sources.demo import DEMO  # noqa: PLC0415
    from emotion.realtime.sources.file import VideoFile  # noqa: PLC0415

    with VideoFile(DEMO) as video:
        return next(iter(video)).image


def _faces() -> str:
    from emotion.models.engines.landmark_nets import LandmarkNets  # noqa: PLC0415
    from emotion.models.engines.providers import NetOptions  # noqa: PLC0415
    from emotion.models.faces.onnx_landmarker import OnnxLandmarker  # noqa: PLC0415

    landmarker = OnnxLandmarker(LandmarkNets.load(NetOptions("cpu")))
    try:
        if not landmarker.detect(_demo_picture()):
            raise Trouble("no face is found in the bundled clip", AGAIN)
    finally:
        landmarker.close()
    return "the face in the bundled clip is found; the networks' checksums are right"


def _mediapipe() -> str:
    """Check MediaPipe, for poses and data sets."""
    from emotion.models.faces.mediapipe_landmarker import FaceLandmarker  # noqa: PLC0415

    with FaceLandmarker() as landmarker:
        if not landmarker.detect(_demo_picture()):
            raise Trouble("MediaPipe finds no face in the bundled clip", AGAIN)
    return "finds the same face; its model's checksum is right"


def _models() -> str:
    from emotion.models import checksums  # noqa: PLC0415
    from emotion.models.manifest import DEFAULT, ZOO, read_manifest, voting_regions  # noqa: PLC0415
    from emotion.models.voting.vote import VoteWeights  # noqa: PLC0415

    if others := checksums.changed(ZOO):
        raise Trouble(f"not as released: {', '.join(others)}", AGAIN)
    manifests = [read_manifest(DEFAULT, region) for region in voting_regions(DEFAULT)]
    VoteWeights.read(DEFAULT)
    named = (f"{one.region}: {one.architecture}, sha256 {one.sha256[:8]}" for one in manifests)
    return "; ".join(named) + "; checksums right, the release's own"


def _telemetry() -> str:
    from emotion.models.native import telemetry  # noqa: PLC0415

    leaks, kept = telemetry.leaks(), "ONNX Runtime and MediaPipe are kept from reporting their use"
    try:
        from emotion.models.faces import mediapipe_landmarker as landmarks  # noqa: PLC0415

        if not leaks and not landmarks.silenced():
            leaks.append(telemetry.UNKNOWN_MEDIAPIPE)
    except (ImportError, OSError):  # without the library there is no telemetry; another check reports it
        kept = "ONNX Runtime is kept from reporting its use; MediaPipe cannot be loaded"
    if leaks:
        raise Trouble("not everything is kept back", " ".join(leaks))
    return kept


def _engine() -> str:
    import numpy as np  # noqa: PLC0415

    from emotion.models.engines.session import engine_version  # noqa: PLC0415
    from emotion.realtime.session import Models  # noqa: PLC0415

    models = Models.load()
    for model in models.regions:
        model(np.zeros((1, *model.manifest.size), dtype=np.uint8))
    return f"ONNX Runtime {engine_version()} runs the models on {models.regions[0].choice}"


def _encoder() -> str:
    from emotion.realtime.media import VideoInfo  # noqa: PLC0415
    from emotion.realtime.messages import EmotionFrame, VideoFrame  # noqa: PLC0415
    from emotion.realtime.sinks.mp4 import Mp4Sink  # noqa: PLC0415
    from emotion.realtime.sources.file import VideoFile  # noqa: PLC0415

    image, time_base = _demo_picture(), Fraction(1, 25)
    height, width = image.shape[:2]
    info = VideoInfo(path=None, width=width, height=height, time_base=time_base)
    with tempfile.TemporaryDirectory() as folder:
        with Mp4Sink(Path(folder) / "test.mp4", info) as sink:
            for index in range(3):
                sink.write(EmotionFrame(VideoFrame(index, index, time_base, 0.0, image), ()), image)
        with VideoFile(Path(folder) / "test.mp4") as video:
            frames = len(list(video))
    if frames != 3:
        raise Trouble(f"of three frames that were written {frames} can be read", AGAIN)
    return "three frames written as mp4 (libx264) and read back"


def _disk() -> str:
    here = _space(Path.cwd(), "this folder")
    temporary = _space(Path(tempfile.gettempdir()), "temporary files")
    return f"{here}; {temporary}"


def _space(folder: Path, name: str) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Trouble(f"{name}: {error.strerror}", "Go to a folder that you may write to.") from error
    free = shutil.disk_usage(folder).free
    found = f"{name}: {free / _GIGABYTE:.1f} GB free"
    if free < _GIGABYTE:
        raise Trouble(found, "Make room: annotated videos take about 10 MB a minute.")
    return found


def _cameras() -> str:
    from emotion.realtime.sources.camera import find_cameras  # noqa: PLC0415

    found = find_cameras()
    if not found:
        raise Trouble("none is there", "See 'emotion cameras'; streams and files work without one.")
    usable = [f"{camera.where} ({camera.name})" for camera in found if not camera.problem]
    if not usable:
        raise Trouble(f"{found[0].where}: {found[0].problem}", "See 'emotion cameras'.")
    return ", ".join(usable)


def _window() -> str:
    from emotion.realtime.drawing.window import DisplayProbe  # noqa: PLC0415
    from emotion.realtime.errors import DisplayError  # noqa: PLC0415

    try:
        DisplayProbe().check()
    except DisplayError as error:
        found = str(error).partition(":")[0]
        raise Trouble(found, "'emotion annotate' and 'emotion serve' need none.") from error
    return "opens"


def _virtual_camera() -> str:
    from emotion.realtime.sinks.virtual_camera import VirtualCameraSink  # noqa: PLC0415

    camera = VirtualCameraSink(640, 480)
    camera.close()
    return camera.name


def _extras() -> str:
    extras = {name: parts for name, parts in requirements().items() if name not in _NO_EXTRAS}
    there = [name for name, parts in extras.items() if all(map(_version, parts))]
    missing = [name for name in extras if name not in there]
    if missing:
        raise Trouble(
            f"not installed: {', '.join(missing)}" + (f"; installed: {', '.join(there)}" if there else ""),
            f"For those that you want: {pip_install(','.join(missing))}",
        )
    return ", ".join(there) or "there are none"


CHECKS: tuple[Check, ...] = (
    Check("Python", _python, needed=True),
    Check("Libraries", _libraries, needed=True),
    Check("System libraries", _system_libraries),
    Check("Reading video", _video, needed=True),
    Check("Finding faces", _faces, needed=True),
    Check("Models", _models, needed=True),
    Check("Running them", _engine, needed=True),
    Check("MediaPipe", _mediapipe),
    Check("Nothing is sent", _telemetry),
    Check("Writing video", _encoder, needed=True),
    Check("Disk", _disk, needed=True),
    Check("Window", _window),
    Check("Cameras", _cameras),
    Check("Virtual camera", _virtual_camera),
    Check("Extras", _extras),
)
