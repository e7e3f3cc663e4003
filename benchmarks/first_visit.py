"""What the page's first visit costs: ``python -m emotion.benchmarks.first_visit`` prints a table.

Of each view, opened in a fresh Chromium: milliseconds to the first picture (first contentful paint) and
until all is there, requests, kB as sent and as they would be compressed, and how long the page's scripts kept
it from answering (tasks of more than 50 ms). Needs Chromium and the extras `web` and `dev`.
"""

import gzip
import sys
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Response

VIEWS = ("camera", "photos", "videos", "about")
_FIGURES = """() => new Promise((resolve) => {
    const long = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration)))
        .observe({ type: "longtask", buffered: true });
    const [page] = performance.getEntriesByType("navigation");
    const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
    setTimeout(() => resolve({ paint, whole: page.loadEventEnd, long }), 500);
})"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One view's first visit.

    Attributes:
        view: its name in the address.
        paint_ms, whole_ms: until something is seen, until all is loaded.
        requests: of files, the list of videos and the facts about models.
        kilobytes, compressed: of what was sent, in kB (1000 bytes).
        long_ms: of all tasks above 50 ms together.
    """

    view: str
    paint_ms: int
    whole_ms: int
    requests: int
    kilobytes: float
    compressed: float
    long_ms: int


def visit(view: str, figures: dict[str, object], bodies: Iterable[bytes]) -> Visit:
    """The figures of a view.

    Args:
        view: its name.
        figures: what `_FIGURES` gives: milliseconds as `paint` and `whole`, and of each long task as `long`.
        bodies: of all responses.
    """
    sent = list(bodies)
    long = figures["long"]
    assert isinstance(long, list)
    return Visit(
        view,
        round(float(str(figures["paint"]))),
        round(float(str(figures["whole"]))),
        len(sent),
        round(sum(map(len, sent)) / 1000, 1),
        round(sum(len(gzip.compress(body)) for body in sent) / 1000, 1),
        round(sum(map(float, long))),
    )


def markdown(visits: Iterable[Visit]) -> str:
    """The figures as a table."""
    lines = [
        "| view | first paint, ms | loaded, ms | requests | kB | kB compressed | long tasks, ms |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(map(str, astuple(one)))} |" for one in visits]
    return "\n".join(lines) + "\n"


def _noting(responses: "list[Response]") -> "Callable[[Response], None]":
    """What adds to a list: Playwright takes no method of a built-in type."""

    def note(response: "Response") -> None:
        responses.append(response)

    return note


def measure() -> list[Visit]:
    """Open each view once, each in a browser window without a cache."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  the figures need no browser

    from emotion.benchmarks.browser import CHROMIUM, server  # noqa: PLC0415

    found = []
    with TemporaryDirectory() as folder, sync_playwright() as playwright, server(Path(folder)) as address:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for view in VIEWS:
            page = browser.new_page()
            responses: list[Response] = []
            page.on("response", _noting(responses))
            page.goto(f"{address}#{view}", wait_until="load")
            figures = page.evaluate(_FIGURES)
            # The stream of changes never ends and so has no body.
            bodies = [response.body() for response in responses if not response.url.endswith("/events")]
            found.append(visit(view, figures, bodies))
            page.close()
        browser.close()
    return found


if __name__ == "__main__":
    sys.stdout.write(markdown(measure()))
