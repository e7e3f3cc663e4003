#!/bin/sh
# What this program does on a machine with an NVIDIA GPU, on one page. Needs Python 3.11 or later and a driver.
#
#     benchmarks/gpu.sh [FOLDER]         sets up in FOLDER (else in a new one of /tmp), tests, measures, reports
#
# It takes some four minutes, of which the downloads (3 GB) may be more. What else is given goes on to
# `python -m emotion.benchmarks.gpu`. PYTHON names another Python.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-$(mktemp -d)}
[ $# -eq 0 ] || shift
mkdir -p "$folder"
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check -e ".[gpu]" \
    "pytest>=8.3,<10" "pytest-timeout>=2.3,<3" "pytest-xdist>=3.6,<4" "hypothesis>=6.100,<7"
exec "$folder/venv/bin/python" -m emotion.benchmarks.gpu --json "$folder/gpu.json" --out "$folder/gpu.md" "$@"
