"""Encoding that gives the same for the same pictures, wherever and whenever tests run."""


def always_alike(codec: str) -> dict[str, str]:
    """Options for an encoder.

    x264 uses what a processor has, and with AVX-512 does not always make the same of the same pictures: a
    file that is then cut or damaged at a certain byte is not always cut in the same place.
    """
    return {"x264-params": "asm=0"} if codec == "libx264" else {}
