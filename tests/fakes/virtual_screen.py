"""A screen without a monitor, keys that are pressed by a program, and what is then to be seen."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

needs_screen = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")),
    reason="needs a screen in memory: apt-get install xvfb xdotool",
)


class Screen:
    """An X server of its own that draws into a file.

    Attributes:
        environment: for programs that are to open their windows there.
    """

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 800)) -> None:
        read, write = os.pipe()
        depth = f"{size[0]}x{size[1]}x24"
        self._server = subprocess.Popen(
            [
                "Xvfb",
                "-displayfd",
                str(write),
                "-screen",
                "0",
                depth,
                "-fbdir",
                str(folder),
                "-nolisten",
                "tcp",
                # When its last program leaves it goes on: one that comes just then would be cut off.
                "-noreset",
            ],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = f":{pipe.readline().strip()}"
        self._picture = folder / "Xvfb_screen0"
        self.environment = {**os.environ, "DISPLAY": self.display}
        self.environment.pop("WAYLAND_DISPLAY", None)

    def press(self, key: str) -> None:
        """Press a key, by its X name, in the window that has the focus."""
        self._do("key", key)

    def wait_for_window(self, title: str) -> str:
        """Wait until a window of this title (a part of it) is there, give it the focus; its number."""
        number = self._do("search", "--sync", "--onlyvisible", "--name", title).split()[-1]
        self._do("windowfocus", "--sync", number)
        return number

    def picture(self) -> np.ndarray:
        """All that is to be seen, uint8 (h, w, 3), BGR."""
        data = self._picture.read_bytes()
        # X's own format of window dumps: header, colour map, rows of BGRX.
        header = struct.unpack(">25I", data[:100])
        size, width, height, row, colours = header[0], header[4], header[5], header[12], header[19]
        begin = size + 12 * colours
        pixels = np.frombuffer(data, np.uint8, row * height, begin).reshape(height, row)
        return pixels[:, : 4 * width].reshape(height, width, 4)[..., :3].copy()

    def close(self) -> None:
        self._server.terminate()
        self._server.wait()

    def _do(self, *command: str) -> str:
        done = subprocess.run(
            ["xdotool", *command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        return done.stdout
