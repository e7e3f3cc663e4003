"""The commands that documents show, and whether the program would take them.

A block of code may follow a line ``<!-- test: run -->``: then its commands are really run, on small files.
The others are read by the program's own parser, with the types and bounds of their options.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from emotion.cli.lazy import COMMANDS, Commands

_BLOCK = re.compile(
    r"(?:^[ ]*<!-- test: (?P<test>\w+) -->\n)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^[ ]*```$",
    re.S | re.M,
)
_INLINE = re.compile(r"(?<!`)`(emotion [a-z][^`\n]*)`(?!`)")
# What the shell would put there.
VARIABLES = {"SLURM_ARRAY_TASK_ID": "3"}
_JOINTS = {"|", "&&", ";", "||"}


@dataclass(frozen=True)
class Block:
    """A block of code in a document."""

    document: Path
    line: int
    language: str
    code: str
    runs: bool

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command with its arguments, without the environment it is given."""

    program: str
    arguments: tuple[str, ...]
    shown: str = field(compare=False, default="")


def blocks(document: Path) -> Iterator[Block]:
    """The fenced blocks of a document."""
    text = document.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        indent = len(found["indent"])
        code = "".join(
            line[indent:] if line.strip() else line for line in found["code"].splitlines(keepends=True)
        )
        line = text.count("\n", 0, found.start()) + 1
        yield Block(document, line, found["language"], code, found["test"] == "run")


def inline(document: Path) -> list[str]:
    """Commands of the program within sentences, but those with a gap or a word to be replaced."""
    text = _BLOCK.sub("", document.read_text(encoding="utf-8"))
    found = (one.split(" #")[0] for one in _INLINE.findall(text))
    return [one for one in found if "..." not in one and not re.search(r"\b[A-Z]{3,}\b", one)]


def commands(code: str) -> Iterator[Command]:
    """The commands of a shell's lines."""
    for line in code.replace("\\\n", " ").splitlines():
        shell = shlex.shlex(line, posix=True, punctuation_chars="|&;")
        shell.whitespace_split = True
        words: list[str] = []
        for word in [*shell, ";"]:
            if word not in _JOINTS:
                words.append(re.sub(r"\$(\w+)", lambda found: VARIABLES[found[1]], word))
                continue
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                del words[0]
            if words:
                yield Command(Path(words[0]).name, tuple(words[1:]), line.strip())
            words = []


def parse(arguments: tuple[str, ...]) -> None:
    """Let the program's parser read arguments.

    Raises:
        Exception: what the program would refuse them with.
    """
    name, *rest = arguments
    assert name in COMMANDS or name.startswith("--"), f"there is no command {name}"
    if name.startswith("--"):
        return
    command = Commands()[name]
    context = command.make_context(name, list(rest))
    with context:
        left = [*getattr(context, "_protected_args", ()), *context.args]
        if getattr(command, "commands", None) and left:
            inner, sub, more = command.resolve_command(context, left)
            assert sub is not None, f"there is no command {name} {inner}"
            sub.make_context(inner, more, parent=context)


def parse_mention(arguments: tuple[str, ...]) -> None:
    """The same for a sentence, which may leave out what a command is about."""
    try:
        parse(arguments)
    except Exception as error:
        if type(error).__name__ not in ("MissingParameter", "BadOptionUsage"):
            raise
