"""A damaged file as a file object that reads as if it were repaired."""

import io
from collections.abc import Sequence
from pathlib import Path


class MendedFile(io.RawIOBase):
    """Pieces of a file and bytes in between, as one file to read.

    Args:
        path: the file.
        pieces: as of `Mend`.
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
        """Bytes in all."""
        return self._begins[-1]

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place; returns it."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next so many bytes, fewer at the end; all with -1."""
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
        """Let the file go."""
        self._file.close()
        super().close()

    def _of(self, piece: range | bytes, begin: int, length: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[begin : begin + length]
        self._file.seek(piece.start + begin)
        return self._file.read(length)
