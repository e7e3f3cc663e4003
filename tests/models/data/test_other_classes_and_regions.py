"""Data sets of a user's own classes and regions."""

import pytest

from emotion.models.data import stored
from emotion.models.data.dataset import DatasetOptions, make_dataset
from emotion.models.data.face_crops import cut_faces
from emotion.models.data.stored import load_region
from emotion.models.errors import DatasetError, OptionError
from emotion.models.evaluation.predictions import faces_of_dataset
from emotion.models.regions import EYES, FACE, Regions, read_region


def test_folders_of_other_names_are_mapped(small):
    (small / "faces" / "fear").rename(small / "faces" / "Scared")
    options = DatasetOptions(validation=0, test=0, labels={"scared": "fear"})
    assert make_dataset([small / "faces"], small / "out", options).faces["train"]["fear"] == 2
    with pytest.raises(DatasetError, match="'disgust' is none of the classes"):
        DatasetOptions(labels={"eek": "disgust"})


def test_any_classes_can_be_cut_out_and_split(small):
    (small / "faces" / "fear").rename(small / "faces" / "Disgust")
    (small / "faces" / "happiness").rename(small / "faces" / "happy")
    (small / "faces" / "votes.csv").write_text("path,disgust,happy,calm\nDisgust/0.png,3,0,1\n")
    options = DatasetOptions(
        validation=0, test=0, classes=("disgust", "happy", "calm"), labels={"neutral": "calm"}
    )
    summary = make_dataset([small / "faces"], small / "out", options)
    assert set(summary.faces["train"]) == {"disgust", "happy", "calm"}
    assert min(summary.faces["train"].values()) > 0
    rows = {row["source"]: row for row in stored.read_manifest(small / "out")}
    assert {row["label"] for row in rows.values()} == {"disgust", "happy", "calm"}
    assert rows["faces/Disgust/0.png"]["votes"] == [0.75, 0, 0.25]
    assert (small / "out" / "eyes" / "calm").is_dir()
    assert (small / "out" / "montage" / "calm.png").exists()
    assert stored.read_options(small / "out") == options
    with pytest.raises(DatasetError, match="disgust, happy, calm, and what is asked about it knows hap"):
        load_region(small / "out", "eyes", ("train",))
    assert load_region(small / "out", "eyes", ("train",), None).classes == options.classes


@pytest.mark.parametrize(
    "classes", [("fear",), ("fear", "fear"), ("fear", "a/b"), ("fear", ".."), ("Fear", "joy")]
)
def test_classes_have_names_that_fit_folders(classes):
    with pytest.raises(ValueError, match="two different names"):
        DatasetOptions(classes=classes)


def test_other_regions_are_cut_out_too_and_read_with_their_share_in_the_picture(small):
    options = DatasetOptions(validation=0, test=0, regions=("face", "brows=8,12,112,36@1"))
    make_dataset([small / "faces"], small / "out", options, workers=1)
    face = load_region(small / "out", "face", ("train",))
    brows = load_region(small / "out", "brows", ("train",))
    assert face.crops().shape[1:] == (128, 112)
    assert brows.crops().shape[1:] == (36, 112)
    (row, *_) = stored.read_manifest(small / "out")
    assert face.visible[0] == pytest.approx(row["face_visible"])
    faces = faces_of_dataset(small / "out", "train", Regions((EYES, FACE)))
    assert (faces.schema.regions.names, faces.visible.shape[1]) == (("eyes", "face"), 2)
    moved = Regions((EYES, read_region("brows=0,12,112,36@1")))
    with pytest.raises(DatasetError, match="its brows from another place"):
        faces_of_dataset(small / "out", "train", moved)
    with pytest.raises(DatasetError, match="holds eyes, lips, face, brows, not the chin"):
        load_region(small / "out", "chin", ("train",))
    again = make_dataset([small / "faces"], small / "out", options, workers=1)
    assert sum(again.faces["train"].values()) == len(face)


@pytest.mark.parametrize("region", ["chin", "brows=0,0,129,40", "9=1,2,3,4", "brows=a,b,c,d"])
def test_what_is_no_further_region_is_refused(region):
    with pytest.raises(OptionError) as error:
        DatasetOptions(regions=(region,))
    assert error.value.name == "regions"


def test_whole_faces_that_were_cut_later_are_a_region(small):
    make_dataset([small / "faces"], small / "out", DatasetOptions(validation=0, test=0), workers=1)
    with pytest.raises(DatasetError, match="no whole faces yet"):
        load_region(small / "out", "face", ("train",))
    cut_faces(small / "out", [small / "faces"])
    faces = load_region(small / "out", "face", ("train",))
    assert faces.crops().shape[1:] == (128, 112)
    assert faces.visible.min() > 0.5
