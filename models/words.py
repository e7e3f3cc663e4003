"""Numbers in sentences."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with what it counts: ``1 face``, ``2 faces``.

    Args:
        number: how many.
        one: the word for one; or several words, of which `many` then has all.
        many: the word for any other number; by default that with an s.
    """
    return f"{number} {one if number == 1 else many or one + 's'}"
