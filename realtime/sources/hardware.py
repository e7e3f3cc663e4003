"""The hardware decoder, if requested: the first device that opens, found once per process.

A device gives the same pixels as libav's own decoder, as the standards of H.264 and H.265 require. Formats
that it does not support are decoded by libav.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import av
from av.codec.hwaccel import HWAccel, hwdevices_available

T = TypeVar("T")

# Best first, by system.
_DEVICES = ("videotoolbox", "cuda", "d3d11va", "vaapi", "qsv", "amf")
_lock = threading.Lock()
_tried: dict[str, bool] = {}


def open_with_device(open_file: Callable[[HWAccel | None], T]) -> T:
    """Open a file with the first device that starts; without a device if none does.

    Args:
        open_file: with a device, or None without one.

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
    _note(failed, False)  # the file is not the cause
    return opened


def devices() -> tuple[str, ...]:
    """The devices to try: the known one, or all of this build of libav."""
    with _lock:
        found = tuple(name for name, works in _tried.items() if works)
        known = hwdevices_available()
        return found or tuple(name for name in _DEVICES if name in known and _tried.get(name, True))


def _note(names: Sequence[str], works: bool) -> None:
    with _lock:
        _tried.update(dict.fromkeys(names, works))
