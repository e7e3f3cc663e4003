"""The study of panels counts what it says."""

from dataclasses import replace

from emotion.benchmarks.studies.made_scenes import made_scene
from emotion.benchmarks.studies.panels import Figures, watch
from emotion.realtime.drawing.layout import Rect
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay


def test_a_made_scene_of_each_size_is_laid_out_without_fault():
    for seed in range(5, 10):
        figures = Figures()
        watch(made_scene(seed, 1.5), "panel", figures)
        report = figures.report()
        assert report["panels"] > 0
        assert report["overlaps with faces"] == report["panels outside"] == 0
        assert report["faces of 40 pixels without a word"] == 0


def test_faults_are_counted():
    (first, *_) = made_scene(6, 0.2)
    reported = Overlay(DrawingOptions()).plan(first)
    one = next(one for one in reported if one.rect)
    figures = Figures()
    figures.add((replace(one, rect=one.box),), 1280, 720)
    figures.add((replace(one, rect=Rect(-5, 0, 20, 20)),), 1280, 720)
    figures.add((replace(one, rect=None, place=None, box=Rect(0, 0, 50, 50)),), 1280, 720)
    assert (figures.overlaps, figures.outside, figures.wordless) == (1, 1, 1)


def test_who_is_hidden_by_anothers_panel_is_counted():
    (first, *_) = made_scene(6, 0.2)
    one = next(one for one in Overlay(DrawingOptions()).plan(first) if one.rect)
    chest = Rect(300, 160, 60, 90)  # of the second, whose face is above it
    for rect, hidden in ((chest, 1), (replace(chest, width=30), 0), (replace(chest, left=500), 0)):
        figures = Figures()
        here = replace(one, box=Rect(100, 100, 60, 60), rect=rect)
        figures.add((here, replace(one, box=Rect(300, 100, 60, 60), rect=None)), 1280, 720)
        assert figures.hiding == hidden


def test_a_panel_that_jumps_beside_somebody_who_stands_is_a_move():
    figures = Figures()
    scene = list(made_scene(0, 4.0))
    face = scene[0].faces[0]
    # Another one beside them, from the third second on, stands where the panel was.
    panel = Overlay(DrawingOptions()).plan(replace(scene[0], faces=(face,)))[0].rect
    box = replace(face.box, left=panel.left + 8.0, top=panel.top + 8.0, width=20.0, height=24.0)
    other = replace(face, track_id=2, box=box)
    still = [replace(shown, faces=(face, other) if at > 15 else (face,)) for at, shown in enumerate(scene)]
    watch(still, "panel", figures)
    assert figures.moves + figures.moves_else >= 1
