"""A real browser, the server as a process of its own, and a camera that plays a clip.

Needs Chromium and the extras `web` and `dev`.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from playwright.sync_api import Browser, ConsoleMessage, Playwright, Request

from emotion.models.regions import Image
from emotion.realtime.child_process import environment, python_command
from emotion.realtime.sources.file import VideoFile

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
INSTALL = "needs Chromium: apt-get install chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # WebRTC where there is no network, as in a container.
    "--allow-loopback-in-peer-connection",
)
# For each step of a page, on any machine.
_MOST_SECONDS = 240


def camera_clip(path: Path, source: Path, start: float, end: float) -> Path:
    """Write a part of a clip as 640x480 motion JPEG, which Chromium plays as its camera, over and over."""
    with camera_file(path) as show, VideoFile(source) as clip:
        for frame in clip:
            if start <= frame.seconds < end:
                height, width = frame.image.shape[:2]
                left = (width - height * 4 // 3) // 2
                show(np.asarray(cv2.resize(frame.image[:, left : width - left], (640, 480)), np.uint8))
    return path


@contextmanager
def camera_file(path: Path) -> Iterator[Callable[[Image], None]]:
    """A file for Chromium's camera, 25 pictures a second; gives what takes each, BGR (480, 640, 3)."""
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=25, width=640, height=480, pix_fmt="yuvj420p")
        stream.codec_context.qmin = stream.codec_context.qmax = 3

        def show(image: Image) -> None:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))

        yield show
        container.mux(stream.encode(None))


@contextmanager
def server(folder: Path, *options: object, port: int = 0) -> Iterator[str]:
    """`emotion serve`, as a person starts it; gives its address."""
    with started(folder, *options, port=port) as (address, _):
        yield address


@contextmanager
def started(folder: Path, *options: object, port: int = 0) -> Iterator[tuple[str, int]]:
    """The same; gives its process number, too."""
    command = python_command("-m", "emotion", "serve", "--port", str(port), "--folder", str(folder))
    command += tuple(map(str, options))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            assert process.stdout is not None
            output = ""
            # The address comes first, and last, once the models are there, how to end.
            while "Ctrl-C" not in output and (line := process.stdout.readline()):
                output += line
            address = re.search(r"http\S+", output)
            if address is None or "Ctrl-C" not in output:
                raise RuntimeError(f"emotion serve did not start: {output!r}")
            yield address.group(0), process.pid
        finally:
            process.terminate()
            process.wait()


def launch(playwright: Playwright, camera: Path, *further: str) -> Browser:
    """Chromium with a clip for a camera, and further arguments."""
    arguments = [*_ARGUMENTS, f"--use-file-for-fake-video-capture={camera}", *further]
    # A busy machine takes longer than Playwright's own half a minute.
    return playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=1000 * _MOST_SECONDS)


class Visitor:
    """One person's browser window, which notes what the page does that it must not.

    Attributes:
        page: Playwright's page.
        trouble: errors of scripts, breaches of the policy, requests to other machines.
    """

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address = address
        self.context = browser.new_context(**{"viewport": {"width": 1180, "height": 860}} | options)
        self.context.set_default_timeout(1000 * _MOST_SECONDS)
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", self._check)
        self.page.goto(address)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.trouble.append(message.text)

    def _check(self, request: Request) -> None:
        origin = "/".join(self.address.split("/")[:3])
        if not request.url.startswith((origin, "blob:", "data:")):
            self.trouble.append(request.url)

    def go(self, view: str) -> None:
        """Open one of the page's views."""
        self.page.goto(f"{self.address.split('?')[0]}#{view}")

    def until(self, script: str, seconds: float = _MOST_SECONDS) -> Any:
        """Wait until a script returns true; the page's policy forbids Playwright's own way."""
        end = time.monotonic() + seconds
        while not (value := self.page.evaluate(script)):
            assert time.monotonic() < end, f"{script} stays {value!r}"
            self.page.wait_for_timeout(50)
        return value

    def close(self) -> None:
        """Close the window; nothing may have gone wrong in it."""
        self.context.close()
        assert self.trouble == []
