"""A camera for tests: OpenCV's interface, with a picture whenever there is one, and faults on demand."""

import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from tests.helpers.clips import picture


class Camera:
    """The device; it can be plugged in and out, opened several times, and hang.

    Args:
        size: of its pictures.
        rate: as below.
        by_hand: a picture comes only when `give` is called, so that none is lost however late it is taken.

    Attributes:
        opened: the captures that were opened, in order.
        settings: what was asked for last, by property.
        rate: pictures a second.
    """

    def __init__(self, size: tuple[int, int] = (64, 48), rate: float = 100.0, by_hand: bool = False) -> None:
        self.size = size
        self.rate = rate
        self.settings: dict[int, float] = {}
        self.opened: list[FakeCapture] = []
        self.plugged = True
        self.hanging = threading.Event()
        self.woken = threading.Event()
        self.spoil: Callable[[int], bool] = lambda number: False
        self.number = 0
        self._by_hand = by_hand
        self._wanted = threading.Semaphore(0)

    def open(self, device: int | str) -> "FakeCapture":
        capture = FakeCapture(self)
        self.opened.append(capture)
        return capture

    def give(self) -> None:
        """One more picture, of a camera that is fed by hand."""
        self._wanted.release()

    def let_go(self) -> None:
        """Pictures come by themselves from now on, so that nobody waits for one at the end."""
        self._by_hand = False
        self._wanted.release()

    def wait(self) -> None:
        """Until the next picture is there."""
        if self._by_hand:
            self._wanted.acquire()
        else:
            time.sleep(1 / self.rate)

    def hang(self) -> None:
        """From now on a read waits, for ever or until `wake`."""
        self.woken.clear()
        self.hanging.set()

    def wake(self) -> None:
        """Reads that wait go on, and no further one does."""
        self.hanging.clear()
        self.woken.set()


class FakeCapture:
    """What `cv2.VideoCapture` would be for a `Camera`."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._open = camera.plugged
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802
        return self._open

    def grab(self) -> bool:
        assert not self.released
        if self._camera.hanging.is_set():
            self._camera.woken.wait()
        self._camera.wait()
        if not (self._open and self._camera.plugged):
            return False
        self._camera.number += 1
        return True

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        number = self._camera.number
        if self._camera.spoil(number):
            return False, None
        return True, picture(number % 256, self._camera.size)

    def get(self, propId: int) -> float:  # noqa: N803
        return self._camera.rate if propId == cv2.CAP_PROP_FPS else 0.0

    def set(self, propId: int, value: float) -> bool:  # noqa: N803
        self._camera.settings[propId] = value
        return True

    def release(self) -> None:
        self.released = True
