"""Reads files of a model folder: regular files of a sensible size, and well-formed JSON.

An untrusted folder may hold an endless device, a pipe without a writer, or a
text that exhausts the memory of its reader.
"""

import errno
import hashlib
import json
import stat
from pathlib import Path
from typing import Any

MIB = 1 << 20
_JSON = 16 * MIB
_MODEL = 4096 * MIB  # An ONNX file has less than 2 GiB.


def check_regular(path: Path, limit: int = _MODEL) -> None:
    """Whether a file may be read whole.

    Raises:
        OSError: it is missing, a device, a pipe or a folder, or has more than `limit` bytes.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    if found.st_size > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit // MIB} MiB", str(path))


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file.

    Raises:
        OSError: it cannot be read; see `check_regular`.
    """
    check_regular(path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        OSError: it cannot be read; see `check_regular`.
        ValueError: it is not JSON in UTF-8, is nested too deeply, or is not an object.
    """
    check_regular(path, _JSON)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("it holds no object")
    return values
