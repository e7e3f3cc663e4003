"""Picture files, by paths that OpenCV's own functions refuse on Windows (not only ASCII)."""

from pathlib import Path

import cv2
import numpy as np

from emotion.models.regions import Image


def read_bgr(path: Path) -> Image | None:
    """A picture as uint8 (h, w, 3) BGR, or None where the file is not one."""
    return _read(path, cv2.IMREAD_COLOR)


def read_gray(path: Path) -> Image | None:
    """A picture as uint8 (h, w), or None where the file is missing or not one."""
    return _read(path, cv2.IMREAD_GRAYSCALE)


def write_png(path: Path, image: Image) -> None:
    """Write uint8 (h, w) or (h, w, 3) BGR without loss; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imencode(".png", image)[1].tofile(path)


def _read(path: Path, mode: int) -> Image | None:
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError:
        return None
    image = cv2.imdecode(data, mode) if data.size else None
    return None if image is None else np.asarray(image, dtype=np.uint8)
