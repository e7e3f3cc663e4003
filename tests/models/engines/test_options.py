import inspect

from emotion.models.engines.options import EngineOptions, known_models, model_folder, model_folder_name
from emotion.models.manifest import DEFAULT, LITE, ZOO
from emotion.models.voting.vote import VoteWeights


def test_one_folder_is_the_default_everywhere_and_has_a_name():
    assert EngineOptions().models == DEFAULT == LITE
    assert inspect.signature(VoteWeights.read).parameters["folder"].default == DEFAULT
    assert model_folder_name(DEFAULT) == "lite"
    assert (model_folder("lite"), model_folder("standard")) == (LITE, ZOO)
    assert list(known_models())[-2:] == ["lite", "standard"]
