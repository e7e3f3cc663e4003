"""Inputs that are not local files: a link, standard input, an open file, a store in the cloud.

Videos need a file: their index may be at the end, and sound and pictures are read in parallel.
"""

import mimetypes
import os
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from emotion import stores
from emotion.models.data.image_io import is_photograph
from emotion.models.errors import EmotionError
from emotion.models.words import in_bytes
from emotion.realtime.errors import SourceError
from emotion.realtime.sources.live import shown_url

LIVE_SCHEMES = {"mms", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "tls", "udp"}
_PLAYLISTS = ("mpegurl", "dash+xml", "x-mixed-replace")
_PATIENCE = 20.0
_CHUNK = 1 << 20


class EndlessError(SourceError):
    """A link without an end: a live stream."""


def scheme_of(name: str) -> str:
    """The scheme of an address in lower case; empty for a path. ``file://`` is a path's."""
    found = re.match(r"([a-z][a-z0-9+.-]+)://", name, re.IGNORECASE)
    scheme = found[1].lower() if found else ""
    return "" if scheme == "file" else scheme


def is_fetched(name: str) -> bool:
    """Whether a name refers to something that must be fetched before it can be read."""
    scheme = scheme_of(name)
    return name == "-" or bool(scheme and scheme not in LIVE_SCHEMES)


def is_stored(name: str) -> bool:
    """Whether a name is the address of a file in a store that fsspec supports, such as ``s3://``."""
    return bool(scheme_of(name)) and scheme_of(name) not in LIVE_SCHEMES | {"http", "https"}


class Spool:
    """A temporary folder for fetched files, deleted when it is closed.

    Args:
        say: called with a message for each file that is fetched.

    Raises:
        SourceError: the disk has no room for a folder.
    """

    def __init__(self, say: Callable[[str], object] = lambda sentence: None) -> None:
        self._say = say
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0
        self._copies: list[Path] = []

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was fetched. May be called again."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def name_original(self, error: EmotionError, name: str) -> None:
        """Replace the path of a copy in a message: it is gone before anyone reads that."""
        shown = shown_url(name) if is_fetched(name) else name or "The input"
        sentence = str(error)
        for copy in self._copies:
            sentence = sentence.replace(str(copy), shown)
        error.args = (sentence, *error.args[1:])

    def fetch(self, name: str) -> Path:
        """A local file with the content of a link, a store's address or ``-``.

        Raises:
            EndlessError: it has no end: a live stream.
            SourceError: it cannot be fetched, or is interrupted.
            MissingDependencyError: the package for such addresses is not installed.
        """
        if name == "-":
            return self._standard_input()
        if scheme_of(name) in ("http", "https"):
            return self._link(name)
        return self._store(name)

    def keep(self, file: IO[bytes], name: str = "", length: int | None = None) -> Path:
        """A copy of an open file, from its current position.

        Args:
            file: is read to its end.
            name: of the copy; an extension is added from the content if there is none.
            length: in bytes, if known.

        Raises:
            SourceError: reading is interrupted, or the disk is full.
        """
        path = self._new(name)
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(file, copy, _CHUNK)
                size = copy.tell()
        except OSError as error:
            if isinstance(error, EmotionError):
                raise
            raise SourceError(
                f"{name or 'The input'} cannot be kept in {path.parent} ({error.strerror or error}): "
                "make room there, or name another folder in the variable TMPDIR."
            ) from error
        if length is not None and size < length:
            raise SourceError(f"{name} breaks off after {size} of {length} bytes: try again.")
        return self._made(path)

    def _made(self, path: Path) -> Path:
        """A finished copy, with an extension if it is a photograph."""
        self._copies.append(path if path.suffix else _with_suffix(path))
        return self._copies[-1]

    def _new(self, name: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="emotion-")
        self._count += 1
        folder = Path(self._folder.name, str(self._count))
        folder.mkdir()
        clean = re.sub(r"[^\w .+()-]", "_", Path(name).name).strip(". ") or "input"
        return folder / clean[-120:]

    def _standard_input(self) -> Path:
        if sys.stdin is None or sys.stdin.isatty():
            raise SourceError(
                "- reads standard input, and nothing is piped into it: COMMAND | emotion annotate -"
            )
        self._say("Standard input is kept in a temporary file until it has been read.")
        return self.keep(sys.stdin.buffer, "stdin")

    def _link(self, link: str) -> Path:
        shown = shown_url(link)
        request = urllib.request.Request(link, headers={"User-Agent": "emotion-live"})
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
                length = answer.headers.get("Content-Length")
                kind = answer.headers.get_content_type()
                if length is None or any(word in kind for word in _PLAYLISTS):
                    raise EndlessError(
                        f"{shown} does not say where it ends: 'emotion live' reads it as a live stream."
                    )
                self._say(f"Fetching {shown} ({in_bytes(int(length))})")
                return self.keep(answer, _name_of(answer.url, kind), int(length))
        except EmotionError:
            raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, EmotionError):
                raise reason from error
            raise SourceError(f"{shown} cannot be fetched ({reason}): check the address.") from error

    def _store(self, address: str) -> Path:
        self._say(f"Fetching {shown_url(address)}")
        return self._made(stores.fetch(address, self._new(address)))


def _name_of(url: str, kind: str) -> str:
    name = unquote(os.path.basename(urlsplit(url).path)) or "download"
    return name if Path(name).suffix else name + (mimetypes.guess_extension(kind) or "")


def _with_suffix(path: Path) -> Path:
    """The file, with an extension if it is a photograph; videos are recognised by their content."""
    with path.open("rb") as file:
        photograph = is_photograph(file)
    return path.rename(path.with_suffix(".jpg")) if photograph else path
