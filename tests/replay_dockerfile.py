"""Does what the Dockerfile says in a fresh Debian: ``python -m tests.replay_dockerfile /tmp/image``.

There need be no Docker, but root and debootstrap. Prints what each step adds in MB, and lets the image's user
annotate the clip that ships.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What a container shares with its host, and the host's ways to the registries.
_OF_HOST = (
    "etc/resolv.conf",
    "etc/hosts",
    "etc/pip.conf",
    "root/.config/pip",
    "etc/apt/apt.conf.d",
    "etc/ssl/certs/ca-certificates.crt",
)
# As in a container, for as long as the command runs.
_MOUNTED = 'for one in proc sys dev; do mount --rbind "/$one" "$0/$one" || exit; done; exec "$@"'


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile with what they are told, lines put together."""
    whole = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    for line in whole.splitlines():
        if line.strip():
            instruction, _, rest = line.strip().partition(" ")
            yield instruction, rest.strip()


def copied(rules: str, paths: list[str]) -> list[str]:
    """The files that a .dockerignore lets in, of those that git knows."""
    wanted = []
    for path in paths:
        taken = True
        for rule in filter(None, rules.splitlines()):
            pattern = rule.removeprefix("!")
            if (
                fnmatch(path, pattern)
                or path.startswith(f"{pattern}/")
                or fnmatch(path.split("/")[0], pattern)
            ):
                taken = rule.startswith("!")
        if taken:
            wanted.append(path)
    return wanted


class Image:
    """A root folder in which the steps are done."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.user = "root"
        self.work = "/"
        self.variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **variables}

    def run(self, command: str) -> None:
        """Run a shell command there, as the user whom it has come to."""
        passed = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        words = [f"{name}={value}" for name, value in (passed | self.variables).items()]
        shell = ["/bin/sh", "-c", f"cd {self.work} && {command}"]
        user = ["--userspec", f"{self.user}:{self.user}"] if self.user != "root" else []
        inside = ["chroot", *user, str(self.folder), "/usr/bin/env", "-i", *words, *shell]
        subprocess.run(
            ["unshare", "--mount", "/bin/sh", "-c", _MOUNTED, str(self.folder), *inside], check=True
        )

    def share(self) -> None:
        """Lay down what a container has of its host; packages may have replaced it."""
        for name in _OF_HOST:
            there, here = Path("/") / name, self.folder / name
            if there.is_dir():
                shutil.copytree(there, here, dirs_exist_ok=True)
            elif there.exists():
                here.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(there, here)

    def copy(self, place: str) -> None:
        """What COPY . brings."""
        known = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        for path in copied((ROOT / ".dockerignore").read_text(), known.stdout.splitlines()):
            target = self.folder / place.lstrip("/") / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, target, follow_symlinks=False)

    def megabytes(self) -> float:
        """What all of it takes."""
        reported = subprocess.run(["du", "-sxk", self.folder], capture_output=True, text=True, check=True)
        return int(reported.stdout.split()[0]) / 1024


def replay(folder: Path, variables: dict[str, str], mirror: str) -> Image:
    """Do all steps; the base is what debootstrap makes of the release that FROM names."""
    image = Image(folder, {})
    for instruction, reported in steps((ROOT / "Dockerfile").read_text()):
        before = image.megabytes() if folder.exists() else 0.0
        if instruction == "FROM":
            release = reported.partition(":")[2].partition("-")[0]
            subprocess.run(
                ["debootstrap", "--variant=minbase", release, folder, *([mirror] if mirror else [])],
                check=True,
            )
        elif instruction == "ARG":
            name, _, value = reported.partition("=")
            image.variables[name] = variables.get(name, value)
        elif instruction == "ENV":
            image.variables |= dict(part.split("=", 1) for part in reported.split())
        elif instruction == "RUN":
            image.share()
            image.run(reported)
        elif instruction == "COPY":
            image.copy(reported.split()[1])
        elif instruction == "USER":
            image.user = reported
        elif instruction == "WORKDIR":
            image.work = reported
        elif instruction not in ("ENTRYPOINT", "CMD"):
            raise SystemExit(f"{instruction} is not known here")
        print(f"{image.megabytes() - before:8.0f} MB  {instruction} {reported[:90]}")  # noqa: T201
    return image


def main() -> int:
    """Replay, then annotate as the image's user."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the root goes; it must not be there")
    parser.add_argument("--variant", default="cpu", choices=("cpu", "gpu"))
    parser.add_argument("--mirror", default="", help="where debootstrap fetches packages from")
    chosen = parser.parse_args()
    image = replay(chosen.folder, {"VARIANT": chosen.variant}, chosen.mirror)
    print(f"{image.megabytes():8.0f} MB  in all")  # noqa: T201
    for command in (
        "id -un",
        "emotion annotate --formats csv -o out --cluster local",
        "ls -l out",
    ):
        image.run(command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
