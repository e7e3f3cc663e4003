"""Prints the table of what releases measured."""

from emotion.benchmarks.history import table

if __name__ == "__main__":
    print(table(), end="")  # noqa: T201
