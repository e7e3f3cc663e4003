"""Which device decodes videos, where one is to: the first that opens, found once a process.

A device gives the pixels that libav's own decoder gives, as every decoder of H.264 and H.265 has to. What it
cannot decode, libav decodes by itself.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

T = TypeVar("T")

# Best first; each system has its own.
_DEVICES = ("videotoolbox", "cuda", "d3d11va", "vaapi", "qsv", "amf")
_lock = threading.Lock()
_tried: dict[str, bool] = {}


def open_with_device(open_file: Callable[[HWAccel | None], T]) -> T:
    """Open a file with the first device that starts; without one where none does.

    Args:
        open_file: with a device, or without one where that is None.

    Raises:
        av.FFmpegError: the file cannot be opened without one either.
    """
    failed = []
    for name in devices():
        try:
            opened = open_file(HWAccel(name, allow_software_fallback=True))
        except av.FFmpegError:
            failed.append(name)
        else:
            _note([name], True)
            return opened
    opened = open_file(None)
    _note(failed, False)  # not the file's fault
    return opened


def devices() -> tuple[str, ...]:
    """Those worth trying: the one that was found, or all that this build of libav knows."""
    with _lock:
        found = tuple(name for name, works in _tried.items() if works)
        known = hwdevices_available()
        return found or tuple(name for name in _DEVICES if name in known and _tried.get(name, True))


def _note(names: Sequence[str], works: bool) -> None:
    with _lock:
        _tried.update(dict.fromkeys(names, works))
