"""The clip that ships: a woman who weeps and then laughs (Wolfgang Langer, Pexels), 20 seconds, 480x270."""

from pathlib import Path

DEMO = Path(__file__).with_name("demo.mp4")
