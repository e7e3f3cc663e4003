"""A model folder of other classes and one more region, made in a moment.

``mean_gray.onnx`` (346 bytes) takes crops of any size and says by their mean gray level m which of three
classes they show: softmax(0.02 m - 0.5, 0.3, 2 - 0.02 m). Made with ``onnx.helper``; tests need no onnx.
"""

import json
import shutil
from pathlib import Path

from emotion.models.classes import Classes
from emotion.models.manifest import ModelManifest
from emotion.models.regions import EYES, KNOWN, LIPS, Region
from emotion.models.small_files import sha256
from emotion.models.voting.vote import FORMAT, VoteWeights

CLASSES = Classes(
    ("calm", "tense", "laughing"),
    ("#BCC3CC", "#FA8050", "#F6EC34"),
    ("#333333", "#BE2C15", "#D67E2B"),
    neutral="calm",
)
BROW = Region("brow", left=16, top=8, width=96, height=32)
REGIONS = (EYES, LIPS, BROW)
_NET = Path(__file__).with_name("mean_gray.onnx")


def model_folder(folder: Path, regions: tuple[Region, ...] = REGIONS) -> Path:
    """Write models of some regions that tell calm, tense and laughing faces apart, and their vote."""
    for region in regions:
        path = folder / f"{region.name}.onnx"
        shutil.copy(_NET, path)
        ModelManifest(
            region.name,
            "mean gray",
            path.name,
            sha256(path),
            "float32",
            region.size,
            data="nothing",
            classes=CLASSES,
            place=None if region in KNOWN.places else region,
        ).save(folder)
    names = tuple(region.name for region in regions)
    rule = VoteWeights.equal(CLASSES, names).rule
    rate = {"rate": 0.5, "low": 0.4, "high": 0.6, "faces": 9}
    values = {
        "format": FORMAT,
        "classes": list(CLASSES),
        "regions": list(names),
        "rule": "equal",
        "rules": {"equal": rule.to_json(CLASSES, names)},
        "success_rates": {label: dict.fromkeys(names, rate) for label in CLASSES},
    }
    (folder / "weights.json").write_text(json.dumps(values), encoding="utf-8")
    return folder
