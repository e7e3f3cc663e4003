"""Disables the telemetry of libraries. Nothing heavy is imported here.

ONNX Runtime looks up a host of Microsoft's and keeps `.ses` files, unless the environment forbids it
before its import; so `emotion` imports this module before all else.
MediaPipe looks up a host of Google's whenever it starts or ends a task, and has no setting against it:
on Linux its library is given a look-up that always fails, and no other library is touched.
"""

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator

_SETTING = "ORT_DISABLE_TELEMETRY"
_GOOGLE = "play.googleapis.com"

onnxruntime_was_first = "onnxruntime" in sys.modules and os.environ.get(_SETTING) != "1"
"""Whether the user's program imported ONNX Runtime before its telemetry could be turned off."""

os.environ[_SETTING] = "1"

UNKNOWN_MEDIAPIPE = (
    f"MediaPipe may send figures on its use to Google, which cannot be kept back here: block {_GOOGLE}."
)
"""The message if `silence` has no effect."""

# From <elf.h>: kinds of entries in the dynamic section, and of relocations of called functions.
_END, _SIZE, _STRINGS, _SYMBOLS, _CALLS = 0, 2, 5, 6, 23
_JUMP_SLOTS = {7, 1026}  # x86-64, aarch64
_LINK_MAP = 2  # RTLD_DI_LINKMAP of dlinfo()


class _LinkMap(ctypes.Structure):
    _fields_ = (("base", ctypes.c_size_t), ("name", ctypes.c_char_p), ("dynamic", ctypes.c_void_p))


class _Dynamic(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int64), ("value", ctypes.c_uint64))


class _Relocation(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("info", ctypes.c_uint64), ("addend", ctypes.c_int64))


class _Symbol(ctypes.Structure):
    _fields_ = (("name", ctypes.c_uint32), ("rest", ctypes.c_ubyte * 20))


def leaks() -> list[str]:
    """Messages about what cannot be blocked here, with what to do."""
    found = []
    if onnxruntime_was_first:
        found.append(
            "onnxruntime was imported before emotion and may send figures on its use to Microsoft: "
            f"import emotion first, or set {_SETTING}=1."
        )
    if not _can_silence():
        found.append(UNKNOWN_MEDIAPIPE)
    return found


def silence(library: ctypes.CDLL) -> bool:
    """Make every name look-up by this loaded library fail, and by no other.

    Returns:
        Whether its way of looking up names is supported. The rest of the process is as before.
    """
    if not _can_silence():
        return False
    process = ctypes.CDLL(None)
    link = ctypes.POINTER(_LinkMap)()
    if process.dlinfo(ctypes.c_void_p(library._handle), _LINK_MAP, ctypes.byref(link)):
        return False
    slots = list(_slots(link.contents, b"getaddrinfo"))
    for slot in slots:
        _make_writable(process, slot)
        # Any result but 0 means that the host was not found, and getpid() ignores its arguments.
        ctypes.c_void_p.from_address(slot).value = ctypes.cast(process.getpid, ctypes.c_void_p).value
    return bool(slots)


def _can_silence() -> bool:
    return sys.platform == "linux" and ctypes.sizeof(ctypes.c_void_p) == 8


def _slots(link: _LinkMap, wanted: bytes) -> Iterator[int]:
    """The address of a library's entry for an imported function."""
    values = _dynamic(link.dynamic)
    if not {_SIZE, _STRINGS, _SYMBOLS, _CALLS} <= values.keys():
        return
    for index in range(values[_SIZE] // ctypes.sizeof(_Relocation)):
        call = _Relocation.from_address(values[_CALLS] + index * ctypes.sizeof(_Relocation))
        if call.info & 0xFFFFFFFF not in _JUMP_SLOTS:
            continue
        symbol = _Symbol.from_address(values[_SYMBOLS] + (call.info >> 32) * ctypes.sizeof(_Symbol))
        if ctypes.string_at(values[_STRINGS] + symbol.name) == wanted:
            yield link.base + call.offset


def _dynamic(address: int) -> dict[int, int]:
    values: dict[int, int] = {}
    while (entry := _Dynamic.from_address(address)).kind != _END:
        values.setdefault(entry.kind, entry.value)
        address += ctypes.sizeof(_Dynamic)
    return values


def _make_writable(process: ctypes.CDLL, address: int) -> None:
    """Loaders may have locked the table of addresses."""
    page = address - address % mmap.PAGESIZE
    both = mmap.PROT_READ | mmap.PROT_WRITE
    process.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), both)
