"""Many files as one ZIP file, which is made while it is sent and never stored."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_PART_BYTES = 1 << 20


class _Pipe(io.RawIOBase):
    """A buffer of the output since the last read; as it cannot seek, sizes are written after each file."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def zipped(files: Iterable[Path]) -> Iterator[bytes]:
    """The ZIP file in parts. Videos are stored uncompressed: they would not get smaller."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for path in files:
            kind = zipfile.ZIP_STORED if path.suffix == ".mp4" else zipfile.ZIP_DEFLATED
            entry = zipfile.ZipInfo.from_file(path, path.name)
            entry.compress_type = kind
            with open(path, "rb") as source, archive.open(entry, "w") as target:
                while part := source.read(_PART_BYTES):
                    target.write(part)
                    yield pipe.take()
    yield pipe.take()
