"""Names of files, which may be any bytes, as text that every file, table and terminal takes."""

import os
import re
import unicodedata

# Control characters, line ends of Unicode, and marks that change the direction of writing.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


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
    """A name from the user's home where it begins with ``~/``, which no shell has replaced."""
    return os.path.expanduser(name) if name.startswith(("~/", f"~{os.sep}")) else name


def composed(name: str) -> str:
    """A name in which each accented letter is one character: tables have it so, files of macOS do not."""
    return unicodedata.normalize("NFC", name)


def escaped(text: str, keep: str = "") -> str:
    r"""Text that a terminal shows as it is: ``\x1b`` for what would move it, colour it or turn it round.

    Args:
        text: a name, or a sentence with names in it.
        keep: characters that stay what they are, such as a line's end.
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _written(found[0]), readable(text))


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode()


def shortened(name: str, limit: int) -> str:
    """The beginning of a name that takes at most `limit` bytes; all of it where it is no longer."""
    data = os.fsencode(name)
    if len(data) <= limit:
        return name
    # Up to three bytes are left of a character that the cut goes through.
    for end in range(limit, limit - 4, -1):
        cut = os.fsdecode(data[:end])
        if readable(cut) == cut or readable(name) != name:
            return cut
    return cut
