"""Numbers in sentences."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with what it counts: ``1 face``, ``2 faces``.

    Args:
        number: how many.
        one: the word for one; or several words, of which `many` then has all.
        many: the word for any other number; by default that with an s.
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


# Below this many seconds a length has tenths.
_SHORT = 9.95


def video_length(seconds: float) -> str:
    """The length of a video as text, on all pages: ``0:02.3``, from ten seconds on ``0:20``, ``1:06:40``."""
    if seconds < _SHORT:
        return f"0:{seconds and max(0.1, seconds):04.1f}"  # a single frame lasts, too
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def in_bytes(count: float) -> str:
    """A size as text, as on the page: 6 bytes, 20 MiB, 1.5 GiB."""
    if count < 1024:
        return counted(round(count), "byte")
    power = 1
    while power < 3 and count >= 1023.5 * 1024**power:
        power += 1
    count /= 1024**power
    digits = 0 if count >= 10 or count == round(count) else 1
    return f"{count:.{digits}f} {' KMG'[power]}iB"
