"""Where things lie: the repository, and what a developer may have beside it."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
"""Photographs and clips that stay out of the project; tests that need them are skipped without."""
VIDEOS = SHARED / "videos"
