"""The weighted vote of the eyes model and the lips model."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS
from models.errors import ModelFileError
from models.manifest import ZOO

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class VoteWeights:
    """How much each model's vote on each emotion counts.

    Attributes:
        eyes, lips: float32 (6,), positive, in class order.
    """

    eyes: npt.NDArray[np.float32]
    lips: npt.NDArray[np.float32]

    @classmethod
    def equal(cls) -> "VoteWeights":
        """Both models count the same on every emotion."""
        return cls(np.ones(len(EMOTIONS), np.float32), np.ones(len(EMOTIONS), np.float32))

    @classmethod
    def read(cls, folder: Path = ZOO) -> "VoteWeights":
        """The weights of ``weights.json`` in a model folder.

        Raises:
            ModelFileError: the file is missing, or not of this program and its emotions.
        """
        path = folder / "weights.json"
        advice = "Make it with 'emotion weights', or install emotion-live again."
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT or tuple(values["classes"]) != EMOTIONS:
                raise ModelFileError(f"{path} is for another version of the program. {advice}")
            tables = [[values["weights"][region][name] for name in EMOTIONS] for region in ("eyes", "lips")]
            eyes, lips = np.array(tables, dtype=np.float32)
        except OSError as error:
            raise ModelFileError(f"{path} cannot be read ({error.strerror}). {advice}") from error
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"{path} is not a table of vote weights. {advice}") from error
        if not (np.isfinite([eyes, lips]).all() and min(eyes.min(), lips.min()) > 0):
            raise ModelFileError(f"{path} has a weight that is not a positive number. {advice}")
        return cls(eyes, lips)

    def vote(
        self,
        eyes: npt.NDArray[np.float32],
        lips: npt.NDArray[np.float32],
        seen: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None = None,
    ) -> npt.NDArray[np.float32]:
        """The weighted mean of both models' probabilities, emotion by emotion.

        The weights are made to sum to one over the regions that are seen, so a hidden region
        votes nothing and a weight moves an emotion towards the better model instead of up.

        Args:
            eyes, lips: float32 (n, 6), each model's probabilities.
            seen: bool (n,) for the eyes and for the lips; all are seen where not given.

        Returns:
            float32 (n, 6), rows sum to one; NaN where neither region is seen.
        """
        eyes_seen, lips_seen = seen or (np.ones(len(eyes), bool), np.ones(len(lips), bool))
        by_eyes = self.eyes * eyes_seen[:, None]
        by_lips = self.lips * lips_seen[:, None]
        with np.errstate(invalid="ignore"):
            mean = (by_eyes * eyes + by_lips * lips) / (by_eyes + by_lips)
        return np.asarray(mean / mean.sum(axis=1, keepdims=True), dtype=np.float32)
