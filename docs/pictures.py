"""All pictures of the documentation: ``python -m docs.pictures``.

Those of `docs.drawn_pictures` first. Then Chromium shows the page with the included clip for a camera, the
same clip as a video, and its timeline as a page of its own. Needs Chromium and the extras `web` and `dev`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from docs import drawn_pictures
from emotion.benchmarks.browser import Visitor, camera_clip, launch, server
from emotion.benchmarks.page import submit, wait
from emotion.benchmarks.screens import IN_THE_WINDOW, LAUGHS, OWNER, VIEWS, VISITOR
from emotion.realtime.sources.demo import DEMO

HERE = Path(__file__).parent
DESKTOP = {"viewport": {"width": 1080, "height": 760}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "color_scheme": "dark"}
TIMELINE: dict[str, Any] = {"viewport": {"width": 1140, "height": 860}}
# Where in the bundled clip, as a share of its length, tears turn into laughter.
TURNS_AT = 0.46
# Which view in which window is shown in the documentation.
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "page-camera.webp": ("camera", DESKTOP),
    "page-video.webp": ("video", DESKTOP),
    "page-phone.webp": ("video", PHONE),
}


def timeline(browser: Browser, page: Path, target: Path) -> None:
    """The page of a video beside its results, with the values at a time."""
    shown = browser.new_page(**TIMELINE)
    shown.goto(page.as_uri())
    # The page's policy forbids Playwright's own way to wait.
    while not shown.evaluate("document.getElementById('video').readyState > 1"):
        shown.wait_for_timeout(50)
    row = shown.locator("canvas.chart").first
    box = row.bounding_box()
    assert box is not None
    place = {"x": TURNS_AT * box["width"], "y": box["height"] / 2}
    row.click(position=place)
    while shown.evaluate("document.getElementById('video').seeking"):
        shown.wait_for_timeout(50)
    row.hover(position=place)
    shown.wait_for_timeout(500)
    taken = target.with_suffix(".png")
    shown.screenshot(path=taken)
    shown.close()
    keep(taken, target)


def keep(taken: Path, target: Path) -> None:
    """Save a picture small, in place of the one that was taken."""
    with Image.open(taken) as picture:
        picture.convert("RGB").save(target, quality=82, method=6)
    taken.unlink()


def take(browser: Browser, address: str, job: str, name: str) -> None:
    """One picture of the whole page, of a video's result of what is in the window."""
    view, window = SHOWN[name]
    visitor = Visitor(browser, address, **window)
    VIEWS[view](visitor, job)
    target = HERE / "images" / name
    taken = target.with_suffix(".png")
    visitor.page.screenshot(path=taken, full_page=view not in IN_THE_WINDOW)
    visitor.close()
    keep(taken, target)


def main() -> None:
    """Take all."""
    drawn_pictures.main()
    with TemporaryDirectory() as jobs, sync_playwright() as playwright:
        clip = camera_clip(Path(jobs) / "camera.mjpeg", DEMO, *LAUGHS)
        with server(Path(jobs) / "jobs") as address, launch(playwright, clip) as browser:
            job = submit(address, DEMO, cookie=f"{VISITOR}={OWNER}")
            wait(address, [job])
            for name in SHOWN:
                take(browser, address, job, name)
            timeline(browser, next(Path(jobs).rglob("*.emotions.html")), HERE / "images" / "timeline.webp")


if __name__ == "__main__":
    main()
