"""A video in a window, and its keys."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from emotion.models.regions import Image
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.drawing.window import Key, Window
from emotion.realtime.media import VideoInfo
from emotion.realtime.pipeline.channel import NothingYetError
from emotion.realtime.pipeline.stage import Step
from emotion.realtime.playback.clock import PlayClock
from emotion.realtime.playback.live import prompt_threads
from emotion.realtime.playback.options import SPEEDS
from emotion.realtime.playback.player import Player
from emotion.realtime.playback.result_index import ResultIndex
from emotion.realtime.playback.screen import Rows, Screen
from emotion.realtime.playback.sound import Sound
from emotion.realtime.sources.file import VideoFile

_JUMP_SECONDS = 5.0
_POLL_SECONDS = 0.02
# Seconds for which the timeline is shown after a mouse movement or a seek.
_BAR_SECONDS = 3.0
_VOLUME_STEP = 0.1

KEYS: Rows = (
    ("space", "pause, go on"),
    ("left, right", f"{_JUMP_SECONDS:.0f} seconds back, forward"),
    (", .", "a picture back, forward"),
    ("+ -", "faster, slower"),
    ("up, down", "louder, quieter"),
    ("u", "sound off, on"),
    ("mouse", "timeline: click to go there"),
    ("s", "save the picture"),
    ("m", "figures"),
    ("p", "hide faces: not, blurred, landmarks"),
    ("h", "these keys"),
    ("q, Esc", "quit"),
)


class VideoView:
    """A player, its screen, its sound and its keys.

    Args:
        player: owned from here on.
        screen: shows the player's pictures.
        info: of the video.
        sound: of the video; None: no sound. Owned from here on.
    """

    def __init__(self, player: Player, screen: Screen, info: VideoInfo, sound: Sound | None = None) -> None:
        self._player = player
        self._screen = screen
        self._sound = sound
        self._duration = info.duration_seconds
        self._strip = Strip(float(info.first_pts * info.time_base), self._duration)
        self._bar_until = 0.0
        self._ended = False

    def run(self) -> None:
        """Run until the user quits.

        Raises:
            SourceError: the video breaks off.
        """
        with ExitStack() as stack:
            stack.enter_context(self._player)
            if self._sound:
                stack.callback(self._sound.close)
            while Key.QUIT not in (keys := self._turn()):
                for key in keys:
                    self._obey(key)
                self._point()
                self._player.hold = self._screen.privacy != "none"
                if self._sound:
                    self._sound.follow()

    def _turn(self) -> list[Key]:
        """Update the display; returns the keys pressed meanwhile."""
        try:
            self._screen.draw(self._player.take(_POLL_SECONDS))
            self._ended = False
        except NothingYetError:
            self._refresh()
        except StopIteration:
            self._ended = True
            self._player.clock.stop()
            time.sleep(_POLL_SECONDS)
        return self._screen.show([self._state()], paint=self._seek_bar())

    def _refresh(self) -> None:
        """Update the picture while paused, with new results and settings of the screen."""
        shown = self._player.again()
        if self._player.paused and shown is not None:
            self._screen.draw(shown)

    def _seek_bar(self) -> Callable[[Image], None] | None:
        """The timeline of the known results, during seeking."""
        while self._player.news:
            moment = self._player.news.popleft()
            self._strip.add(moment.seconds, moment.faces)
        wanted = self._player.paused or self._ended or time.monotonic() < self._bar_until
        return self._paint_bar if wanted and self._duration else None

    def _paint_bar(self, canvas: Image) -> None:
        self._strip.paint(canvas, self._player.clock.position)

    def _point(self) -> None:
        """A mouse movement shows the timeline, a click in it seeks."""
        pointer = self._screen.pointer()
        if pointer.moved:
            self._bar_until = time.monotonic() + _BAR_SECONDS
        width, height = self._screen.size
        for x, y in pointer.clicks[-1:]:
            place = self._strip.seconds_at(x, width, height)
            if place is not None and y >= self._strip.rect(width, height).top:
                self._player.seek(place)

    def _state(self) -> str:
        """A line about unusual states."""
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
            self._jump(place - _JUMP_SECONDS)
        elif key is Key.FORWARD:
            last = max(0.0, (self._duration or place + _JUMP_SECONDS) - 0.5)
            self._jump(min(place + _JUMP_SECONDS, max(last, place)))
        elif key is Key.STEP:
            player.step()
        elif key is Key.STEP_BACK:
            player.step_back()
        elif key in (Key.FASTER, Key.SLOWER):
            at = SPEEDS.index(player.clock.speed) + (1 if key is Key.FASTER else -1)
            player.clock.speed = SPEEDS[min(max(at, 0), len(SPEEDS) - 1)]
            self._screen.say(f"{player.clock.speed:g}x")
        elif key in (Key.MUTE, Key.LOUDER, Key.QUIETER):
            self._set_sound(key)

    def _jump(self, seconds: float) -> None:
        self._bar_until = time.monotonic() + _BAR_SECONDS
        self._player.seek(seconds)

    def _set_sound(self, key: Key) -> None:
        sound = self._sound
        if sound is None:
            self._screen.say("no sound")
            return
        if key is Key.MUTE:
            sound.muted = not sound.muted
        else:
            sound.muted = False
            sound.volume += _VOLUME_STEP if key is Key.LOUDER else -_VOLUME_STEP
        self._screen.say("sound off" if sound.muted else f"volume {sound.volume:.0%}")


def figures(player: Player) -> Rows:
    """The player's metrics, as a table."""
    snapshot = player.metrics.snapshot()
    seconds = max(snapshot.seconds, 1e-9)
    rows = [["", "in", "out", "busy", "waiting"]]
    for stage in snapshot.stages:
        shares = (f"{stage.busy / seconds:.0%}", f"{stage.waiting / seconds:.0%}")
        rows.append([stage.name, str(stage.taken or ""), str(stage.given), *shares])
    rows.append(["pictures analysed", str(len(player.known)), "", "", ""])
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
    say: Callable[[str], object] = lambda sentence: None,
) -> None:
    """Play a video until the user quits.

    Args:
        path, info: the video and its metadata.
        window: closed at the end.
        stages: of `EveryFrame`; none if all results are known.
        known: results, to which those of the stages are added.
        options: of drawing.
        speed: one of `SPEEDS`.
        say: called with a message if the sound cannot be played.

    Raises:
        SourceError: the video breaks off.
    """
    options = options or DrawingOptions()
    origin = float(info.first_pts * info.time_base)

    def open_at(seconds: float) -> VideoFile:
        return VideoFile(path, start=max(seconds, origin))

    with window, prompt_threads():
        hold = options.privacy != "none" and bool(stages)
        player = Player(open_at, stages, known, step=float(1 / info.average_rate), hold=hold)
        player.clock.speed = speed
        screen = Screen(
            window,
            keys=KEYS,
            figures=lambda: figures(player),
            options=options,
            begin=origin,
            duration=info.duration_seconds,
        )
        VideoView(player, screen, info, _sound(path, info, player.clock, say)).run()


def _sound(path: Path, info: VideoInfo, clock: PlayClock, say: Callable[[str], object]) -> Sound | None:
    """The video's sound, if it has any and this machine can play it."""
    if not info.has_audio:
        return None
    try:
        return Sound(path, clock)
    except OSError as error:
        say(f"The video is played without its sound: {error}.")
        return None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{minutes:.0f}:{rest:04.1f}"
