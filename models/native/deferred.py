"""Lazy imports of modules that a library imports at once and rarely needs.

MediaPipe imports matplotlib's pyplot for one function that plots landmarks, which takes most of a second.
"""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """A placeholder for a module, which is imported on first access."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # used by the import system
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:  # another thread, while a library is being imported
            _take_away(self.__name__.partition(".")[0])
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Within the block, imports of some modules are deferred to their first use.

    Whoever imports them afterwards gets them as ever; those of which the package is there already are
    left alone.

    Args:
        names: whole names, such as ``matplotlib.pyplot``.
    """
    packages = {name.partition(".")[0] for name in names}
    packages = {package for package in packages if package not in sys.modules}
    for name in names:
        if name.partition(".")[0] in packages:
            _stand_in(name)
    try:
        yield
    finally:
        for package in packages:
            _take_away(package)


def _stand_in(name: str) -> ModuleType:
    module = sys.modules.setdefault(name, _Later(name))
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(_stand_in(parent), last, module)
    return module


def _take_away(package: str) -> None:
    for name in [one for one in sys.modules if one == package or one.startswith(f"{package}.")]:
        if isinstance(sys.modules.get(name), _Later):
            sys.modules.pop(name, None)
