"""The checksums of the models that ship, as the release has them: ``models/zoo/SHA256SUMS``.

Manifests hold checksums too, but whoever changes a model writes its manifest anew. Who makes a release
calls ``python -m emotion.models.checksums``, which writes it; ``sha256sum -c SHA256SUMS`` reads it, too.
"""

from pathlib import Path

from emotion.models.manifest import ZOO
from emotion.models.small_files import sha256
from emotion.models.whole_files import write_whole

FILE = "SHA256SUMS"
# Words for people, and code, which Git may give other line ends.
_LEFT_OUT = {".md", ".py", ".pyc"}


def compute(folder: Path = ZOO) -> dict[str, str]:
    """SHA-256 of every file of a folder that the program reads, by its path in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(files)
        if path.name != FILE and path.suffix not in _LEFT_OUT
    }


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
    path = folder / FILE
    lines = [f"{digest}  {name}\n" for name, digest in compute(folder).items()]
    write_whole(path, "".join(lines))
    return path


if __name__ == "__main__":
    print(write())  # noqa: T201
