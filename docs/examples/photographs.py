"""A table of photographs: python docs/examples/photographs.py TABLE PHOTOGRAPH...

Writes a table with one row per face (.csv, .jsonl or .parquet), and prints the labels.
"""

import sys

import emotion


def main(table: str, photographs: list[str]) -> None:
    """Analyse photographs, folders and patterns."""
    results = emotion.analyze_files(photographs, recursive=True)
    for result in results:
        print(result.source, *(face.label for face in result.faces))
    for name, reason in results.left_out.items():
        print(f"{name} is left out: {reason}")
    print(f"The table is in {results.save(table)}.")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
