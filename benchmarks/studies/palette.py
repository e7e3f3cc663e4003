"""How well the colours of the six classes are told apart, also by the colour-blind::

    python -m emotion.benchmarks.studies.palette

Each line is a pair, each column a way to see: the difference by CIEDE2000 (Sharma, Wu and Dalal 2005), after
full dichromacy as simulated by Machado, Oliveira and Fernandes (2009). Some 2 is just noticed; 20 is told
apart at a glance.
"""

from itertools import combinations

import numpy as np
import numpy.typing as npt
import typer

from emotion.models.classes import SIX, Classes
from emotion.models.palette import PANEL, contrast, rgb

Values = npt.NDArray[np.float64]

# Linear RGB as it is seen.
SIGHTS: dict[str, Values] = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# Linear sRGB to XYZ, of the white point D65.
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colour: str, sight: str = "normal") -> Values:
    """A colour ``"#RRGGBB"`` as somebody sees it, in CIELAB: float64 (3,)."""
    share = np.array(rgb(colour)) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = _TO_XYZ @ np.clip(SIGHTS[sight] @ linear, 0, 1) / (_TO_XYZ @ np.ones(3))
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def ciede2000(first: Values, second: Values) -> float:
    """The difference of two colours in CIELAB."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    gray = c1 * c2 == 0
    turn = 0.0 if gray else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if gray else (h1 + turn / 2) % 360
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * _cos(hue - 30)
        + 0.24 * _cos(2 * hue)
        + 0.32 * _cos(3 * hue + 6)
        - 0.20 * _cos(4 * hue - 63)
    )
    d_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    d_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    rotation *= np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return float(np.sqrt(d_light**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue))


def differences(classes: Classes = SIX) -> dict[tuple[str, str], dict[str, float]]:
    """Of each pair of classes, by way to see, how far their colours are apart."""
    return {
        (first, second): {
            sight: ciede2000(*(lab(classes.on_dark[classes.index(name)], sight) for name in (first, second)))
            for sight in SIGHTS
        }
        for first, second in combinations(classes, 2)
    }


def _cos(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def main() -> None:
    """Print the table, the least of each column, and the contrasts with dark and white grounds."""
    table = differences()
    typer.echo(f"{'pair':24}" + "".join(f"{sight:>14}" for sight in SIGHTS))
    for (first, second), row in table.items():
        typer.echo(f"{f'{first}, {second}':24}" + "".join(f"{row[sight]:14.1f}" for sight in SIGHTS))
    least = (min(row[sight] for row in table.values()) for sight in SIGHTS)
    typer.echo(f"{'least':24}" + "".join(f"{value:14.1f}" for value in least))
    typer.echo(f"\n{'class':12}{'colour':>9}{'to panel':>10}{'to white':>10}")
    for name, colour in zip(SIX, SIX.on_dark, strict=True):
        typer.echo(f"{name:12}{colour:>9}{contrast(colour, PANEL):10.1f}{contrast(colour, '#FFFFFF'):10.1f}")


if __name__ == "__main__":
    typer.run(main)
