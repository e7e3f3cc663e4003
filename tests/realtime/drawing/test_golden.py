"""What is drawn is what was looked at and kept: any change of a picture is meant, and is kept with it."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.helpers import golden_measures
from tests.helpers.golden_pictures import FOLDER, LIBRARIES, PLACES, SCENES, places

# So many pixels may be otherwise where a processor rounds otherwise: fewer than a letter has.
_SPARE = 10


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_the_one_that_was_looked_at(name):
    with Image.open(FOLDER / f"{name}.png") as kept:
        wanted, libraries = np.asarray(kept)[..., ::-1].astype(int), kept.info["Software"]
    drawn = SCENES[name]().astype(int)
    assert drawn.shape == wanted.shape
    away = np.abs(drawn - wanted).max(axis=2)
    if libraries != LIBRARIES:  # edges lie elsewhere, and nothing else does
        assert (away > 60).mean() < 0.01
    elif name in ("blur", "landmarks"):  # averages are rounded
        assert (away > 1).sum() <= _SPARE
    else:
        assert (away > 0).sum() <= _SPARE


def test_each_picture_that_is_kept_is_drawn():
    assert {path.stem for path in FOLDER.glob("*.png")} == set(SCENES)


def test_places_while_faces_move_are_those_that_were_looked_at():
    assert list(places()) == json.loads(PLACES.read_text(encoding="utf-8"))


def kept_measures():
    return json.loads(golden_measures.FILE.read_text(encoding="utf-8"))


def test_measures_without_letters_are_those_that_were_looked_at():
    kept = kept_measures()
    made = json.loads(json.dumps(golden_measures.exact()))
    assert {name: kept[name] for name in made} == made


def test_measures_of_texts_are_those_that_were_looked_at():
    kept = kept_measures()
    made = json.loads(json.dumps(golden_measures.lettered()))
    if kept["libraries"] == LIBRARIES:
        assert {name: kept[name] for name in made} == made
        return
    for name, values in made.items():  # letters are a little wider or narrower
        flat = [np.hstack([np.ravel(part) for part in found]) for found in (values, kept[name])]
        np.testing.assert_allclose(*flat, atol=3)
