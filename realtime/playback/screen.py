"""The display of `emotion live` and `emotion play`: the picture with its results, and actions of keys."""

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from emotion.models.atomic_files import atomic_output
from emotion.models.regions import Image
from emotion.realtime.drawing import hud
from emotion.realtime.drawing.anonymise import PRIVACIES
from emotion.realtime.drawing.options import DrawingOptions, Privacy
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.drawing.window import Key, Pointer, Window
from emotion.realtime.messages import EmotionFrame

# Duration of a message, and update interval of the table of figures.
_NOTICE_SECONDS = 3.0
_FIGURES_SECONDS = 0.5

Rows = Sequence[Sequence[str]]


class Screen:
    """A window and its content; without a window it only draws.

    Args:
        window: None: no window.
        keys: keys and their actions, for the help.
        figures: the table of figures: rows of equal length, the first row is the header.
        options: of privacy and drawing. A key changes how faces are hidden,
            but cannot turn it off if it was on.
        begin, duration: of a video, in seconds, for its timeline; None if it has no end yet.
    """

    def __init__(
        self,
        window: Window | None,
        *,
        keys: Rows,
        figures: Callable[[], Rows],
        options: DrawingOptions | None = None,
        begin: float = 0.0,
        duration: float | None = None,
    ) -> None:
        options = options or DrawingOptions()
        self._window = window
        self._keys = keys
        self._figures = figures
        self._renderer = Renderer(options, begin, duration)
        self._least = options.privacy
        self._picture: Image | None = None
        self._notice = ("", 0.0)
        self._helping = False
        self._measuring = options.show_metrics
        self._rows: tuple[Rows, float] = ((), 0.0)

    @property
    def privacy(self) -> Privacy:
        """How faces are shown now."""
        return self._renderer.privacy

    def draw(self, result: EmotionFrame) -> Image:
        """The picture for display and recording: faces hidden if requested, results drawn."""
        self._picture = self._renderer.draw(result)
        return self._picture

    def say(self, notice: str) -> None:
        """Show a line on top of the picture for some seconds."""
        self._notice = (notice, time.monotonic() + _NOTICE_SECONDS)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last picture, in pixels."""
        return (0, 0) if self._picture is None else (self._picture.shape[1], self._picture.shape[0])

    def pointer(self) -> Pointer:
        """The mouse events since the last call."""
        return Pointer() if self._window is None else self._window.pointer()

    def show(
        self,
        lines: Sequence[str] = (),
        dim: bool = False,
        paint: Callable[[Image], None] | None = None,
    ) -> list[Key]:
        """Show the last picture.

        Args:
            lines: messages; the first that is not empty is shown on top.
            dim: darken the picture, because it is old.
            paint: draws on the shown picture only, in place.

        Returns:
            Keys pressed, except those of the screen itself.
        """
        if self._window is None or self._picture is None:
            return []
        self._window.show(self._dressed(self._picture, lines, dim, paint))
        return [key for key in self._window.pressed() if not self._answered(key)]

    def _dressed(
        self, picture: Image, lines: Sequence[str], dim: bool, paint: Callable[[Image], None] | None
    ) -> Image:
        notice, until = self._notice
        now = time.monotonic()
        line = next(filter(None, (notice if now < until else "", *lines)), "")
        if not (line or dim or paint or self._helping or self._measuring):
            return picture
        # The picture itself may still be written to a file.
        canvas = hud.dimmed(picture) if dim else picture.copy()
        if paint:
            paint(canvas)
        if self._helping:
            hud.table(canvas, "Keys", self._keys)
        elif self._measuring:
            hud.table(canvas, "Figures", self._current_figures(now))
        if line:
            hud.notice(canvas, line)
        return canvas

    def _current_figures(self, now: float) -> Rows:
        if now >= self._rows[1]:
            self._rows = (self._figures(), now + _FIGURES_SECONDS)
        return self._rows[0]

    def _answered(self, key: Key) -> bool:
        """Run the action of a key of the screen itself."""
        if key is Key.HELP:
            self._helping = not self._helping
        elif key is Key.METRICS:
            self._measuring = not self._measuring
        elif key is Key.SCREENSHOT:
            self._save()
        elif key is Key.PRIVACY:
            ways = [way for way in PRIVACIES if self._least == "none" or way != "none"]
            self._renderer.privacy = ways[(ways.index(self._renderer.privacy) + 1) % len(ways)]
            self.say(f"faces: {_WAYS[self._renderer.privacy]}")
        else:
            return False
        return True

    def _save(self) -> None:
        path = _free(time.strftime("emotion-%Y%m%d-%H%M%S"))
        try:
            with atomic_output(path) as made:
                written = self._picture is not None and cv2.imwrite(str(made), self._picture)
                if not written:
                    raise OSError(f"{path} cannot be written")
        except (cv2.error, OSError):
            written = False
        self.say(f"saved as {path}" if written else f"{path} cannot be written here")


def _free(stem: str) -> Path:
    """An unused file name, also if two pictures are saved in a second."""
    names = (Path(f"{stem}{'' if number == 1 else f'-{number}'}.png") for number in itertools.count(1))
    return next(path for path in names if not path.exists())


_WAYS: dict[Privacy, str] = {"none": "as they are", "blur": "blurred", "landmarks": "as landmarks"}
