"""All pictures of the documentation: ``python -m docs.pictures [--all FOLDER]``.

Those of `docs.drawn_pictures` first. Then Chromium shows the page with the included clip for a camera, the
same clip as a video, and its timeline as a page of its own. `--all` also leaves every view at three widths,
light and dark, in a folder, to be looked at. Needs Chromium and the extras `web` and `dev`.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from docs import drawn_pictures
from emotion.benchmarks.browser import Visitor, camera_clip, launch, server
from emotion.benchmarks.page import submit, wait
from emotion.realtime.sources.demo import DEMO
from emotion.web.http.app import VISITOR

HERE = Path(__file__).parent
# The part of the clip that laughs.
LAUGHS = (14.0, 19.5)
DESKTOP = {"viewport": {"width": 1080, "height": 760}}
TABLET = {"viewport": {"width": 820, "height": 1180}, "is_mobile": True}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}
WIDTHS: dict[str, dict[str, Any]] = {"desktop": DESKTOP, "tablet": TABLET, "phone": PHONE}
TIMELINE: dict[str, Any] = {"viewport": {"width": 1140, "height": 860}}
# Where in the bundled clip, as a share of its length, tears turn into laughter.
TURNS_AT = 0.46
OWNER = "pictures"
# Which view at which width, light or dark, is shown in the documentation.
SHOWN = {
    ("camera", "desktop", "light"): "page-camera.webp",
    ("video", "desktop", "light"): "page-video.webp",
    ("video", "phone", "dark"): "page-phone.webp",
}


def camera(visitor: Visitor, _: str) -> None:
    """The camera, once a face is named."""
    visitor.page.get_by_role("button", name="Start camera").click()
    visitor.until(
        "emotionCamera.results > 30 && emotionCamera.latest?.faces.length && emotionCamera.age < 1000"
    )
    # Chromium calls its camera by the clip's place.
    visitor.page.evaluate("document.getElementById('camera-device').options[0].textContent = 'Camera 1'")
    visitor.page.wait_for_timeout(300)


def video(visitor: Visitor, job: str) -> None:
    """A video's result, with what is said of a moment."""
    visitor.go(f"video/{job}")
    visitor.page.locator(".downloads").wait_for()
    visitor.until("document.querySelector('.player video').readyState > 1")
    chart = visitor.page.locator("canvas.chart").first
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": 0.85 * box["width"], "y": 40})
    visitor.until("!document.querySelector('.player video').seeking")
    chart.hover(position={"x": 0.85 * box["width"], "y": 40})
    visitor.page.wait_for_timeout(500)


def empty(visitor: Visitor, _: str) -> None:
    """The list, without any video."""
    visitor.go("videos")
    visitor.page.locator("#no-jobs").wait_for()


def videos(visitor: Visitor, _: str) -> None:
    """The list of whoever has sent the videos."""
    visitor.context.add_cookies([{"name": VISITOR, "value": OWNER, "url": visitor.address}])
    visitor.page.reload()
    visitor.go("videos")
    visitor.page.locator(".thumb img").first.wait_for()


def photos(visitor: Visitor, _: str) -> None:
    """A photograph with a face."""
    visitor.go("photos")
    visitor.page.get_by_role("button", name="Try a sample photo").click()
    visitor.page.locator(".photo .tile").wait_for()


def first(visitor: Visitor, _: str) -> None:
    """What somebody sees who has just come."""
    visitor.page.get_by_role("button", name="Start camera").wait_for()


def about(visitor: Visitor, _: str) -> None:
    """Which models run."""
    visitor.go("about")
    visitor.page.get_by_text("Technical details").click()
    visitor.page.get_by_text("ResNet-29").first.wait_for()


VIEWS = {
    "first": first,
    "camera": camera,
    "photos": photos,
    "empty": empty,
    "videos": videos,
    "video": video,
    "about": about,
}


def timeline(browser: Browser, page: Path, target: Path) -> None:
    """The page of a video beside its results, with what is said of a moment."""
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


def take(browser: Browser, address: str, job: str, key: tuple[str, str, str], target: Path) -> None:
    """One picture of the whole page, of a video's result of what is in the window."""
    view, width, scheme = key
    visitor = Visitor(browser, address, color_scheme=scheme, **WIDTHS[width])
    VIEWS[view](visitor, job)
    taken = target.with_suffix(".png")
    # What stays in sight while a page is scrolled would lie in the midst of a picture of all of it.
    visitor.page.screenshot(path=taken, full_page=view != "video")
    visitor.close()
    keep(taken, target)


def main() -> None:
    """Take those of the documentation, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--all", type=Path, metavar="FOLDER", help="every view at three widths, light and dark"
    )
    folder = parser.parse_args().all
    wanted = {key: HERE / "images" / name for key, name in SHOWN.items()}
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for view in VIEWS:
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    wanted.setdefault((view, width, scheme), folder / f"{view}-{width}-{scheme}.webp")
    drawn_pictures.main()
    with TemporaryDirectory() as jobs, sync_playwright() as playwright:
        clip = camera_clip(Path(jobs) / "camera.mjpeg", DEMO, *LAUGHS)
        with server(Path(jobs) / "jobs") as address, launch(playwright, clip) as browser:
            job = submit(address, DEMO, cookie=f"{VISITOR}={OWNER}")
            wait(address, [job])
            for key, target in wanted.items():
                take(browser, address, job, key, target)
            timeline(browser, next(Path(jobs).rglob("*.emotions.html")), HERE / "images" / "timeline.webp")


if __name__ == "__main__":
    main()
