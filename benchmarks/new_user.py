"""Ten tasks of a new user of the page: ``python -m emotion.benchmarks.new_user [--keyboard]``.

They were written down before any was tried. Each is done with what can be read on the page alone: buttons,
links and fields by their names, in Chromium, with a clip for a camera. With `--keyboard` nothing is clicked:
the tabulator key goes from one thing to the next until the wanted one has the focus. Printed is how long
each took and how many presses it needed, of a button or a key; with `--pictures`, one of each task's end is
left in a folder. Needs Chromium and the extras `web` and `dev`.
"""

import argparse
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
_CLIP_SECONDS = 19.5
# More things than this can have the focus in no view.
_MOST_STOPS = 100


class NewUser:
    """Somebody at the page, who presses what has a name.

    Attributes:
        page: what they see.
        keyboard: whether they have no mouse.
        presses: how often they have pressed something.
    """

    def __init__(self, page: Page, keyboard: bool = False) -> None:
        self.page = page
        self.keyboard = keyboard
        self.presses = 0

    def press(self, kind: str, name: str | re.Pattern[str]) -> None:
        """Press a button, a link or a box by its name."""
        self.click(self.page.get_by_role(kind, name=name).first)  # type: ignore[arg-type]

    def click(self, place: Locator) -> None:
        """Press what is there."""
        if self.keyboard:
            self.reach(place)
            link = place.evaluate("element => element.tagName === 'A'")
            self.page.keyboard.press("Enter" if link else "Space")
        else:
            place.click()
        self.presses += 1

    def reach(self, place: Locator) -> None:
        """Give something the focus, from wherever that is, as the keyboard does."""
        place.wait_for(timeout=_PATIENCE_MS)
        for _ in range(_MOST_STOPS):
            if place.evaluate("element => element.contains(document.activeElement)"):
                return
            self.page.keyboard.press("Tab")
            self.presses += 1
        raise AssertionError(f"the keyboard does not reach {place}")

    def seek(self, chart: Locator, share: float) -> None:
        """Go to a moment of a timeline."""
        if self.keyboard:
            self.reach(chart)
            keys = ["Home", *["ArrowRight"] * round(share * _CLIP_SECONDS)]
            for key in keys:
                self.page.keyboard.press(key)
            self.presses += len(keys)
            return
        box = chart.bounding_box()
        assert box is not None
        chart.click(position={"x": share * box["width"], "y": 30})
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
    """1. See what the program does, without a camera."""
    user.press("button", re.compile("sample clip"))
    user.sees(re.compile("results a second"))
    user.press("button", "Stop clip")


def read_own_face(user: NewUser) -> None:
    """2. Start the camera, and read the label and the prediction of the lips."""
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
    """5. Analyse a photo, and download its table."""
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
    user.seek(user.page.locator("canvas.chart").first, 0.55)
    expect(user.page.locator(".tip")).to_contain_text("happiness")
    user.press("button", "Play")
    user.page.get_by_role("button", name="Pause").wait_for()
    user.press("button", "Pause")


def read_regions_with_keys(user: NewUser) -> None:
    """8. Read the prediction of the eyes at a time, without a mouse."""
    user.page.mouse.move(0, 0)
    user.reach(user.page.locator("canvas.chart").first)
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


def main() -> None:
    """Do all tasks one after another, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keyboard", action="store_true", help="without a mouse")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="where pictures of each end go")
    wanted = parser.parse_args()
    with TemporaryDirectory() as work, sync_playwright() as playwright:
        clip = camera_clip(Path(work) / "camera.mjpeg", DEMO, *_LAUGHS)
        with server(Path(work) / "jobs") as address, launch(playwright, clip) as browser:
            visitor = Visitor(browser, address)
            sys.stdout.write("| task | seconds | presses |\n|---|---|---|\n")
            for number, task in enumerate(TASKS, 1):
                user, begun = NewUser(visitor.page, wanted.keyboard), time.monotonic()
                task(user)
                words = (task.__doc__ or "").strip()
                sys.stdout.write(f"| {words} | {time.monotonic() - begun:.1f} | {user.presses} |\n")
                sys.stdout.flush()
                if wanted.pictures:
                    wanted.pictures.mkdir(parents=True, exist_ok=True)
                    visitor.page.screenshot(path=wanted.pictures / f"task-{number}.png")
            visitor.close()


if __name__ == "__main__":
    main()
