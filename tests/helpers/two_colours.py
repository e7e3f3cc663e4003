"""A picture that is red on the left and blue on the right, wherever it goes.

Red and blue change places where the order of the channels is mistaken, left and right where a
picture is mirrored.
"""

import numpy as np

RED, BLUE = (30, 20, 220), (220, 20, 30)
"""As here everywhere: blue, green, red."""


def red_and_blue(size=(128, 96)):
    """The picture, uint8 (h, w, 3), BGR; `size` is width and height."""
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    image[:, : width // 2], image[:, width // 2 :] = RED, BLUE
    return image


def assert_red_then_blue(image, tolerance=30, order="BGR"):
    """A picture still shows red on the left and blue on the right.

    Args:
        tolerance: levels by which a colour may be off; codecs change colours a little.
        order: of the channels of `image`; other programs want RGB.
    """
    assert image.ndim == 3
    assert image.shape[2] == 3
    image = np.asarray(image)[..., :: 1 if order == "BGR" else -1].astype(int)
    height, width = image.shape[:2]
    for share, colour in ((0.25, RED), (0.75, BLUE)):
        x, y = round(share * width), height // 2
        found = image[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
        assert np.abs(found - colour).max() <= tolerance, f"{found.round()} instead of {colour}"
