"""Changes the code in small ways and looks whether the tests notice: mutation testing, package by package.

    pip install -e ".[cpu,web,dev,mutation]"
    python -m tests.mutation.run                      120 mutants; again: go on where it stopped
    python -m tests.mutation.run --packages sinks voting --sample 60 --seed 3
    python -m tests.mutation.run --report             the table, and every survivor
    python -m tests.mutation.run --retry              survivors once more, with the tests of the last commit
    python -m tests.mutation.run --new --seed 1       another sample, of the code as it is in the last commit

The operators are cosmic-ray's. Works on a copy of the last commit in ``.mutation/``, so the checkout stays
as it is and a run can be killed at any moment. Of each package first its own tests run once under coverage;
then, for each mutant, only those of them that reach the changed lines, the quickest first, up to the
first that fails. A mutant that makes them take too long counts as killed.

Not changed: annotations, decorators of dataclasses and caches, asserts (and `strict` of `zip`), messages
of errors and of the log. A sample takes places in the code first and one of the
changes that are possible there second, because some operators offer eleven changes of one plus sign.
"""

import argparse
import ast
import difflib
import importlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import coverage
import pytest
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".mutation"
TREE = HOME / "tree"


@dataclass(frozen=True)
class Room:
    """Code that is changed, and the tests that are to notice; patterns of paths.

    Attributes:
        declares: what runs when a module is imported is looked at by tests that reach no line of it later, so
            that all tests are tried on it.
    """

    code: tuple[str, ...]
    tests: tuple[str, ...]
    declares: bool = False

    @property
    def files(self) -> list[Path]:
        """What is changed."""
        found = {path for pattern in self.code for path in TREE.glob(pattern)}
        return sorted(path for path in found if path.name != "__init__.py")


PACKAGES = {
    "drawing": Room(("realtime/drawing/*.py",), ("tests/realtime/drawing",)),
    "stages": Room(("realtime/stages/*.py",), ("tests/realtime/stages",)),
    "voting": Room(("models/voting/*.py",), ("tests/models/voting",)),
    "sinks": Room(("realtime/sinks/*.py",), ("tests/realtime/sinks",)),
    "options": Room(
        ("models/options.py", "models/*/options.py", "realtime/options.py", "realtime/*/options.py"),
        (
            "tests/models/test_options.py",
            "tests/models/*/test_options.py",
            "tests/realtime/test_options.py",
            "tests/emotion/cli/test_parameters.py",
        ),
        declares=True,
    ),
    "monitoring": Room(("realtime/monitoring/*.py",), ("tests/realtime/monitoring",)),
    "regions": Room(("models/regions.py",), ("tests/models/test_regions.py", "tests/models/test_crops.py")),
}
ASKED = ("drawing", "stages", "voting", "sinks", "options")
"""Packages that are sampled where none are named."""
ENOUGH = 0.85
"""Of the mutants, which the tests have to kill."""

_DECLARING = {"cache", "lru_cache", "dataclass", "abstractmethod"}
_SILENT = {"_log", "log", "warnings"}
# Loaded once, because that takes longer than most tests.
_LIBRARIES = (
    "av",
    "cv2",
    "matplotlib",
    "numpy",
    "PIL.ImageFont",
    "pyarrow.parquet",
    "scipy.special",
    "sklearn",
)
# Of the time that the chosen tests take unchanged, and in seconds on top of it: processor time, so that other
# work on the machine kills no mutant. Where nothing is computed, so many times as long.
_PATIENCE, _START = 5.0, 30.0
_IDLE = 4


def prepare(packages: Sequence[str], sample: int, seed: int) -> None:
    """Copy the last commit, find all mutants of the packages, and draw the sample."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    refresh()
    chances = random.Random(seed)
    places: list[tuple[str, list[WorkItem]]] = []
    for name in packages:
        with use_db(database(name)) as db:
            init(PACKAGES[name].files, db, {})
            places += [(name, items) for items in by_place(db.work_items)]
    drawn: dict[str, list[str]] = defaultdict(list)
    for name, items in chances.sample(places, min(sample, len(places))):
        drawn[name].append(chances.choice(sorted(items, key=order)).job_id)
    for name in packages:
        with use_db(database(name)) as db:
            left_out = {item.job_id for item in db.work_items} - set(drawn[name])
            db.set_multiple_results(left_out, WorkResult(WorkerOutcome.SKIPPED))
    say(f"seed {seed}: {len(places)} places, of which {sum(map(len, drawn.values()))} are changed")


def refresh(*paths: str) -> None:
    """Put the last commit, or some of its paths, into the tree."""
    packed = subprocess.run(["git", "archive", "HEAD", *paths], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(TREE, filter="fully_trusted")


def order(item: WorkItem) -> tuple[str, int, tuple[int, int]]:
    """Jobs have random names; this order is the same each time."""
    (mutation,) = item.mutations
    return mutation.operator_name, mutation.occurrence, mutation.start_pos


def by_place(items: Sequence[WorkItem]) -> list[list[WorkItem]]:
    """Mutants of one place and kind together, without those of places that are left out."""
    found: dict[tuple[str, tuple[int, int], str], list[WorkItem]] = defaultdict(list)
    quiet: dict[Path, list[ast.AST]] = {}
    for item in items:
        (mutation,) = item.mutations
        path = mutation.module_path
        if path not in quiet:
            quiet[path] = list(left_out(ast.parse(path.read_text(encoding="utf-8"))))
        if not any(lies_in(mutation, node) for node in quiet[path]):
            kind = mutation.operator_name.split("_")[0]
            found[str(path), mutation.start_pos, kind].append(item)
    return [found[key] for key in sorted(found)]


def left_out(tree: ast.Module) -> Iterator[ast.AST]:
    """The parts of a module that no test has to notice."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) or (isinstance(node, ast.arg) and node.annotation):
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from filter(None, [getattr(node, "returns", None)])
            yield from (one for one in node.decorator_list if called(one) in _DECLARING)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from node.exc.args
        elif isinstance(node, ast.Assert) or called(node) in ("cast", "TypeVar") or owner(node) in _SILENT:
            yield node
        elif isinstance(node, ast.Call) and called(node) == "zip":
            yield from (word.value for word in node.keywords)  # strict=True is an assertion


def called(node: ast.AST) -> str:
    """The name of what is called or used as a decorator; empty where it has none."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def owner(node: ast.AST) -> str:
    """Whose method is called; empty where none is."""
    value = getattr(node.func, "value", None) if isinstance(node, ast.Call) else None
    return value.id if isinstance(value, ast.Name) else ""


def lies_in(mutation: MutationSpec, node: ast.AST) -> bool:
    """Whether a mutant's place is a part of a node."""
    begin = (node.lineno, node.col_offset - ("decorator" in mutation.operator_name.lower()))
    return begin <= mutation.start_pos < (node.end_lineno, node.end_col_offset)


def database(package: str) -> Path:
    """Where a package's mutants and their results are."""
    return HOME / f"{package}.sqlite"


@dataclass(frozen=True)
class Reach:
    """Which tests reach which lines.

    Attributes:
        lines: by file and line, tests by the names of their functions; empty where a line runs once, when
            its module is imported.
        seconds: by test.
        declares: see `Room`.
    """

    lines: dict[Path, dict[int, set[str]]]
    seconds: dict[str, float]
    declares: bool

    @classmethod
    def measure(cls, package: str) -> "Reach":
        """Run a package's tests once, unchanged; they have to pass."""
        data, times = HOME / f"{package}.coverage", HOME / f"{package}.xml"
        if not (data.exists() and times.exists()):
            config = HOME / "coverage.ini"
            config.write_text("[run]\ndynamic_context = test_function\n", encoding="utf-8")
            include = f"--include={','.join(map(str, PACKAGES[package].files))}"
            measured = ["coverage", "run", f"--rcfile={config}", f"--data-file={data}.new", include]
            tests = [str(path) for pattern in PACKAGES[package].tests for path in sorted(TREE.glob(pattern))]
            how = ["-m", "pytest", "-q", "-n0", "--noconftest", "--timeout=0", f"--junit-xml={times}"]
            command = [sys.executable, "-m", *measured, *how, *tests]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"the tests of {package} fail unchanged:\n{(done.stdout + done.stderr)[-3000:]}")
            Path(f"{data}.new").replace(data)
        return cls.read(data, times, PACKAGES[package].declares)

    @classmethod
    def read(cls, data: Path, times: Path, declares: bool) -> "Reach":
        """What coverage and pytest have written."""
        found = coverage.CoverageData(data)
        found.read()
        lines: dict[Path, dict[int, set[str]]] = {}
        for file in found.measured_files():
            contexts = found.contexts_by_lineno(file)
            lines[Path(file).resolve()] = {line: set(names) - {""} for line, names in contexts.items()}
        seconds: Counter[str] = Counter()
        for case in ElementTree.parse(times).iter("testcase"):
            function = case.get("name", "").split("[")[0]
            seconds[f"{case.get('classname')}.{function}"] += float(case.get("time", 0))
        return cls(lines, dict(seconds), declares)

    def of(self, mutation: MutationSpec) -> list[str]:
        """The tests that reach a mutant, the quickest first; those of its file, or all, where none does."""
        file = self.lines.get(mutation.module_path.resolve(), {})
        begin, end = statement(mutation)
        tests = set().union(*(file.get(line, set()) for line in range(begin, end + 1)))
        whole_file = set() if self.declares else set().union(*file.values())
        tests = tests or whole_file or set(self.seconds)
        return sorted(tests & set(self.seconds), key=lambda test: self.seconds[test])


def statement(mutation: MutationSpec) -> tuple[int, int]:
    """The lines of the innermost statement around a mutant, without its body where it has one."""
    tree = ast.parse(mutation.module_path.read_text(encoding="utf-8"))
    line = mutation.start_pos[0]
    around = [
        n for n in ast.walk(tree) if isinstance(n, ast.stmt) and n.lineno <= line <= (n.end_lineno or 0)
    ]
    inner = max(around, key=lambda node: node.lineno, default=None)
    if inner is None:
        return line, line
    body = getattr(inner, "body", None)
    return inner.lineno, max(line, body[0].lineno - 1) if body else inner.end_lineno or line


def go_on(packages: Sequence[str]) -> None:
    """Try the mutants that have no result yet."""
    os.chdir(TREE)
    os.environ |= {"PYTHONPATH": str(TREE), "PYTHONDONTWRITEBYTECODE": "1"}
    for library in _LIBRARIES:
        importlib.import_module(library)
    for name in packages:
        with use_db(database(name), WorkDB.Mode.open) as db:
            waiting = sorted(db.pending_work_items, key=order)
            if not waiting:
                continue
            say(f"{name}: {len(waiting)} mutants to try")
            reach = Reach.measure(name)
            for item in waiting:
                begin = time.monotonic()
                result = attempt(item, reach)
                db.set_result(item.job_id, result)
                say(f"{place(item)}: {result.test_outcome.value}, {time.monotonic() - begin:.0f} s")


def attempt(item: WorkItem, reach: Reach) -> WorkResult:
    """One mutant before its tests."""
    (mutation,) = item.mutations
    tests = reach.of(mutation)
    patience = _START + _PATIENCE * sum(reach.seconds[test] for test in tests)
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    with use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after):
        passed = after is None or test_in_child(list(map(node_id, tests)), patience)
    name = str(mutation.module_path.relative_to(TREE))
    changed = difflib.unified_diff(before.splitlines(), (after or before).splitlines(), name, name, "", "", 0)
    outcome = TestOutcome.SURVIVED if passed else TestOutcome.KILLED
    return WorkResult(WorkerOutcome.NORMAL, test_outcome=outcome, diff="\n".join(changed))


def test_in_child(tests: Sequence[str], patience: float) -> bool:
    """Whether the tests pass, in a child of this process, which has loaded all libraries already."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            resource.setrlimit(resource.RLIMIT_CPU, (round(patience), round(patience)))
            os._exit(become_pytest(tests))
        os._exit(1)
    end = time.monotonic() + _IDLE * patience
    done, status = 0, 1
    while not done and time.monotonic() < end:
        time.sleep(0.1)
        done, status = os.waitpid(child, os.WNOHANG)
    # What a test started and left behind goes, too.
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not done:
        os.waitpid(child, 0)
    return bool(done) and status == 0


def become_pytest(tests: Sequence[str]) -> int:
    """Run tests of the tree up to the first that fails; the exit status."""
    os.setsid()
    quiet = os.open(HOME / "last.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.dont_write_bytecode = True
    # This program itself comes from the checkout; what it tests does not.
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "emotion")]:
        del sys.modules[name]
    sys.path[:] = [str(TREE), *(path for path in sys.path if Path(path or ".").resolve() != ROOT)]
    return int(pytest.main(["-x", "-q", "-n0", "-p", "no:cacheprovider", "--noconftest", *tests]))


def node_id(test: str) -> str:
    """A test's name as pytest takes it: tests.a.test_b.test_c is tests/a/test_b.py::test_c."""
    parts = test.split(".")
    module = next(
        n for n in range(len(parts), 0, -1) if (TREE / "/".join(parts[:n])).with_suffix(".py").exists()
    )
    return "::".join([f"{'/'.join(parts[:module])}.py", *parts[module:]])


def place(item: WorkItem) -> str:
    """Where a mutant is, for people."""
    (mutation,) = item.mutations
    path = mutation.module_path.resolve().relative_to(TREE)
    return f"{path}:{mutation.start_pos[0]} {mutation.operator_name.removeprefix('core/')}"


def results(package: str) -> list[tuple[WorkItem, WorkResult]]:
    """What was tried."""
    with use_db(database(package), WorkDB.Mode.open) as db:
        return [(item, result) for item, result in db.completed_work_items if result.test_outcome]


def report() -> bool:
    """Print the table and the survivors; whether at least 85 of 100 were killed."""
    packages = {name: results(name) for name in PACKAGES if database(name).exists()}
    everything = [pair for pairs in packages.values() for pair in pairs]
    say(f"\n{'package':12} mutants  killed  survivors")
    for name, pairs in [*packages.items(), ("all", everything)]:
        killed = sum(result.is_killed for _, result in pairs)
        share = f"{killed / len(pairs):6.0%}" if pairs else ""
        say(f"{name:12} {len(pairs):7} {killed:7}  {len(pairs) - killed:9}  {share}")
    for item, result in everything:
        if not result.is_killed:
            say(f"\n{place(item)}")
            changed = [line for line in (result.diff or "").splitlines() if line[:1] in "+-"]
            say("\n".join(line for line in changed if line[:3] not in ("+++", "---")))
    return sum(result.is_killed for _, result in everything) >= ENOUGH * len(everything)


def retry() -> None:
    """Forget survivors' results, and take the tests as they are committed now."""
    shutil.rmtree(TREE / "tests")
    refresh("tests")
    for name in PACKAGES:
        if not database(name).exists():
            continue
        survivors = [item for item, result in results(name) if not result.is_killed]
        if survivors:
            for path in (HOME / f"{name}.coverage", HOME / f"{name}.xml"):
                path.unlink(missing_ok=True)
        with use_db(database(name), WorkDB.Mode.open) as db:
            known = db.completed_work_items
            gone = {item.job_id for item in survivors}
            db.clear()
            db.add_work_items(item for item, _ in known)
            for item, result in known:
                if item.job_id not in gone:
                    db.set_result(item.job_id, result)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> int:
    """Begin, or go on; 0 where enough mutants were killed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", nargs="+", choices=PACKAGES, default=ASKED, help="of which to draw")
    parser.add_argument("--sample", type=int, default=120, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--new", action="store_true", help="forget what was done, take the last commit")
    parser.add_argument("--retry", action="store_true", help="survivors again, with the last commit's tests")
    parser.add_argument("--report", action="store_true", help="only say what came out")
    options = parser.parse_args()
    os.nice(max(0, 10 - os.nice(0)))
    if options.retry:
        retry()
    elif not options.report and (options.new or not TREE.exists()):
        prepare(options.packages, options.sample, options.seed)
    if not options.report:
        go_on([name for name in PACKAGES if database(name).exists()])
    return 0 if report() else 1


if __name__ == "__main__":
    sys.exit(main())
