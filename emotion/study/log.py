"""The log of a study, one JSON object per line: ``log.jsonl``."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emotion.models.atomic_files import partial_path
from emotion.realtime.sinks.partial_file import PartialFile, Publish


class Log:
    """Appends a line for each event, after those of earlier runs.

    Args:
        path: of the log.
        earlier: its lines so far, from `lines_of`.
        publish: gives the complete file its final name.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(self, path: Path, earlier: Iterable[str], publish: Publish) -> None:
        self._draft = PartialFile(path, None, publish)
        self._draft.append("".join(f"{line}\n" for line in earlier).encode())

    def note(self, event: str, **values: Any) -> None:
        """Write an event.

        Raises:
            SinkError: it cannot be written.
        """
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._draft.append(json.dumps({"time": time, "event": event, **values}).encode() + b"\n")

    def close(self) -> Path:
        """Give it its final name."""
        return self._draft.publish()

    def keep(self) -> Path:
        """Keep it as a partial file, which the next run continues."""
        return self._draft.keep()


def lines_of(path: Path) -> list[str]:
    """The complete lines of a log, of finished runs and of an interrupted one."""
    found: list[str] = []
    for place in (path, partial_path(path)):
        with suppress(OSError, UnicodeDecodeError):
            for line in place.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError):
                    json.loads(line)
                    found.append(line)
    return list(dict.fromkeys(found))
