"""Renders a result: hides faces if requested, then draws the results on top."""

from emotion.models.regions import Image
from emotion.realtime.drawing.anonymise import Anonymiser
from emotion.realtime.drawing.margin import clear_of_margin, with_margin
from emotion.realtime.drawing.options import DrawingOptions, Privacy
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.messages import EmotionFrame


class Renderer:
    """Draws one stream of results; one for each stream, and not thread-safe.

    Args:
        options: of privacy, and of drawing.
        begin, duration: of a video, in seconds, for its timeline; None if it has no end yet.
        partly: pictures are for an mp4, as of `Overlay`.
    """

    def __init__(
        self,
        options: DrawingOptions | None = None,
        begin: float = 0.0,
        duration: float | None = None,
        partly: bool = False,
    ) -> None:
        options = options or DrawingOptions()
        self._options = options
        self._anonymiser = Anonymiser(options.privacy)
        self._overlay = Overlay(options, Strip(begin, duration) if options.draw_timeline else None, partly)

    @property
    def privacy(self) -> Privacy:
        """Change how faces are shown from the next picture on."""
        return self._anonymiser.mode

    @privacy.setter
    def privacy(self, privacy: Privacy) -> None:
        self._anonymiser.mode = privacy

    def draw(self, result: EmotionFrame) -> Image:
        """A new picture, uint8 (h, w, 3), BGR, of the frame's size; the frame's own is unchanged."""
        return self._overlay.draw(self._anonymiser.hide(result))

    def draw_photograph(self, result: EmotionFrame) -> Image:
        """The same of a photograph, with a margin (`with_margin`) if its face fills it."""
        widened = with_margin(result, self._options)
        hidden = self._anonymiser.hide(widened)
        return self._overlay.draw(hidden if widened is result else clear_of_margin(hidden, result))
