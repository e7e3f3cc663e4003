"""A real browser, the server as a process of its own, and a camera that plays a clip."""

import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import av

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
INSTALL = "needs Chromium: apt-get install chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def camera_clip(path, source, start, end):
    """Write a part of a clip as 640x480 motion JPEG, which Chromium plays as its camera, over and over."""
    with av.open(str(path), "w", format="mjpeg") as container, av.open(str(source)) as clip:
        stream = container.add_stream("mjpeg", rate=25, width=640, height=480, pix_fmt="yuvj420p")
        stream.codec_context.qmin = stream.codec_context.qmax = 3
        for frame in clip.decode(video=0):
            if start <= frame.time < end:
                image = frame.to_image()
                side = image.height * 4 // 3
                left = (image.width - side) // 2
                cut = image.crop((left, 0, left + side, image.height)).resize((640, 480))
                container.mux(stream.encode(av.VideoFrame.from_image(cut)))
        container.mux(stream.encode(None))
    return path


@contextmanager
def server(folder, *options, port=0):
    """`emotion serve`, as a person starts it; gives its address."""
    command = [sys.executable, "-m", "emotion", "serve", "--port", str(port), "--folder", str(folder)]
    with subprocess.Popen(
        [*command, *map(str, options)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as process:
        try:
            said = process.stdout.readline()
            yield re.search(r"http\S+", said).group(0)
        finally:
            process.terminate()
            process.wait()


def launch(playwright, camera):
    """Chromium with a clip for a camera."""
    arguments = [*_ARGUMENTS, f"--use-file-for-fake-video-capture={camera}"]
    return playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)


class Visitor:
    """One person's browser window, which notes what the page does that it must not.

    Attributes:
        page: Playwright's page.
        trouble: errors of scripts, breaches of the policy, requests to other machines.
    """

    def __init__(self, browser, address, **options):
        self.address = address
        self.context = browser.new_context(**{"viewport": {"width": 1180, "height": 860}} | options)
        self.context.set_default_timeout(240_000)
        self.page = self.context.new_page()
        self.trouble = []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", self._check)
        self.page.goto(address)

    def _note(self, message):
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.trouble.append(message.text)

    def _check(self, request):
        origin = re.match(r"https?://[^/]+", self.address).group(0)
        if not request.url.startswith((origin, "blob:", "data:")):
            self.trouble.append(request.url)

    def go(self, view):
        self.page.goto(f"{self.address.split('?')[0]}#{view}")

    def until(self, script, seconds=240):
        """Wait until a script says something true; the page's policy forbids Playwright's own way."""
        end = time.monotonic() + seconds
        while not (value := self.page.evaluate(script)):
            assert time.monotonic() < end, f"{script} stays {value!r}"
            self.page.wait_for_timeout(50)
        return value

    def close(self):
        self.context.close()
        assert self.trouble == []
