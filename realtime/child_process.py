"""Starts Python child processes.

A child has the same import path as its parent, without the working folder, which may contain the user's own
`tests.py`, `random.py` or `emotion/`.
"""

import os
import sys
from pathlib import Path


def python_command(*arguments: str, python: str = sys.executable) -> tuple[str, ...]:
    """The command line of a child; `environment` goes with it.

    Args:
        arguments: as for ``python``: ``"-m", module, ...``.
        python: the interpreter; by default this process's own.
    """
    return (python, "-P", *arguments)


def environment() -> dict[str, str]:
    """The environment variables of a child.

    If the package is not installed but in a checkout, the parent may have imported it from the working
    folder, which `-P` excludes for the child; then ``PYTHONPATH`` names the checkout.
    """
    variables = dict(os.environ)
    package = sys.modules["emotion"].__file__
    assert package is not None
    root = Path(package).absolute().parents[1]
    if (root / "pyproject.toml").exists():
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), variables.get("PYTHONPATH"))))
    return variables
