"""Stores that fsspec knows, as ``s3://`` and ``gs://``: whole files from there, and to there."""

import importlib
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.models.errors import EmotionError, MissingDependencyError
from emotion.models.installing import pip_install
from emotion.models.whole_files import making, partial_path
from emotion.realtime.errors import SinkError, SourceError


@dataclass(frozen=True, slots=True)
class Found:
    """A file in a store.

    Attributes:
        bytes: its size.
        changed_ns: when it was changed, in nanoseconds since 1970; 0 where the store does not say.
    """

    bytes: int
    changed_ns: int


def listed(address: str, recursive: bool = False) -> list[tuple[str, str]]:
    """The files that an address stands for: those of a folder or pattern, else that one.

    Each comes with its folder as seen from the one that was named, empty where it is the same.

    Raises:
        SourceError: the store cannot be asked.
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
        scheme = address.partition("://")[0]
        return [
            (f"{scheme}://{one}", posixpath.dirname(posixpath.relpath(one, base)) if base else "")
            for one in found
        ]


def find(address: str) -> Found | None:
    """What a store says of a file; None where there is none.

    Raises:
        SourceError, MissingDependencyError: as `listed`.
    """
    with _reaching(address, SourceError):
        system, path = _opened(address)
        try:
            told = system.info(path)
        except FileNotFoundError:
            return None
        if told["type"] != "file":
            return None
        changed = 0
        # Stores need not know when a file changed, and each says so in its own way; then its size has to do.
        with suppress(NotImplementedError, AttributeError, KeyError):
            changed = round(system.modified(path).timestamp() * 1e9)
        return Found(int(told["size"]), changed)


def fetch(address: str, path: Path) -> Path:
    """Copy a file of a store; the copy has the original's time of change, so that it is known again.

    Raises:
        SourceError: it is not there, breaks off, or the disk is full.
        MissingDependencyError: as `listed`.
    """
    found = find(address)
    if found is None:
        raise SourceError(f"{address} is not there: check the address.")
    with _reaching(address, SourceError):
        system, place = _opened(address)
        with making(path) as made:
            system.get_file(place, str(made))
            os.utime(made, ns=(found.changed_ns, found.changed_ns))
    if path.stat().st_size != found.bytes:
        raise SourceError(f"{address} breaks off after {path.stat().st_size} of {found.bytes} bytes.")
    return path


def put(path: Path, address: str) -> None:
    """Copy a file into a store: under a partial name beside its place, and then into it.

    Raises:
        SinkError: the store does not take it.
        MissingDependencyError: as `listed`.
    """
    with _reaching(address, SinkError):
        system, place = _opened(address)
        part = posixpath.join(posixpath.dirname(place), partial_path(Path(posixpath.basename(place))).name)
        system.makedirs(posixpath.dirname(place), exist_ok=True)
        try:
            system.put_file(str(path), part)
            system.mv(part, place)
        except BaseException:
            with suppress(Exception):
                system.rm(part)
            raise


def below(address: str, name: str) -> str:
    """The address of something in a folder of a store."""
    return f"{address.rstrip('/')}/{name}"


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
    except Exception as error:  # whatever a store's own library raises
        verb = "read" if kind is SourceError else "written"
        raise kind(f"{address} cannot be {verb} ({error or type(error).__name__}).") from error
