"""Passes errors from one thread to another."""

from threading import Lock


class Failures:
    """Errors of other threads, on their way to the one that waits for their work. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._errors: list[tuple[str, BaseException]] = []

    def add(self, error: BaseException, name: str = "") -> None:
        """Take an error, and the name of what failed, for the notes on an earlier one."""
        with self._lock:
            self._errors.append((name, error))

    def take(self) -> list[tuple[str, BaseException]]:
        """All that were not reported yet, with their names; each is given once."""
        with self._lock:
            errors, self._errors = self._errors, []
            return errors

    def raise_first(self) -> None:
        """Raise the first one, once: the very object, with a note on each other. None: do nothing."""
        errors = self.take()
        if not errors:
            return
        (_, first), *others = errors
        for name, error in others:
            first.add_note(f"{name} failed, too: {error}")
        try:
            raise first
        finally:
            # The traceback knows this frame: names for the errors would be a reference cycle.
            del first, others, errors
