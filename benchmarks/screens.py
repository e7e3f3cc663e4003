"""Pictures of every view of the page: ``python -m emotion.benchmarks.screens FOLDER``.

Each view is shown in Chromium at four widths, light and dark, at twice the size, and with colours forced by
the system; a picture of each is written into the folder, for inspection. Meanwhile axe checks accessibility,
and overflow of the window is measured; both are printed, and the command exits with 1 if there is any. The
camera and the video are the included clip, or another one. Needs Chromium and the extras `web` and `dev`.
"""

import argparse
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from emotion.benchmarks.browser import Visitor, camera_clip, launch, server
from emotion.benchmarks.page import submit, wait
from emotion.realtime.sources.demo import DEMO

# The part of the included clip that laughs.
LAUGHS = (14.0, 19.5)
# The cookie of the videos' owner.
VISITOR = "emotion_visitor"
OWNER = "pictures"
_PHONE = {"viewport": {"width": 375, "height": 812}, "is_mobile": True}
_TABLET = {"viewport": {"width": 768, "height": 1024}, "is_mobile": True}
_DESK = {"viewport": {"width": 1280, "height": 800}}
_WIDE = {"viewport": {"width": 1920, "height": 1080}}
# As 1280x800 enlarged to 200%.
_TWICE = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
WINDOWS: dict[str, dict[str, Any]] = {
    **{
        f"{name}-{scheme}": {**window, "color_scheme": scheme}
        for name, window in (("375", _PHONE), ("768", _TABLET), ("1280", _DESK), ("1920", _WIDE))
        for scheme in ("light", "dark")
    },
    "200%": _TWICE,
    "forced": {**_DESK, "forced_colors": "active"},
}


def first(visitor: Visitor, _: str) -> None:
    """The start view."""
    visitor.page.get_by_role("button", name="Start camera").wait_for()


def camera(visitor: Visitor, _: str) -> None:
    """The camera, once there is a face."""
    visitor.page.get_by_role("button", name="Start camera").click()
    visitor.until(
        "emotionCamera.results > 30 && emotionCamera.latest?.faces.length && emotionCamera.age < 1000"
    )
    # Chromium calls its camera by the clip's place.
    visitor.page.evaluate("document.getElementById('camera-device').options[0].textContent = 'Camera 1'")
    visitor.page.wait_for_timeout(300)


def photos(visitor: Visitor, _: str) -> None:
    """A photograph with a face."""
    visitor.go("photos")
    visitor.page.get_by_role("button", name="Try a sample photo").click()
    visitor.page.locator(".photo .tile").wait_for()


def empty(visitor: Visitor, _: str) -> None:
    """The list, without any video."""
    visitor.go("videos")
    visitor.page.locator("#no-jobs").wait_for()


def videos(visitor: Visitor, _: str) -> None:
    """The list of the videos' owner."""
    visitor.context.add_cookies([{"name": VISITOR, "value": OWNER, "url": visitor.address}])
    visitor.page.reload()
    visitor.go("videos")
    visitor.page.locator(".thumb img").first.wait_for()


def question(visitor: Visitor, job: str) -> None:
    """The question before a video is deleted."""
    videos(visitor, job)
    visitor.page.get_by_role("button", name=re.compile("^Delete ")).first.click()
    visitor.page.get_by_role("dialog").wait_for()


def video(visitor: Visitor, job: str) -> None:
    """A video's result, with the values at a time."""
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


def about(visitor: Visitor, _: str) -> None:
    """The view of the models."""
    visitor.go("about")
    visitor.page.get_by_text("Technical details").click()
    visitor.page.get_by_text("ResNet-29").first.wait_for()


VIEWS = {
    "first": first,
    "camera": camera,
    "photos": photos,
    "empty": empty,
    "videos": videos,
    "question": question,
    "video": video,
    "about": about,
}
# What stays in sight while a page is scrolled would lie in the midst of a picture of all of it.
IN_THE_WINDOW = ("video", "question")


@dataclass(frozen=True, slots=True)
class Look:
    """A view in a window.

    Attributes:
        view, window: their names.
        barriers: axe's findings, by the names of its rules.
        sticks_out: CSS pixels by which the page is wider than its window.
    """

    view: str
    window: str
    barriers: tuple[str, ...]
    sticks_out: int


def look(browser: Browser, address: str, job: str, view: str, window: str, target: Path) -> Look:
    """Show a view, leave its picture, and note what is wrong with it."""
    visitor = Visitor(browser, address, **WINDOWS[window])
    VIEWS[view](visitor, job)
    visitor.page.screenshot(path=target, full_page=view not in IN_THE_WINDOW)
    found = Axe().run(visitor.page).response["violations"]
    wide = visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    visitor.close()
    return Look(view, window, tuple(one["id"] for one in found), max(0, wide))


def markdown(looks: Iterable[Look]) -> str:
    """How many pictures of each view there are, and what was found in them."""
    by_view: dict[str, list[Look]] = {}
    for one in looks:
        by_view.setdefault(one.view, []).append(one)
    lines = ["| view | pictures | barriers that axe finds | sticks out |", "|---|---|---|---|"]
    for view, shown in by_view.items():
        barriers = [f"{name} ({one.window})" for one in shown for name in one.barriers]
        wide = [f"{one.sticks_out} px ({one.window})" for one in shown if one.sticks_out]
        lines.append(f"| {view} | {len(shown)} | {', '.join(barriers) or 0} | {', '.join(wide) or 0} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Take all pictures; 1 where anything was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--clip", type=Path, default=DEMO, help="what the camera shows and the video is")
    parser.add_argument("--views", nargs="+", choices=VIEWS, default=list(VIEWS), help="only these")
    parser.add_argument("--windows", nargs="+", choices=WINDOWS, default=list(WINDOWS), help="only these")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    part = LAUGHS if wanted.clip == DEMO else (0.0, LAUGHS[1] - LAUGHS[0])
    with TemporaryDirectory() as jobs, sync_playwright() as playwright:
        clip = camera_clip(Path(jobs) / "camera.mjpeg", wanted.clip, *part)
        with server(Path(jobs) / "jobs") as address, launch(playwright, clip) as browser:
            job = submit(address, wanted.clip, cookie=f"{VISITOR}={OWNER}")
            wait(address, [job])
            looks = [
                look(browser, address, job, view, window, wanted.folder / f"{view}-{window}.png")
                for view in wanted.views
                for window in wanted.windows
            ]
    sys.stdout.write(markdown(looks))
    return int(any(one.barriers or one.sticks_out for one in looks))


if __name__ == "__main__":
    sys.exit(main())
