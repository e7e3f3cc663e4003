"""How well the colours of the classes can be distinguished, also by the colour-blind::

    python -m emotion.benchmarks.studies.palette
    python -m emotion.benchmarks.studies.palette --search 8

Each line is a pair, each column a way to see: the difference by CIEDE2000 (Sharma, Wu and Dalal 2005), after
full dichromacy as simulated by Machado, Oliveira and Fernandes (2009). Some 2 is just noticed; 20 is told
apart at a glance.

``--search`` looks for so many colours that are as far apart as can be for all of them: a grid of colours, in
it sets of which one is exchanged as long as the two nearest ones move apart, from many beginnings, and finer
grids about the best set.
"""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Annotated

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
    """A colour ``"#RRGGBB"`` with a type of colour vision, in CIELAB: float64 (3,)."""
    share = np.array(rgb(colour)) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = _TO_XYZ @ np.clip(SIGHTS[sight] @ linear, 0, 1) / (_TO_XYZ @ np.ones(3))
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def ciede2000(first: Values, second: Values) -> float:
    """The difference of two colours in CIELAB."""
    return float(all_differences(first, second))


def all_differences(first: Values, second: Values) -> Values:
    """The differences of colours in CIELAB, float64 (..., 3) each, as they are broadcast."""
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(one), -1, 0) for one in (first, second))
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    gray = c1 * c2 == 0
    turn = np.where(gray, 0.0, (h2 - h1 + 180) % 360 - 180)
    hue = np.where(gray, h1 + h2, (h1 + turn / 2) % 360)
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
    total: Values = d_light**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue
    return np.asarray(np.sqrt(np.maximum(total, 0)))


def differences(classes: Classes = SIX) -> dict[tuple[str, str], dict[str, float]]:
    """Of each pair of classes, by way to see, how far their colours are apart."""
    return {
        (first, second): {
            sight: ciede2000(*(lab(classes.on_dark[classes.index(name)], sight) for name in (first, second)))
            for sight in SIGHTS
        }
        for first, second in combinations(classes, 2)
    }


def _cos(degrees: Values) -> Values:
    return np.asarray(np.cos(np.radians(degrees)))


def search(
    count: int, kept: Sequence[str] = (), least_on_white: float = 1.6, step: int = 20, starts: int = 300
) -> tuple[list[str], float]:
    """Colours as far apart as was found for every way to see, and how far the two nearest ones are.

    Args:
        count: how many.
        kept: that are among them, whatever there is.
        least_on_white: contrast with white; with the panel it is 3 at least.
        step: of the grid, in 255.
        starts: sets to begin with.
    """
    grid = [_hex(*parts) for parts in product(range(0, 256, step), repeat=3)]
    found, apart = _best(count, kept, _fit(grid, least_on_white), starts)
    while step > 3:
        step //= 2
        near = {
            _hex(*(min(255, max(0, part + move)) for part, move in zip(rgb(colour), moves, strict=True)))
            for colour in found
            for moves in product((-step, 0, step), repeat=3)
        }
        found, apart = _best(count, kept, _fit([*found, *sorted(near)], least_on_white), starts // 10)
    return found, apart


def _hex(*parts: int) -> str:
    return "#" + "".join(f"{part:02X}" for part in parts)


def _fit(colours: Sequence[str], least_on_white: float) -> list[str]:
    return [
        colour
        for colour in dict.fromkeys(colours)
        if contrast(colour, PANEL) >= 3 and contrast(colour, "#FFFFFF") >= least_on_white
    ]


def _best(count: int, kept: Sequence[str], colours: Sequence[str], starts: int) -> tuple[list[str], float]:
    everything = [*kept, *(colour for colour in colours if colour not in kept)]
    labs = [np.array([lab(colour, sight) for colour in everything]) for sight in SIGHTS]
    table = np.minimum.reduce([all_differences(one[:, None], one[None]) for one in labs])
    np.fill_diagonal(table, np.inf)
    fixed, generator = len(kept), np.random.default_rng(0)
    best: tuple[float, list[int]] = (-1.0, [])
    for _ in range(starts):
        others = generator.permutation(np.arange(fixed, len(everything)))[: count - fixed]
        best = max(best, _exchanged([*range(fixed), *others.tolist()], fixed, table))
    return [everything[at] for at in best[1]], best[0]


def _exchanged(chosen: list[int], fixed: int, table: Values) -> tuple[float, list[int]]:
    """Exchange one after the other for what is farthest from all others, as long as that helps."""
    now = float(table[np.ix_(chosen, chosen)].min())
    while True:
        for place in range(fixed, len(chosen)):
            rest = chosen[:place] + chosen[place + 1 :]
            nearest = table[:, rest].min(axis=1)
            nearest[rest] = -1
            chosen[place] = int(nearest.argmax())
        before, now = now, float(table[np.ix_(chosen, chosen)].min())
        if now <= before:
            return now, chosen


def main(
    searched: Annotated[int, typer.Option("--search", help="Search for this number of colours.", min=0)] = 0,
    beside_six: Annotated[bool, typer.Option(help="Include the six present colours.")] = False,
    on_white: Annotated[float, typer.Option(help="Smallest contrast with white.")] = 1.6,
) -> None:
    """Print the table, the least of each column, and the contrasts with dark and white grounds."""
    if searched:
        found, apart = search(searched, SIX.on_dark if beside_six else (), on_white)
        typer.echo(f"{apart:.1f} apart at least: {' '.join(found)}")
        return
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
