"""Folders of photographs and videos: what is below them, in them and behind symbolic links."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def walk(
    root: Path, failed: Callable[[OSError], object] | None = None
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder from the root on, with the names of its folders and its files, without hidden ones.

    Data are often linked into a user's folder, so symbolic links to folders are followed. Exceptions are
    links to a folder that is found anyway and to a parent folder, which would never end.

    Args:
        root: the first folder.
        failed: called with each folder that cannot be read.

    Yields:
        (folder, its folders, its files): names removed from the second are not visited.
    """
    real, visited = os.path.realpath(root), set[str]()
    for place, folders, files in os.walk(root, onerror=failed, followlinks=True):
        here = os.path.realpath(place)
        if here in visited:
            folders.clear()
            continue
        visited.add(here)
        folders[:] = [
            name for name in folders if not name.startswith(".") and _leads_on(place, name, here, real)
        ]
        yield Path(place), folders, [name for name in files if not name.startswith(".")]


def files_below(root: Path) -> list[Path]:
    """All files below a folder, sorted; see `walk`."""
    found = (place / name for place, _, files in walk(root) for name in files)
    return sorted(path for path in found if path.is_file())


def _leads_on(place: str, name: str, here: str, root: str) -> bool:
    """Whether a folder's content is found only through it."""
    path = os.path.join(place, name)
    if not os.path.islink(path):
        return True
    target = os.path.realpath(path)
    if _is_below(here, target):
        return False
    # Hidden folders of the root are not visited, so their content is found only through a link.
    return not _is_below(target, root) or any(
        part.startswith(".") for part in os.path.relpath(target, root).split(os.sep)
    )


def _is_below(path: str, folder: str) -> bool:
    """Whether a real path is that folder or below it."""
    return Path(path).is_relative_to(folder)
