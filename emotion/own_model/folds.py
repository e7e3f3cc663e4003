"""Held-out faces: a part, or each fold in turn."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from emotion.models.data.label_folders import Split

FOLDS = 5
TAUGHT: tuple[Split, ...] = ("train", "validation")
"""The training parts of a data set: a user's validation part is not used for model selection here."""
LEAST_TO_HOLD_OUT = 100
"""Faces of the rarest class from which on a part is held out; below, there is only cross-validation."""
# The share that is held out is rounded to such a part.
_FINEST = 100

_Ints = npt.NDArray[np.int64]


def joined(groups: _Ints, people: Sequence[str | None]) -> _Ints:
    """Groups of faces that must stay together: near copies, frames of a video, photographs of one person.

    Args:
        groups: int64 (n,), of near copies and videos.
        people: the person on each photograph; None if unknown.

    Returns:
        int64 (n,), the smallest index of a face in each one's group.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415  most of a second; help needs none
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    count = len(groups)
    first: dict[object, int] = {}
    rows, columns = [], []
    for index, (group, person) in enumerate(zip(groups.tolist(), people, strict=True)):
        for key in (("group", group), ("person", person)):
            if key[1] is not None:
                rows.append(index)
                columns.append(first.setdefault(key, index))
    links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count))
    _, component = connected_components(links, directed=False)
    smallest = np.full(count, count, dtype=np.int64)
    np.minimum.at(smallest, component, np.arange(count))
    return np.asarray(smallest[component], dtype=np.int64)


def of_one_group(labels: _Ints, groups: _Ints) -> _Ints:
    """The classes of which all faces are of one group, int64 (m,)."""
    return np.array(
        [label for label in np.unique(labels) if len(np.unique(groups[labels == label])) == 1], np.int64
    )


def in_folds(labels: _Ints, groups: _Ints, count: int = FOLDS, seed: int = 0) -> _Ints:
    """The fold of each face, int64 (n,): stratified by class, groups together.

    Fewer folds if a class has fewer groups. The faces of a class of one group are in all folds: left out
    together, the class could not be learnt, and predicted by models that were trained on them, they would
    seem all right, and the weakest regularisation the best.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415  a second of import

    apart = np.isin(labels, of_one_group(labels, groups))
    groups = np.where(apart, groups.max(initial=0) + 1 + np.arange(len(labels)), groups)
    fewest = min(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    folds = np.zeros(len(labels), np.int64)
    count = min(count, fewest)
    if count < 2:
        return folds
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for fold, (_, validation) in enumerate(splitter.split(labels, labels, groups)):
        folds[validation] = fold
    return folds


def held_out(labels: _Ints, groups: _Ints, share: float, seed: int = 0) -> npt.NDArray[np.bool_]:
    """The held-out faces, bool (n,): a share of each class, groups together.

    None if the rarest class has fewer faces than `LEAST_TO_HOLD_OUT`, or one has a single group.
    """
    few = not share or np.bincount(labels).min() < LEAST_TO_HOLD_OUT
    if few or len(of_one_group(labels, groups)):
        return np.zeros(len(labels), bool)
    part = max(Fraction(share).limit_denominator(_FINEST), Fraction(1, _FINEST))
    folds = in_folds(labels, groups, part.denominator, seed)
    return np.asarray(folds < max(1, round(share * (folds.max() + 1))), bool)
