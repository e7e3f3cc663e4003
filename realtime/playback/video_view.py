"""A video in a window, and the keys that lead through it."""

import time
from collections.abc import Sequence
from pathlib import Path

from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.window import Key, Window
from emotion.realtime.media import VideoInfo
from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.pipeline.pipeline import Step
from emotion.realtime.playback.live import quick_switching
from emotion.realtime.playback.options import SPEEDS
from emotion.realtime.playback.player import Player
from emotion.realtime.playback.result_index import ResultIndex
from emotion.realtime.playback.screen import Rows, Screen
from emotion.realtime.sources.file import VideoFile

_JUMP_SECONDS = 5.0
_POLL_SECONDS = 0.02

KEYS: Rows = (
    ("space", "pause, go on"),
    ("left, right", f"{_JUMP_SECONDS:.0f} seconds back, forward"),
    (", .", "a picture back, forward"),
    ("+ -", "faster, slower"),
    ("s", "save the picture"),
    ("m", "figures"),
    ("p", "hide faces: not, blurred, landmarks"),
    ("h", "these keys"),
    ("q, Esc", "quit"),
)


class VideoView:
    """A player, its screen and its keys.

    Args:
        player: owned from here on.
        screen: shows what the player gives.
        info: of the video.
    """

    def __init__(self, player: Player, screen: Screen, info: VideoInfo) -> None:
        self._player = player
        self._screen = screen
        self._duration = info.duration_seconds
        self._ended = False
        self._known = -1

    def run(self) -> None:
        """Go on until somebody quits.

        Raises:
            SourceError: the video breaks off.
        """
        with self._player:
            while Key.QUIT not in (keys := self._turn()):
                for key in keys:
                    self._obey(key)
                self._player.hold = self._screen.privacy != "none"

    def _turn(self) -> list[Key]:
        """Show what is to be shown now; the keys pressed meanwhile."""
        try:
            self._screen.draw(self._player.take(_POLL_SECONDS))
            self._ended = False
        except NothingYetError:
            self._refresh()
        except StopIteration:
            self._ended = True
            self._player.clock.stop()
            time.sleep(_POLL_SECONDS)
        return self._screen.show([self._state()])

    def _refresh(self) -> None:
        """While it stands still, results and wishes of the screen may come in."""
        shown = self._player.again()
        if self._player.paused and shown is not None:
            self._screen.draw(shown)

    def _state(self) -> str:
        """What is unusual, in a line."""
        player = self._player
        place = _clock(player.clock.position)
        if self._duration:
            place = f"{place} / {_clock(self._duration)}"
        if self._ended:
            return f"the end · {place} · left goes back, q quits"
        if player.paused:
            return f"paused · {place}"
        return "" if player.clock.speed == 1 else f"{player.clock.speed:g}x · {place}"

    def _obey(self, key: Key) -> None:
        player = self._player
        place = player.clock.position
        if key is Key.PAUSE:
            player.pause(not player.paused)
        elif key is Key.BACK:
            player.seek(place - _JUMP_SECONDS)
        elif key is Key.FORWARD:
            last = max(0.0, (self._duration or place + _JUMP_SECONDS) - 0.5)
            player.seek(min(place + _JUMP_SECONDS, max(last, place)))
        elif key is Key.STEP:
            player.step()
        elif key is Key.STEP_BACK:
            player.step_back()
        elif key in (Key.FASTER, Key.SLOWER):
            at = SPEEDS.index(player.clock.speed) + (1 if key is Key.FASTER else -1)
            player.clock.speed = SPEEDS[min(max(at, 0), len(SPEEDS) - 1)]
            self._screen.say(f"{player.clock.speed:g}x")


def figures(player: Player) -> Rows:
    """What the player did, as a table."""
    snapshot = player.metrics.snapshot()
    seconds = max(snapshot.seconds, 1e-9)
    rows = [["", "in", "out", "busy", "waiting"]]
    for stage in snapshot.stages:
        shares = (f"{stage.busy / seconds:.0%}", f"{stage.waiting / seconds:.0%}")
        rows.append([stage.name, str(stage.taken or ""), str(stage.given), *shares])
    rows.append(["pictures looked at", str(len(player.known)), "", "", ""])
    rows.append(["too late to be shown", str(player.late), "", "", ""])
    return rows


def play(
    path: Path,
    info: VideoInfo,
    window: Window,
    stages: Sequence[Step] = (),
    known: ResultIndex | None = None,
    options: DrawingOptions | None = None,
    speed: float = 1.0,
) -> None:
    """Play a video until somebody quits.

    Args:
        path, info: the video, and what is known of it.
        window: closed in the end.
        stages: of `EveryFrame`; none where all is known already.
        known: results, to which those of the stages are added.
        options: what pictures look like.
        speed: one of `SPEEDS`.

    Raises:
        SourceError: the video breaks off.
    """
    options = options or DrawingOptions()
    origin = float(info.first_pts * info.time_base)

    def open_at(seconds: float) -> VideoFile:
        return VideoFile(path, start=max(seconds, origin))

    with window, quick_switching():
        hold = options.privacy != "none" and bool(stages)
        player = Player(open_at, stages, known, step=float(1 / info.average_rate), hold=hold)
        player.clock.speed = speed
        screen = Screen(window, keys=KEYS, figures=lambda: figures(player), options=options)
        VideoView(player, screen, info).run()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{minutes:.0f}:{rest:04.1f}"
