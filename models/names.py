"""Names of files, which may be any bytes, as text that is valid in every file, table and terminal."""

import os
import re
import unicodedata
from urllib.parse import unquote

# Control characters, line ends of Unicode, and marks that change the direction of writing.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_FILE = "file://"
_DRIVE = re.compile(r"/[A-Za-z]:")


def readable(name: str) -> str:
    r"""A name as text of Unicode: bytes that are no UTF-8 become ``\xe9``.

    Python keeps such bytes as lone surrogates, which no file of UTF-8, and no table, can hold.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return name


def expanded(name: str) -> str:
    """A name with ``~/`` at its beginning expanded to the user's home, if the shell has not done it."""
    return os.path.expanduser(name) if name.startswith(("~/", f"~{os.sep}")) else name


def local(name: str) -> str:
    """The path of a ``file://`` address, as desktops and `Path.as_uri` write it; other names as they are."""
    if not name.lower().startswith(_FILE):
        return name
    written = name[len(_FILE) :].removeprefix("localhost")
    meant = unquote(written)
    if os.path.exists(written) and not os.path.exists(meant):
        return written
    return meant[1:] if _DRIVE.match(meant) and os.name == "nt" else meant


def composed(name: str) -> str:
    """A name with composed accents (NFC), as in tables; file names on macOS have decomposed ones."""
    return unicodedata.normalize("NFC", name)


def without_name(sentence: str, name: str) -> str:
    """A sentence on a file, such as ``clip.mp4: it ends early.``, for where its name stands already."""
    rest = sentence.removeprefix(f"{name}: ")
    return rest[:1].upper() + rest[1:]


def escaped(text: str, keep: str = "") -> str:
    r"""Text that is safe to print: control characters of a terminal are escaped, such as ``\x1b``.

    Args:
        text: a name, or a sentence with names in it.
        keep: characters that stay what they are, such as a line's end.
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _written(found[0]), readable(text))


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode()


def shortened(name: str, limit: int) -> str:
    """The beginning of a name, at most `limit` bytes."""
    data = os.fsencode(name)
    if len(data) <= limit:
        return name
    # A truncated last character leaves up to three bytes.
    for end in range(limit, limit - 4, -1):
        cut = os.fsdecode(data[:end])
        if readable(cut) == cut or readable(name) != name:
            return cut
    return cut
