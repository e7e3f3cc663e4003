"""Pictures that Pillow reads, as plain RGB; imports little, for processes that are started per picture."""

from typing import cast

from PIL import Image, ImageOps


def flat(picture: Image.Image) -> Image.Image:
    """A picture upright, in mode RGB, on white if it is transparent.

    Of more than 8 bits a pixel the brightest is 255.
    """
    upright = ImageOps.exif_transpose(picture)
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    elif upright.mode.startswith(("I", "F")):
        values = upright.convert("F")
        _, brightest = cast("tuple[float, float]", values.getextrema())
        scale = 255 / max(brightest, 255.0)
        upright = values.point(lambda value: value * scale + 0).convert("L")
    return upright.convert("RGB")
