"""Other programs' predictions for pictures: each runs in its own environment, and predicts once per picture.

A peer is a process that reads a line of JSON per picture and prints one (see `fer_predictions`).
Predictions are kept in a journal of JSON lines, so that a stopped run goes on where it stopped, and a run
with other models of this program does not run the peers again.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, TypeAlias

import cv2

from emotion.benchmarks.peers import make_fer
from emotion.models.errors import DatasetError, MissingDependencyError
from emotion.models.regions import Image
from emotion.realtime.child_process import environment, python_command

Scores: TypeAlias = Mapping[str, float] | None
"""Of a face, by the peer's words; None if no face was detected."""
Predictions: TypeAlias = dict[str, Scores]
"""By way of detection."""

FACE_API = (
    "@vladmandic/face-api@1.7.15",
    "@tensorflow/tfjs@4.22.0",
    "@tensorflow/tfjs-backend-wasm@4.22.0",
)
PEERS = ("fer", "face-api")
_FOLDER = Path(__file__).parent
# libraries print much while they load; the reason of a failure is at the end
_REASON = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """A picture for all programs.

    Attributes:
        image: uint8 (h, w, 3), BGR.
        framed: the same with a border, for a second attempt where a peer detects no face.
    """

    image: Image
    framed: Image

    @property
    def key(self) -> str:
        """The same for equal pixels."""
        digest = hashlib.sha256(repr((self.image.shape, self.framed.shape)).encode())
        digest.update(self.image.tobytes())
        digest.update(self.framed.tobytes())
        return digest.hexdigest()[:32]


def command_of(peer: str, environments: Path) -> tuple[str, ...]:
    """The command of a peer, which is installed first where it is missing.

    Args:
        peer: one of `PEERS`.
        environments: holds a folder for each peer.

    Raises:
        MissingDependencyError: it cannot be installed.
    """
    folder = environments / peer
    try:
        if peer == "fer":
            return python_command(str(_FOLDER / "fer_predictions.py"), python=str(make_fer(folder)))
        return ("node", str(_FOLDER / "face_api_predictions.cjs"), str(make_face_api(folder)))
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingDependencyError(f"{peer} could not be installed in {folder}: {error}") from error


def make_face_api(folder: Path) -> Path:
    """A folder of npm with `face-api`, made where it is missing.

    Raises:
        OSError: there is no npm.
        subprocess.CalledProcessError: npm could not install it.
    """
    done = folder / "node_modules" / ".package-lock.json"  # npm writes it last
    if not done.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
        subprocess.run([*command, *FACE_API], check=True, capture_output=True)
    return folder


class Journal:
    """A peer's predictions so far, in a file of JSON lines; only one run at a time may use it.

    Remove the file after a change of the peer's version, or of the script that asks it.

    Args:
        path: of the file, which need not be there.

    Raises:
        DatasetError: it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Predictions] = {}
        self._versions: set[str] = set()
        self._whole = 0
        for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
            if not line.endswith(b"\n"):  # the run was stopped while it wrote
                break
            self._whole += len(line)
            try:
                self._keep(json.loads(line))
            except (ValueError, TypeError, KeyError) as error:
                raise DatasetError(
                    f"{path} is no file of predictions: name another, or remove it."
                ) from error

    @property
    def versions(self) -> tuple[str, ...]:
        """Of the peer, in its predictions so far."""
        return tuple(sorted(self._versions))

    def predictions(self, key: str) -> Predictions | None:
        """The predictions of the peer for a picture; None if there is none yet."""
        return self._known.get(key)

    def add(self, key: str, version: str, predictions: Predictions) -> None:
        """Keep what the peer said about a picture."""
        row = {"picture": key, "version": version, "predictions": predictions}
        self._keep(row)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "ab") as file:
            file.truncate(self._whole)  # behind the last complete line
            self._whole += file.write(f"{json.dumps(row)}\n".encode())

    def _keep(self, row: Mapping[str, Any]) -> None:
        self._known[row["picture"]] = row["predictions"]
        self._versions.add(row["version"])


def predictions_of(
    name: str, start: Callable[[], Sequence[str]], journal: Journal, pictures: Iterable[Inputs]
) -> Iterator[Predictions]:
    """A peer's predictions for pictures, in order; it is started when one is not in the journal.

    Args:
        name: of the peer.
        start: gives its command; installs it first if needed.
        journal: of its predictions.
        pictures: in order.

    Raises:
        MissingDependencyError: the peer cannot be installed or started, or ended.
    """
    with ExitStack() as stack:
        peer: Peer | None = None
        for inputs in pictures:
            known = journal.predictions(inputs.key)
            if known is None:
                peer = peer or stack.enter_context(running(name, start()))
                known = peer.predict(inputs)
                journal.add(inputs.key, peer.version, known)
            yield known


class Peer:
    """A peer that runs; see `running`."""

    def __init__(self, name: str, process: "subprocess.Popen[str]", errors: IO[bytes], folder: Path) -> None:
        self._name, self._process, self._errors = name, process, errors
        # a format that needs no library
        self._files = {"picture": str(folder / "picture.ppm"), "framed": str(folder / "framed.ppm")}
        self.version = str(self._read()["version"])

    def predict(self, inputs: Inputs) -> Predictions:
        """Its predictions to a picture.

        Raises:
            MissingDependencyError: it ended.
        """
        cv2.imwrite(self._files["picture"], inputs.image)
        cv2.imwrite(self._files["framed"], inputs.framed)
        with suppress(OSError):  # if it has ended, its last words follow
            print(json.dumps(self._files), file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> dict[str, Any]:
        for line in self._process.stdout or ():
            if line.startswith("{"):  # libraries print, too
                predictions: dict[str, Any] = json.loads(line)
                return predictions
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")[-_REASON:].strip().splitlines()
        raise MissingDependencyError(f"{self._name} ended: {said[-1] if said else 'it said nothing'}")


@contextmanager
def running(name: str, command: Sequence[str]) -> Iterator[Peer]:
    """Start a peer.

    Raises:
        MissingDependencyError: it cannot be started.
    """
    with TemporaryDirectory() as folder, open(Path(folder) / "errors", "w+b") as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment(),
            )
        except OSError as error:
            raise MissingDependencyError(f"{name} cannot be started: {error}") from error
        with process:
            try:
                yield Peer(name, process, errors, Path(folder))
            finally:
                process.kill()
