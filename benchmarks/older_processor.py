"""Run a command as on a processor with AVX2, without AVX-512, VNNI and AMX::

    python -m emotion.benchmarks.older_processor emotion bench --quick

It imitates an older processor roughly: instructions are the older one's, clock, caches and memory are not.
For Linux on processors that can let `cpuid` fail (`cpuid_fault` in /proc/cpuinfo), with a C compiler.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_name("hide_avx512.c")
# The C library has chosen its own functions before anything can be hidden.
_TUNABLES = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD"
_PROCESSORS = Path("/proc/cpuinfo")


class CannotHideError(Exception):
    """A message about what is missing."""


def run(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run a command without AVX-512.

    Returns:
        Its exit code, or 128 and the number of the signal that ended it, as shells have it.

    Raises:
        CannotHideError: this machine cannot hide what its processor has, or there is no compiler.
    """
    if not _can_hide():
        raise CannotHideError("This needs Linux and a processor with `cpuid_fault`: see /proc/cpuinfo.")
    compiler = which("cc") or which("gcc") or which("clang")
    if compiler is None:
        raise CannotHideError("This needs a C compiler, such as gcc: install one.")
    with TemporaryDirectory() as folder:
        library = Path(folder) / "hide_avx512.so"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        hidden = {"LD_PRELOAD": str(library), "GLIBC_TUNABLES": _TUNABLES}
        code = subprocess.run(command, env={**environment, **hidden}, check=False).returncode
    return code if code >= 0 else 128 - code


def _can_hide() -> bool:
    try:
        return "cpuid_fault" in _PROCESSORS.read_text().split()
    except OSError:
        return False


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(f"{__doc__}\n")
        return 0
    try:
        return run(arguments)
    except (CannotHideError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
