"""Models are loaded with the user's cache; what was chosen is said where there was a choice."""

from types import SimpleNamespace

import pytest

from emotion import loading
from emotion.loading import load_models
from emotion.models.engines.options import EngineOptions
from emotion.models.engines.session import CPU_ONLY


@pytest.fixture
def load(monkeypatch):
    """Load models of which the session says this."""

    def loaded(options, choice, nets=None):
        asked, said = {}, []

        def models(given, cache):
            asked.update(options=given, cache=cache)
            found = nets and SimpleNamespace(landmarks=SimpleNamespace(choice=nets))
            return SimpleNamespace(regions=[SimpleNamespace(choice=choice)], nets=found)

        monkeypatch.setattr(loading, "Models", SimpleNamespace(load=models))
        load_models(options, said.append)
        return asked, said

    return loaded


def test_options_and_the_users_cache_are_handed_on(load):
    asked, said = load(EngineOptions(threads=3), CPU_ONLY)
    assert asked["options"] == EngineOptions(threads=3)
    assert asked["cache"].name == "emotion-live"
    assert said == []


def test_what_auto_chose_is_said(load):
    _, said = load(EngineOptions(landmarks="onnx"), "CUDA", "DirectML")
    assert said == ["The models run on CUDA", "The landmark nets run on DirectML"]


def test_landmarks_on_the_cpu_need_no_word(load):
    assert load(EngineOptions(), CPU_ONLY, "the CPU, as requested")[1] == []


def test_what_was_requested_by_name_needs_no_word(load):
    assert load(EngineOptions(provider="cuda"), "CUDA", "CUDA")[1] == []
