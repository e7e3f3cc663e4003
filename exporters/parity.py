"""Checks on real crops that an exported file gives the same outputs as the Keras network."""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from emotion.models.engines.session import RegionModel

# Weights in float16 change a probability by about a tenth of a per cent.
MAX_DIFFERENCE = 0.02
MIN_AGREEMENT = 0.995


@dataclass(frozen=True, slots=True)
class Parity:
    """The comparison of two versions of a model.

    Attributes:
        crops: their number.
        largest_difference: of any probability.
        label_agreement: share of the crops on which both give the same emotion.
    """

    crops: int
    largest_difference: float
    label_agreement: float

    @property
    def holds(self) -> bool:
        """Whether the two are equivalent."""
        # Of a few hundred crops one may have two nearly equal probabilities, so that rounding decides.
        allowed = max(1, (1 - MIN_AGREEMENT) * self.crops)
        other = round((1 - self.label_agreement) * self.crops)
        return self.largest_difference <= MAX_DIFFERENCE and other <= allowed

    def __str__(self) -> str:
        return (
            f"largest difference of a probability {self.largest_difference:.1e}, "
            f"same label on {self.label_agreement:.2%} of {self.crops} crops"
        )


def compare(
    model: keras.Model, exported: RegionModel, crops: npt.NDArray[np.uint8], batch: int = 64
) -> Parity:
    """Run Keras and ONNX Runtime on the same crops.

    Args:
        model: made by `emotion.models.training.networks.for_inference`.
        exported: the file made of it.
        crops: uint8 (n, height, width), n at least 1.
        batch: crops at once.
    """
    parts = [crops[start : start + batch] for start in range(0, len(crops), batch)]
    ours = np.concatenate([model.predict_on_batch(part[..., None]) for part in parts])
    theirs = np.concatenate([exported(part) for part in parts])
    return Parity(
        crops=len(crops),
        largest_difference=float(np.abs(ours - theirs).max()),
        label_agreement=float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
    )
