"""A file object that reads a damaged file in its repaired form."""

import io
from collections.abc import Sequence
from pathlib import Path


class MendedFile(io.RawIOBase):
    """Pieces of a file and inserted bytes, as one file to read.

    Args:
        path: the file.
        pieces: as in `Mend`.
    """

    def __init__(self, path: Path, pieces: Sequence[range | bytes]) -> None:
        super().__init__()
        self.name = str(path)
        self._pieces = [piece for piece in pieces if len(piece)]
        self._begins = [0]
        for piece in self._pieces:
            self._begins.append(self._begins[-1] + len(piece))
        self._at = 0
        self._file = path.open("rb")

    @property
    def size(self) -> int:
        """Total size in bytes."""
        return self._begins[-1]

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The current position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Change the position; returns it."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most so many; all with -1."""
        left = self.size - self._at if size < 0 else size
        parts = []
        for piece, begin in zip(self._pieces, self._begins, strict=False):
            inside = self._at - begin
            if left <= 0 or not 0 <= inside < len(piece):
                continue
            part = self._of(piece, inside, min(left, len(piece) - inside))
            parts.append(part)
            self._at, left = self._at + len(part), left - len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _of(self, piece: range | bytes, begin: int, length: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[begin : begin + length]
        self._file.seek(piece.start + begin)
        return self._file.read(length)
