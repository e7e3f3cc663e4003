"""Single frames of a video, for data sets: evenly spaced, upright, without sound or exact times."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from emotion.models.names import readable
from emotion.models.regions import Image

_ROUNDED = 0.006  # seconds: names of frames have hundredths


def sample_frames(path: Path, every: float) -> Iterator[tuple[float, Image]]:
    """Frames of a video with their seconds, the first of them and then one each `every` seconds.

    A damaged or truncated video gives the frames up to the damage.

    Args:
        path: of the video; phones' rotation marks are followed.
        every: seconds between two frames; 0 for all of them.

    Returns:
        Seconds, and uint8 (h, w, 3) BGR.
    """
    with _plainly_named(path) as name, contextlib.ExitStack() as stack:
        capture = cv2.VideoCapture(name)
        stack.callback(capture.release)
        wanted = 0.0
        while capture.grab():
            seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if seconds < wanted - 1e-3:
                continue
            there, image = capture.retrieve()
            if there:
                yield seconds, np.asarray(image, dtype=np.uint8)
                wanted = seconds + every


def frame_at(path: Path, seconds: float) -> Image | None:
    """The frame of a video that `sample_frames` gave with these seconds, rounded to a hundredth or not.

    Returns:
        uint8 (h, w, 3) BGR; None if the video cannot be read, or ends before.
    """
    with _plainly_named(path) as name, contextlib.ExitStack() as stack:
        capture = cv2.VideoCapture(name)
        stack.callback(capture.release)
        capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * seconds)
        while capture.grab():
            if capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 >= seconds - _ROUNDED:
                there, image = capture.retrieve()
                return np.asarray(image, dtype=np.uint8) if there else None
    return None


@contextlib.contextmanager
def _plainly_named(path: Path) -> Iterator[str]:
    """A name for OpenCV, which crashes on names that are not UTF-8."""
    name = str(path)
    if readable(name) == name:
        yield name
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, f"video{readable(path.suffix)}")
        link.symlink_to(path.absolute())
        yield str(link)
