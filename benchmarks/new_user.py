"""Ten tasks of a new user of the page: ``python -m emotion.benchmarks.new_user [FOLDER]``.

They were written down before any was tried. Each is done with what can be read on the page alone: buttons,
links and fields by their names, in Chromium, with a clip for a camera. Printed is how long each took and how
many presses it needed; with a folder, a picture of each task's end is left there. Needs Chromium and the
extras `web` and `dev`.
"""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Locator, Page, expect, sync_playwright

from emotion.benchmarks.browser import Visitor, camera_clip, launch, server
from emotion.realtime.sources.demo import DEMO

_PATIENCE_MS = 120_000
_LAUGHS = (14.0, 19.5)


class NewUser:
    """Somebody at the page, who presses what has a name.

    Attributes:
        page: what they see.
        presses: how often they have pressed something.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.presses = 0

    def press(self, kind: str, name: str | re.Pattern[str]) -> None:
        """Press a button, a link or a box by its name."""
        self.click(self.page.get_by_role(kind, name=name).first)  # type: ignore[arg-type]

    def click(self, place: Locator, **where: object) -> None:
        """Press what is there."""
        place.click(**where)  # type: ignore[arg-type]
        self.presses += 1

    def sees(self, what: str | re.Pattern[str]) -> None:
        """Wait until a text is to be seen."""
        expect(self.page.get_by_text(what).locator("visible=true").first).to_be_visible(timeout=_PATIENCE_MS)

    def saves(self, kind: str, name: str | re.Pattern[str]) -> int:
        """Press what saves a file; its size in bytes."""
        with self.page.expect_download(timeout=_PATIENCE_MS) as download:
            self.press(kind, name)
        return download.value.path().stat().st_size


def watch_without_a_camera(user: NewUser) -> None:
    """1. See what the program does, without a camera of one's own."""
    user.press("button", re.compile("sample clip"))
    user.sees(re.compile("results a second"))
    user.press("button", "Stop camera")


def read_own_face(user: NewUser) -> None:
    """2. Start the camera, and read what one's face shows and what the lips say alone."""
    user.press("button", "Start camera")
    expect(user.page.get_by_role("region", name="Person 1")).to_contain_text("Lips", timeout=_PATIENCE_MS)
    user.sees("Happiness")


def hide_faces(user: NewUser) -> None:
    """3. Hide the faces in the camera's picture."""
    user.click(user.page.get_by_label("Blur faces"))
    user.page.locator("#drawn:visible").wait_for(timeout=_PATIENCE_MS)


def keep_a_picture(user: NewUser) -> None:
    """4. Keep a picture of it, and end the camera."""
    assert user.saves("button", "Snapshot") > 10_000
    user.press("button", "Stop camera")


def look_at_a_photo(user: NewUser) -> None:
    """5. Have a photo looked at, and take its numbers along as a table."""
    user.press("link", "Photos")
    user.press("button", "Try a sample photo")
    user.sees("1 face")
    assert user.saves("button", re.compile("Download the table")) > 50


def annotate_a_video(user: NewUser) -> None:
    """6. Have a video annotated, see how far it is, and open the result."""
    user.press("link", "Videos")
    user.press("button", "Try the sample clip")
    user.sees(re.compile("frames a second"))
    user.page.locator(".thumb img").first.wait_for(timeout=10 * _PATIENCE_MS)
    user.press("link", "sample.mp4")
    user.page.locator("canvas.chart").wait_for()


def find_the_laugh(user: NewUser) -> None:
    """7. Go to where the person laughs, and play from there."""
    chart = user.page.locator("canvas.chart").first
    box = chart.bounding_box()
    assert box is not None
    user.click(chart, position={"x": 0.55 * box["width"], "y": 30})
    expect(user.page.locator(".tip")).to_contain_text("happiness")
    user.press("button", "Play")
    user.page.get_by_role("button", name="Pause").wait_for()
    user.press("button", "Pause")


def read_regions_with_keys(user: NewUser) -> None:
    """8. Read what the eyes say at a moment, without a mouse."""
    user.page.mouse.move(0, 0)
    user.page.locator("canvas.chart").first.focus()
    user.page.keyboard.press("ArrowLeft")
    user.presses += 1
    expect(user.page.locator(".tip")).to_contain_text("Eyes")


def take_all_along(user: NewUser) -> None:
    """9. Take all results along, and find out what the column `label` means."""
    assert user.saves("link", re.compile("Everything")) > 100_000
    user.click(user.page.get_by_text("What the columns mean"))
    user.sees("the word that is shown")


def leave_nothing(user: NewUser) -> None:
    """10. Delete the video, and find out what the program must not be used for."""
    user.press("button", "Delete sample.mp4")
    user.press("button", re.compile("^Delete$"))
    user.page.locator("#no-jobs").wait_for(timeout=_PATIENCE_MS)
    user.press("link", "About")
    user.sees("Do not judge people by it")


TASKS: tuple[Callable[[NewUser], None], ...] = (
    watch_without_a_camera,
    read_own_face,
    hide_faces,
    keep_a_picture,
    look_at_a_photo,
    annotate_a_video,
    find_the_laugh,
    read_regions_with_keys,
    take_all_along,
    leave_nothing,
)


def main(folder: Path | None = None) -> None:
    """Do all tasks one after another, and print a table."""
    with TemporaryDirectory() as work, sync_playwright() as playwright:
        clip = camera_clip(Path(work) / "camera.mjpeg", DEMO, *_LAUGHS)
        with server(Path(work) / "jobs") as address, launch(playwright, clip) as browser:
            visitor = Visitor(browser, address)
            sys.stdout.write("| task | seconds | presses |\n|---|---|---|\n")
            for number, task in enumerate(TASKS, 1):
                user, begun = NewUser(visitor.page), time.monotonic()
                task(user)
                words = (task.__doc__ or "").strip()
                sys.stdout.write(f"| {words} | {time.monotonic() - begun:.1f} | {user.presses} |\n")
                sys.stdout.flush()
                if folder:
                    folder.mkdir(parents=True, exist_ok=True)
                    visitor.page.screenshot(path=folder / f"task-{number}.png")
            visitor.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
