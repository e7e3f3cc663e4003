"""Cameras, through OpenCV."""

import os
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from emotion.realtime.sources.reader import ConnectionLostError, Picture, Reader

_CLASSES, _DEVICES = Path("/sys/class/video4linux"), Path("/dev")
# From Linux's videodev2.h: the request for a device's capabilities, and the two kinds of capture.
_QUERYCAP, _CAPABILITY = 0x80685600, struct.Struct("16s32s32sIII12x")
_CAPTURES, _TOLD_APART = 0x1 | 0x1000, 0x80000000
# Number of cameras that are tried if the system has no list.
_TRIED = 6
# The size of nearly every camera without compression; more needs Motion JPEG because of USB 2's bandwidth.
_PLAIN = (640, 480, 30.0)
_FASTEST = 240


class Capture(Protocol):
    """The used part of `cv2.VideoCapture`."""

    def isOpened(self) -> bool: ...  # noqa: N802, D102
    def grab(self) -> bool: ...  # noqa: D102
    def retrieve(self) -> tuple[bool, Any]: ...  # noqa: D102
    def get(self, propId: int) -> float: ...  # noqa: N803, D102
    def set(self, propId: int, value: float) -> bool: ...  # noqa: N803, D102
    def release(self) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class CameraMode:
    """The requested mode of a camera, which uses the nearest supported one."""

    size: tuple[int, int] | None = None
    fps: float | None = None


def open_capture(device: int | str) -> Capture:
    """Open a camera by its number or its device file, without messages; it may not be open afterwards."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
    return cv2.VideoCapture(device, backend)


class CameraReader:
    """A camera's pictures.

    Args:
        device: its number from 0, or its device file.
        mode: requested mode.
        stall_seconds: without a decodable picture for this time it counts as lost.
        opener: opens the device.

    Raises:
        ConnectionLostError: it cannot be opened.
    """

    paced = False

    def __init__(
        self,
        device: int | str,
        mode: CameraMode,
        stall_seconds: float,
        opener: Callable[[int | str], Capture] = open_capture,
    ) -> None:
        self._stall = stall_seconds
        self._capture = opener(device)
        if not self._capture.isOpened():
            self._capture.release()
            raise ConnectionLostError(_why_not(device))
        self._ask_for(mode)
        self.rate = _sane_rate(self._capture.get(cv2.CAP_PROP_FPS))

    def read(self) -> Picture:
        """Wait for the next picture."""
        deadline = time.monotonic() + self._stall
        while True:
            if not self._capture.grab():
                raise ConnectionLostError("the camera gives no pictures any more")
            captured_at = time.monotonic()
            decoded, image = self._capture.retrieve()
            if decoded and image is not None and image.size:
                return Picture(captured_at, _as_bgr(image))
            # Over USB single pictures arrive damaged; the next is usually complete.
            if captured_at > deadline:
                raise ConnectionLostError(f"no picture of the camera could be decoded for {self._stall:g} s")

    def close(self) -> None:
        """Close the camera."""
        self._capture.release()

    def _ask_for(self, mode: CameraMode) -> None:
        width, height = mode.size or _PLAIN[:2]
        fps = mode.fps or _PLAIN[2]
        if width * height > _PLAIN[0] * _PLAIN[1] or fps > _PLAIN[2]:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        if mode.size:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if mode.fps:
            self._capture.set(cv2.CAP_PROP_FPS, fps)


def camera_reader(device: int | str, mode: CameraMode, stall_seconds: float) -> Callable[..., Reader]:
    """The function with which a link opens this camera."""

    def connect(over: threading.Event) -> Reader:
        return CameraReader(device, mode, stall_seconds)

    return connect


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera of this machine.

    Attributes:
        where: its name for `open_live`.
        name: in the system.
        problem: why it cannot be used; empty if it can.
    """

    where: str
    name: str
    problem: str = ""


def find_cameras() -> list[FoundCamera]:
    """The cameras of this machine, in the order of their numbers.

    Linux has a list of them, which is read without activating any. On other systems the first few
    numbers are tried, which takes seconds and turns on their lights.
    """
    return listed_cameras() if sys.platform == "linux" else tried_cameras()


def listed_cameras(
    classes: Path = _CLASSES, devices: Path = _DEVICES, can_do: Callable[[Path], int] | None = None
) -> list[FoundCamera]:
    """The cameras in Linux's list of video devices; encoders and metadata channels are left out.

    Args:
        classes, devices: the folders of the list and of the device files.
        can_do: returns a device's capabilities (V4L2); OSError if it cannot be queried.
    """
    entries = sorted(classes.glob("video[0-9]*"), key=lambda entry: int(entry.name.removeprefix("video")))
    found = (_camera_of(entry, devices / entry.name, can_do or _capabilities) for entry in entries)
    return [camera for camera in found if camera is not None]


def tried_cameras(opener: Callable[[int | str], Capture] = open_capture) -> list[FoundCamera]:
    """The cameras that open, among the first few numbers."""
    found = []
    for number in range(_TRIED):
        capture = opener(number)
        if capture.isOpened():
            found.append(FoundCamera(str(number), f"camera {number}"))
        capture.release()
    return found


def _camera_of(entry: Path, device: Path, can_do: Callable[[Path], int]) -> FoundCamera | None:
    try:
        name = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = "without a name"
    try:
        can_capture = can_do(device) & _CAPTURES
    except FileNotFoundError:
        problem = "the system knows it, but there is no device file: hand the device to the container"
    except PermissionError:
        problem = "no permission: add yourself to the group 'video' and log in again"
    except OSError as error:
        problem = f"it does not answer ({error.strerror}): plug it in again"
    else:
        return FoundCamera(str(device), name) if can_capture else None
    return FoundCamera(str(device), name, problem)


def _capabilities(device: Path) -> int:
    import fcntl  # noqa: PLC0415  not on Windows

    file = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        answer = fcntl.ioctl(file, _QUERYCAP, bytes(_CAPABILITY.size))
    finally:
        os.close(file)
    *_, of_hardware, of_this_file = _CAPABILITY.unpack(answer)
    return int(of_this_file if of_hardware & _TOLD_APART else of_hardware)


def _why_not(device: int | str) -> str:
    path = Path(f"/dev/video{device}") if isinstance(device, int) else Path(device)
    if sys.platform != "linux":
        return "the camera cannot be opened, or the system does not allow this program to use it"
    if not path.exists():
        return "there is no such camera"
    if not os.access(path, os.R_OK | os.W_OK):
        return "you have no permission to use the camera"
    return "the camera cannot be opened, perhaps because another program uses it"


def _sane_rate(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001) if 1 <= fps <= _FASTEST else Fraction(30)


def _as_bgr(image: Any) -> Any:
    if image.ndim == 2 or image.shape[2] == 1:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(image[:, :, :3], dtype=np.uint8)
