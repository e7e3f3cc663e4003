"""What `emotion evaluate` reports of the models."""

from types import SimpleNamespace

import pytest

from emotion.cli.evaluate import _Evaluator


@pytest.mark.parametrize(
    ("data", "reported"),
    [
        (("ours", "ours"), "ours"),
        (("", ""), "not said"),
        (("ours", ""), {"eyes": "ours", "lips": "not said"}),
    ],
)
def test_it_is_said_what_each_network_was_trained_on(data, reported):
    evaluator = _Evaluator.__new__(_Evaluator)
    evaluator._rule = "equal"
    evaluator._models = tuple(
        SimpleNamespace(
            manifest=SimpleNamespace(region=region, data=text, architecture="", precision="", sha256="")
        )
        for region, text in zip(("eyes", "lips"), data, strict=True)
    )
    assert evaluator.about()["trained on"] == reported
