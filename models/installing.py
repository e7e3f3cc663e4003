"""What to install where something is missing, for error messages.

The program is on no package index: pip finds it only where it was installed from.
"""

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from emotion.models.errors import MEMORY_ADVICE, SYSTEM_LIBRARIES, machine_advice

AGAIN = "Install emotion-live again."
_NAME = "emotion-live"
# The loader's message if there is not enough memory.
_NO_ROOM = re.compile("failed to map segment|[Cc]annot allocate memory")
# What Python says of a package of which a folder is left: another that owned the same files was removed.
_REMAINS = re.compile(r"(?:module|from) '(cv2|onnxruntime)'")
_OWNERS = {"cv2": ("opencv-contrib-python",), "onnxruntime": ("onnxruntime", "onnxruntime-gpu")}


def cannot_be_loaded(error: BaseException) -> bool:
    """Whether an import failed because of a library that is missing, or of which only parts are left."""
    return isinstance(error, ImportError | OSError) or is_partly_removed(error)


def is_partly_removed(error: BaseException | None) -> bool:
    """Whether only parts of OpenCV or ONNX Runtime are left."""
    return isinstance(error, AttributeError) and _REMAINS.search(str(error)) is not None


def advice_on(error: BaseException | None) -> str:
    """What to do where a library cannot be loaded."""
    if advice := MEMORY_ADVICE if _NO_ROOM.search(str(error)) else machine_advice(error):
        return f"{advice[0].upper()}{advice[1:]}."
    if remains := _REMAINS.search(str(error)):
        names = [name for name in _OWNERS[remains[1]] if _is_installed(name)] or _OWNERS[remains[1]][:1]
        again = f"pip install --force-reinstall --no-deps {names[0]}"
        return f"Another package that shared its files was removed; install it again: {again}"
    if re.search(r"\.so\b", str(error)) or isinstance(error, OSError):
        return SYSTEM_LIBRARIES
    if (getattr(error, "name", None) or "").startswith("onnxruntime"):
        return needs_runtime()
    return AGAIN


def needs_runtime() -> str:
    """What to do where ONNX Runtime is missing."""
    return f"{pip_install('cpu')}, or with 'gpu' in place of 'cpu' for an NVIDIA GPU."


def pip_install(extras: str) -> str:
    """The command that adds extras, such as ``pip install "emotion_live.whl[web]"``.

    It names the wheel or folder that the program was installed from (PEP 610), if that still exists; else
    the project's name.

    Args:
        extras: their names, with commas between.
    """
    source, editable = _installed_from()
    return f'pip install {"-e " if editable else ""}"{source}[{extras}]"'


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _installed_from() -> tuple[str, bool]:
    """The wheel or folder, and whether the installation is editable."""
    try:
        source = json.loads(distribution(_NAME).read_text("direct_url.json") or "{}")
        path = Path(url2pathname(urlsplit(source["url"]).path))
        editable = bool(source.get("dir_info", {}).get("editable"))
    except (PackageNotFoundError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return _NAME, False
    return (str(path), editable) if path.exists() else (_NAME, False)
