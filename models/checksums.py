"""The checksums of the models that ship, as the release has them: ``models/zoo/SHA256SUMS``.

Manifests hold checksums too, but whoever changes a model writes its manifest anew. Who makes a release
calls ``python -m emotion.models.checksums``, which writes it; ``sha256sum -c SHA256SUMS`` reads it, too.

A folder of the user's own that `emotion learn` made has such a file as well, so that whoever gets it sent
knows that it came whole; what the program itself changes in it later is followed.
"""

from collections.abc import Mapping
from pathlib import Path

from emotion.models.atomic_files import write_atomically
from emotion.models.manifest import ZOO
from emotion.models.small_files import sha256

FILE = "SHA256SUMS"
# Words for people, and code, which Git may give other line ends.
_LEFT_OUT = {".md", ".py", ".pyc"}
# A version back, and a report, which may be removed.
_PREVIOUS, _REPORT = ".previous", "report"


def compute(folder: Path = ZOO) -> dict[str, str]:
    """SHA-256 of every file of a folder that the program reads, by its path in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(files)
        if not (path.name == FILE or path.suffix in _LEFT_OUT or _PREVIOUS in path.name)
        and _REPORT not in path.relative_to(folder).parts
    }


def damaged(folder: Path) -> list[str]:
    """The files that the list of a folder of one's own knows, and that are missing or changed."""
    known = read(folder)
    return [name for name in changed(folder) if name in known]


def changed(folder: Path = ZOO) -> list[str]:
    """The files that are not those of the release: changed, missing, or there without being known."""
    expected, found = read(folder), compute(folder)
    return sorted(name for name in expected | found if expected.get(name) != found.get(name))


def read(folder: Path = ZOO) -> dict[str, str]:
    """What the file says; nothing where it is missing, so that every file counts as changed."""
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
