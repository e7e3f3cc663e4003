import numpy as np
import pytest

from emotion.models.checksums import FINGERPRINTS
from emotion.models.data import fingerprints
from emotion.models.data.duplicates import MAX_DISTANCE, near_any
from emotion.models.data.fingerprints import NO_HASHES, Fingerprints
from emotion.models.errors import DatasetError, ModelFileError, ShippedModelsError
from emotion.models.manifest import LITE
from emotion.models.regions import EYES, LIPS, REGIONS, Region, Regions
from tests.helpers.small_dataset import striped_dataset


def hashes(seed, count):
    return np.random.default_rng(seed).integers(0, 2**63, (count, 4)).astype(np.uint64)


def same(one, other):
    return {row.tobytes() for row in one} == {row.tobytes() for row in other}


def test_near_duplicates_of_a_list_are_found_by_their_distance_alone():
    listed = hashes(0, 40)
    asked = hashes(1, 600)  # more than are compared at once
    asked[[3, 599]] = listed[[0, 39]]
    asked[3, 1] ^= np.uint64(2**MAX_DISTANCE - 1)
    asked[7] = listed[5]
    asked[7, 2] ^= np.uint64(2 ** (MAX_DISTANCE + 1) - 1)
    assert np.flatnonzero(near_any(asked, listed)).tolist() == [3, 599]
    assert not near_any(asked, NO_HASHES).any()
    assert near_any(NO_HASHES, listed).shape == (0,)


def test_a_list_comes_back_as_it_was_written_and_holds_each_face_once(tmp_path):
    shared, others = hashes(0, 200), hashes(1, 20)
    eyes = Fingerprints(shared, others, unknown=("lite",), model="1f")
    vote = Fingerprints(others, shared, places=("eyes=1,2,30,40@1", "lips"))
    fingerprints.write(tmp_path, {"eyes": eyes, "vote": vote})
    found = fingerprints.read(tmp_path)
    assert list(found) == ["eyes", "vote"]
    assert same(found["eyes"].training, shared)
    assert same(found["eyes"].validation, others)
    assert same(found["vote"].training, others)
    assert (found["eyes"].unknown, found["eyes"].model) == (("lite",), "1f")
    assert found["vote"].places == ("eyes=1,2,30,40@1", "lips")
    assert (tmp_path / FINGERPRINTS).stat().st_size < 220 * 32 * 1.2 + 1000


def test_what_was_trained_on_counts_as_such_also_where_it_validated(tmp_path):
    faces = hashes(0, 5)
    fingerprints.write(tmp_path, {"eyes": Fingerprints(faces[:3], faces)})
    found = fingerprints.read(tmp_path)["eyes"]
    assert same(found.training, faces[:3])
    assert same(found.validation, faces[3:])


def test_one_predictor_is_replaced_and_the_others_stay(tmp_path):
    fingerprints.write(tmp_path, {"eyes": Fingerprints(hashes(0, 4)), "lips": Fingerprints(hashes(1, 4))})
    fingerprints.write_one(tmp_path, "eyes", Fingerprints(hashes(2, 3)))
    found = fingerprints.read(tmp_path)
    assert same(found["eyes"].training, hashes(2, 3))
    assert same(found["lips"].training, hashes(1, 4))
    fingerprints.write_one(tmp_path, "eyes", None)
    assert list(fingerprints.read(tmp_path)) == ["lips"]
    fingerprints.write_one(tmp_path, "lips", None)
    assert not (tmp_path / FINGERPRINTS).exists(), "no earlier list stays, which might be passed on unseen"
    assert [*tmp_path.iterdir()] == []


def test_what_a_model_began_with_has_been_seen_too():
    begun = Fingerprints(hashes(0, 4), hashes(1, 2), unknown=("lite",))
    found = Fingerprints(hashes(2, 3)).after(begun)
    assert same(found.training, np.concatenate([hashes(0, 4), hashes(2, 3)]))
    assert same(found.validation, hashes(1, 2))
    assert found.unknown == ("lite",)
    moved = Fingerprints(hashes(0, 4), places=("eyes=1,2,30,40@1", "lips"))
    assert Fingerprints(hashes(2, 3)).after(moved).unknown == ("models of other regions",)


def test_of_models_without_a_list_the_name_is_kept(tmp_path):
    assert fingerprints.of_models(LITE, "lite").unknown == ("lite",)
    fingerprints.write(tmp_path, {"eyes": Fingerprints(hashes(0, 4)), "lips": Fingerprints(hashes(1, 4))})
    assert same(fingerprints.of_models(tmp_path, "mine", {"lips"}).training, hashes(1, 4))
    assert fingerprints.of_models(tmp_path, "mine").count == 8
    assert fingerprints.of_models(tmp_path, "mine", {"face"}).unknown == ("mine",)


def test_the_faces_of_a_data_set_are_read_from_its_crops(tmp_path):
    data = striped_dataset(tmp_path / "data")
    found = fingerprints.of_dataset(data, {"train"}, {"validation"})
    assert (found.training.shape, found.validation.shape) == ((96, 4), (24, 4))
    assert found.places == ("eyes", "lips")
    (data / "lips" / "happiness" / "face0.png").unlink()
    with pytest.raises(DatasetError, match="make the data set again"):
        fingerprints.of_dataset(data, {"train"})


def test_places_are_those_of_the_models_where_they_moved():
    moved = Region("eyes", 0, 8, 128, 64)
    assert fingerprints.places_of(Regions((moved, LIPS)))[0].startswith("eyes=0,8,128,64")
    assert fingerprints.places_of(Regions((LIPS,))) == fingerprints.places_of(REGIONS) == ("eyes", "lips")
    assert EYES.name == "eyes"


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half an archive"])
def test_a_damaged_list_ends_in_a_sentence(tmp_path, content):
    (tmp_path / FINGERPRINTS).write_bytes(content)
    with pytest.raises(ModelFileError, match="Delete it"):
        fingerprints.read(tmp_path)


@pytest.mark.parametrize("about", ['{"format": 2, "predictors": []}', '{"format": 1}', "[]", "{"])
def test_a_list_that_says_something_else_ends_in_a_sentence(tmp_path, about):
    with open(tmp_path / FINGERPRINTS, "wb") as file:
        np.savez(file, about=np.array(about), hashes=hashes(0, 2), roles=np.zeros((1, 2), np.uint8))
    with pytest.raises(ModelFileError, match="Delete it"):
        fingerprints.read(tmp_path)


def test_the_models_that_ship_get_no_list():
    with pytest.raises(ShippedModelsError):
        fingerprints.write(LITE, {"eyes": Fingerprints(hashes(0, 1))})
