"""Stores that fsspec supports, such as ``s3://`` and ``gs://``: reads and writes whole files."""

import importlib
import os
import posixpath
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.models.atomic_files import atomic_output, partial_path
from emotion.models.errors import EmotionError, MissingDependencyError
from emotion.models.installing import pip_install
from emotion.realtime.errors import SinkError, SourceError
from emotion.realtime.sources.live import shown_url

# Uploads are atomic; there are no folders, and creating one may create a bucket.
_OBJECT_STORES = {"abfs", "abfss", "az", "gcs", "gs", "oci", "oss", "s3", "s3a"}

_PROBE = "emotion.partial.txt"


@dataclass(frozen=True, slots=True)
class Found:
    """A file in a store.

    Attributes:
        bytes: its size.
        changed_ns: when it was changed, in nanoseconds since 1970; 0 if the store does not report it.
    """

    bytes: int
    changed_ns: int


def listed(address: str, recursive: bool = False) -> list[tuple[str, str]]:
    """The files of an address: those of a folder or pattern, else that one.

    Each comes with its folder as seen from the one that was named, empty where it is the same.

    Raises:
        SourceError: the store cannot be queried.
        MissingDependencyError: the package for such addresses is not installed.
    """
    with _reaching(address, SourceError):
        system, path = _opened(address)
        if any(one in path for one in "*?["):
            found, base = system.glob(path), ""
        elif address.endswith("/") or (not system.isfile(path) and system.isdir(path)):
            found, base = system.find(path, maxdepth=None if recursive else 1), path
        else:
            return [(address, "")]
        if not found:
            # It may also be missing or forbidden, which a search does not report.
            system.ls(re.split(r"/[^/]*[*?[]", path)[0])
        start = _start(address, path)
        return [
            (f"{start}{one}", posixpath.dirname(posixpath.relpath(one, base)) if base else "")
            for one in found
        ]


def find(address: str) -> Found | None:
    """A store's metadata of a file; None if there is no such file.

    Raises:
        SourceError, MissingDependencyError: as `listed`.
    """
    with _reaching(address, SourceError):
        system, path = _opened(address)
        try:
            details = system.info(path)
        except FileNotFoundError:
            return None
        if details["type"] != "file":
            return None
        modified = None
        # A store without modification times has no such call, lacks the entry that it reads, or
        # returns None; then only a different size shows that the file has changed.
        with suppress(NotImplementedError, KeyError):
            modified = system.modified(path)
        changed = 0 if modified is None else round(modified.timestamp() * 1e9)
        return Found(int(details["size"]), changed)


def fetch(address: str, path: Path) -> Path:
    """Copy a file of a store; the copy has the original's time of change, so that it is known again.

    Raises:
        SourceError: it is not there, breaks off, or the disk is full.
        MissingDependencyError: as `listed`.
    """
    found = find(address)
    if found is None:
        raise SourceError(f"{shown_url(address)} is not there: check the address.")
    with _reaching(address, SourceError):
        system, place = _opened(address)
        with atomic_output(path) as made:
            system.get_file(place, str(made))
            os.utime(made, ns=(found.changed_ns, found.changed_ns))
    if path.stat().st_size != found.bytes:
        raise SourceError(
            f"{shown_url(address)} breaks off after {path.stat().st_size} of {found.bytes} bytes."
        )
    return path


def put(path: Path, address: str) -> None:
    """Copy a file into a store, where it is whole or not there at all.

    Where folders can be made and files be moved, as on a server's disk, that is by a partial name beside
    its place; what is put into a store of objects is seen once it is all there. No bucket is made.

    Raises:
        SinkError: the store does not take it.
        MissingDependencyError: as `listed`.
    """
    with _reaching(address, SinkError):
        system, place = _opened(address)
        if address.partition("://")[0].lower() in _OBJECT_STORES:
            system.put_file(str(path), place)
            return
        part = posixpath.join(posixpath.dirname(place), partial_path(Path(posixpath.basename(place))).name)
        system.makedirs(posixpath.dirname(place), exist_ok=True)
        try:
            system.put_file(str(path), part)
            system.mv(part, place)
        except BaseException:
            with suppress(Exception):
                system.rm(part)
            raise


def check_takes(folder: str) -> None:
    """Put an empty file into a folder of a store and take it away again, before hours of work.

    Raises:
        SinkError, MissingDependencyError: as `put`.
    """
    address = below(folder, _PROBE)
    with tempfile.TemporaryDirectory(prefix="emotion-") as place:
        empty = Path(place, _PROBE)
        empty.touch()
        put(empty, address)
    # Whoever may write need not be allowed to remove.
    with suppress(Exception):
        system, path = _opened(address)
        system.rm(path)


def below(address: str, name: str) -> str:
    """The address of something in a folder of a store."""
    return f"{address.rstrip('/')}/{name}"


def _start(address: str, path: str) -> str:
    """The prefix of an address before the path in its store: a scheme, and perhaps a host."""
    whole = address.rstrip("/")
    inside = path.rstrip("/")
    return (
        whole.removesuffix(inside)
        if inside and whole.endswith(inside)
        else f"{address.partition('://')[0]}://"
    )


def _opened(address: str) -> tuple[Any, str]:
    fsspec = importlib.import_module("fsspec")
    system, path = fsspec.core.url_to_fs(address, use_listings_cache=False)
    return system, str(path)


@contextmanager
def _reaching(address: str, kind: type[SourceError] | type[SinkError]) -> Iterator[None]:
    try:
        yield
    except EmotionError:
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"{address.partition('://')[0]}:// addresses need the package fsspec, and its package for them "
            f"(s3fs, gcsfs): {pip_install('cloud')} ({error})"
        ) from error
    except FileNotFoundError as error:
        if kind is SourceError:
            raise SourceError(f"{shown_url(address)} is not there: check the address.") from error
        raise SinkError(f"{shown_url(address)} cannot be written ({error}): check the address.") from error
    except Exception as error:  # whatever a store's own library raises
        verb = "read" if kind is SourceError else "written"
        raise kind(f"{shown_url(address)} cannot be {verb} ({error or type(error).__name__}).") from error
