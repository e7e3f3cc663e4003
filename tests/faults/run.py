"""Damages the bundled clip in many ways, has it annotated, kills runs, and prints what came of it.

    python -m tests.faults.run                          3,000 damaged files, 300 whole runs; again: go on
    python -m tests.faults.run --count 10000 --runs 0   more of the one, none of the other
    python -m tests.faults.run --seed 2 --folder other  other damage
    python -m tests.faults.run --report                 the table, and every case that must not be
    python -m tests.faults.run --case 1234              one case again, in this very process

Cases are numbered, and number and seed say all: container, kind of damage, place. Damaged files are
annotated without models in two child processes, which may die or hang. Whole runs start the program as a
user does, with the models `lite`, and interrupt two of three at a random moment. Results go to a journal
in the folder, a line a case, so that a run can be stopped at any moment.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import threading
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from tests.faults import cases, killed
from tests.faults.spoils import SPOILS
from tests.faults.verdicts import FORBIDDEN, Outcome, Verdict

HOME = Path(__file__).parents[2] / ".faults"
# A case takes less than a second; machines that are busy take more.
_PATIENCE = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=HOME)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--case", type=int)
    chosen = parser.parse_args()
    if chosen.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(*cases.describe(chosen.case, chosen.seed)[:2], sep=", ")  # noqa: T201
            print(cases.judged(chosen.case, chosen.seed, Path(folder)))  # noqa: T201
        return 0
    chosen.folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(chosen.folder / f"seed-{chosen.seed}.jsonl")
    if not chosen.report:
        _judge_all(journal, chosen)
    print(report(journal.lines))  # noqa: T201
    return int(any(Verdict(line["verdict"]) in FORBIDDEN for line in journal.lines))


class Journal:
    """What is known so far, a line of JSON a case."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115  as long as the process
        self._lock = threading.Lock()

    def done(self, sort: str) -> set[int]:
        """The numbers of the cases of a sort that are judged."""
        return {line["number"] for line in self.lines if line["sort"] == sort}

    def add(self, sort: str, number: int, kind: str, spoil: str, outcome: Outcome) -> None:
        """Write a case down."""
        line = {"sort": sort, "number": number, "kind": kind, "spoil": spoil}
        line |= {"verdict": str(outcome.verdict), "why": outcome.why}
        with self._lock:
            self.lines.append(line)
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def _judge_all(journal: Journal, chosen: argparse.Namespace) -> None:
    waiting = iter(sorted(set(range(chosen.count)) - journal.done("file")))
    lock = threading.Lock()

    def work() -> None:
        with Child(chosen.seed) as child:
            while True:
                with lock:
                    number = next(waiting, None)
                if number is None:
                    return
                kind, spoil, _ = cases.describe(number, chosen.seed)
                journal.add("file", number, kind, spoil, child.judged(number))

    threads = [threading.Thread(target=work) for _ in range(chosen.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in sorted(set(range(chosen.runs)) - journal.done("run")):
        what, outcome = killed.judged(number, chosen.seed)
        journal.add("run", number, "mp4", what, outcome)


class Child:
    """A process that judges cases; where it dies or hangs, that is the verdict, and another takes over."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._folder.cleanup()

    def judged(self, number: int) -> Outcome:
        """What came of a case."""
        if self._process is None:
            self._start()
        assert self._process is not None
        try:
            self._pipe.send(number)
            if not self._pipe.poll(_PATIENCE):
                self._end()
                return Outcome(Verdict.HANG, f"no end after {_PATIENCE:.0f} s")
            verdict, why = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            self._end()
            return Outcome(Verdict.CRASH, f"exit code {code}")
        return Outcome(Verdict(verdict), why)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._seed, self._folder.name))
        self._process.start()
        theirs.close()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None


def _serve(pipe: Connection, seed: int, folder: str) -> None:
    # What libraries print is no verdict.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while True:
        outcome = cases.judged(pipe.recv(), seed, Path(folder))
        pipe.send((str(outcome.verdict), outcome.why))


def report(lines: list[dict[str, str]]) -> str:
    """The table: a row a way of damage, a column a verdict; behind it each case that must not be."""
    counts = Counter((line["spoil"], line["verdict"]) for line in lines)
    named = [*SPOILS, *killed.WAYS]
    rows = [name for name in named if any(line["spoil"] == name for line in lines)]
    table = [
        f"| damage | cases | {' | '.join(Verdict)} |",
        f"|---|{'---:|' * (len(Verdict) + 1)}",
    ]
    for name in rows:
        row = [counts[name, str(verdict)] for verdict in Verdict]
        table.append(f"| {name} | {sum(row)} | {' | '.join(map(str, row))} |")
    sums = [sum(counts[name, str(verdict)] for name in rows) for verdict in Verdict]
    table.append(f"| all | {sum(sums)} | {' | '.join(map(str, sums))} |")
    bad = [
        f"{line['sort']} {line['number']} ({line['kind']}, {line['spoil']}): {line['verdict']}: {line['why']}"
        for line in lines
        if Verdict(line["verdict"]) in FORBIDDEN
    ]
    return "\n".join([*table, "", *bad])


if __name__ == "__main__":
    sys.exit(main())
