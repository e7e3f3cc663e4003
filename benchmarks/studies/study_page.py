"""How long a study's page takes to open: ``python -m emotion.benchmarks.studies.study_page study.html``.

Printed are the milliseconds from the address to Chromium's first picture and to a page that can be used, in
the middle of several openings, and those in which the page's own process worked; `--picture` keeps what was
seen.
"""

import argparse
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from emotion.benchmarks.browser import CHROMIUM, INSTALL

_TIMES = """() => {
    const [page] = performance.getEntriesByType("navigation");
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    return [paint ? paint.startTime : NaN, page.loadEventEnd];
}"""


def main() -> int:
    """Open it several times, print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", type=Path, help="study.html")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--picture", type=Path, help="a PNG of the whole page")
    chosen = parser.parse_args()
    if CHROMIUM is None:
        print(INSTALL)  # noqa: T201
        return 2
    paints, loads, works = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for number in range(chosen.times):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")
            page.goto(chosen.page.absolute().as_uri())
            page.wait_for_timeout(300)
            paint, load = page.evaluate(_TIMES)
            metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            paints.append(paint)
            loads.append(load)
            works.append(1000 * metrics["TaskDuration"])
            if chosen.picture and number == 0:
                page.screenshot(path=chosen.picture, full_page=True)
            page.close()
        browser.close()
    for name, values in (("first picture", paints), ("loaded", loads), ("worked", works)):
        print(f"{name:<14} {statistics.median(values):7.0f} ms")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
