"""The checksums of the models that ship, as in the release: ``models/zoo/SHA256SUMS``.

Manifests hold checksums too, but a changed model gets a new manifest. For a release,
``python -m emotion.models.checksums`` writes the file; ``sha256sum -c SHA256SUMS`` reads it, too.

A folder made by `emotion learn` has such a file as well, so that a recipient can verify the
folder; the program updates it with its own later changes.
"""

from collections.abc import Mapping
from pathlib import Path

from emotion.models.atomic_files import write_atomically
from emotion.models.manifest import ZOO
from emotion.models.small_files import sha256

FILE = "SHA256SUMS"
# Text and code, whose line ends Git may change.
_LEFT_OUT = {".md", ".py", ".pyc"}
# A previous version, and what may be removed before a folder is shared: a report, the list of training faces.
_PREVIOUS, _REPORT = ".previous", "report"
FINGERPRINTS = "fingerprints.npz"


def compute(folder: Path = ZOO) -> dict[str, str]:
    """SHA-256 of every file of a folder that the program reads, by its path in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(files)
        if not (path.name in {FILE, FINGERPRINTS} or path.suffix in _LEFT_OUT or _PREVIOUS in path.name)
        and _REPORT not in path.relative_to(folder).parts
    }


def damaged(folder: Path) -> list[str]:
    """The files in the list of a user's folder that are missing or changed."""
    known = read(folder)
    return [name for name in changed(folder) if name in known]


def changed(folder: Path = ZOO) -> list[str]:
    """The files that differ from the release: changed, missing, or unknown."""
    expected, found = read(folder), compute(folder)
    return sorted(name for name in expected | found if expected.get(name) != found.get(name))


def read(folder: Path = ZOO) -> dict[str, str]:
    """The content of the file; empty if it is missing, so that every file counts as changed."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def write(folder: Path = ZOO) -> Path:
    """Write the file, in the format of ``sha256sum``."""
    return _write(folder, compute(folder))


def follow(path: Path) -> None:
    """Note that the program itself has changed or removed a file of a folder with such a list."""
    if not (path.parent / FILE).is_file() or path.suffix in _LEFT_OUT:
        return
    others = {name: digest for name, digest in read(path.parent).items() if name != path.name}
    _write(path.parent, others | ({path.name: sha256(path)} if path.is_file() else {}))


def _write(folder: Path, digests: Mapping[str, str]) -> Path:
    lines = [f"{digest}  {name}\n" for name, digest in sorted(digests.items())]
    write_atomically(folder / FILE, "".join(lines))
    return folder / FILE


if __name__ == "__main__":
    print(write())  # noqa: T201
