"""Names of files, which may be any bytes, as text that every file, table and terminal takes."""

import os


def readable(name: str) -> str:
    r"""A name as text of Unicode: bytes that are no UTF-8 become ``\xe9``.

    Python keeps such bytes as lone surrogates, which no file of UTF-8, and no table, can hold.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    return name


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
