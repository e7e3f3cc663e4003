"""Decoding a stranger's picture: in a process that can be limited and killed."""

import asyncio
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")

from PIL import Image

from emotion.web.http import photo
from emotion.web.http.photo import PhotoError, decode
from tests.helpers.pictures import moving_pictures
from tests.helpers.two_colours import assert_red_then_blue, red_and_blue

FAKE = Path(__file__).parents[2] / "fakes" / "photo_decoder.py"
limited = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")


def encoded(picture, kind="PNG"):
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def fake(how, data=b"a picture"):
    """What is said of it; no process may be left."""
    before = psutil.Process().children()
    with pytest.raises(PhotoError) as refused:
        asyncio.run(decode(data, 1000, (sys.executable, str(FAKE), how)))
    assert set(psutil.Process().children()) <= set(before)
    return str(refused.value)


def test_pixels_are_those_of_the_picture():
    picture = Image.new("RGB", (5, 3), (10, 20, 30))
    picture.putpixel((4, 0), (200, 100, 50))
    image = asyncio.run(decode(encoded(picture), 15))
    assert image.shape == (3, 5, 3)
    assert image[0, 4].tolist() == [50, 100, 200]
    assert image[2, 1].tolist() == [30, 20, 10]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("WEBP", "RGB")],
)
def test_red_stays_red_in_every_kind_of_picture(kind, mode):
    picture = Image.fromarray(np.ascontiguousarray(red_and_blue()[..., ::-1])).convert(mode)
    assert_red_then_blue(asyncio.run(decode(encoded(picture, kind), 128 * 96)), tolerance=40)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_lies_on_white(kind):
    image = asyncio.run(decode(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), kind), 64))
    assert (image == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_pictures_that_move_are_no_photograph(kind):
    assert asyncio.run(decode(moving_pictures(kind, 1), 10_000)).shape == (30, 40, 3)
    with pytest.raises(PhotoError, match="moves: send it as a video"):
        asyncio.run(decode(moving_pictures(kind, 3), 10_000))


def test_a_picture_of_16_bits_keeps_its_brightness():
    values = np.linspace(0, 65535, 256).astype(np.uint16)[None]
    image = asyncio.run(decode(encoded(Image.fromarray(values)), 256))
    np.testing.assert_allclose(image[0, :, 1].astype(int), np.arange(256), atol=1)


def test_a_phones_photograph_is_upright_and_in_its_colours():
    """EXIF says 6: to be turned right by a quarter; stored is what has red at the bottom."""
    stored = Image.fromarray(np.ascontiguousarray(red_and_blue()[..., ::-1])).rotate(90, expand=True)
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    stored.save(file, "JPEG", exif=exif, quality=95)
    image = asyncio.run(decode(file.getvalue(), 128 * 96))
    assert image.shape == (96, 128, 3)
    assert_red_then_blue(image)


def test_a_picture_of_more_pixels_than_allowed_says_so():
    with pytest.raises(PhotoError, match="5x3 pixels, more than this server takes"):
        asyncio.run(decode(encoded(Image.new("RGB", (5, 3))), 14))


@pytest.mark.parametrize(
    "how",
    [
        "crashes",
        "babbles",
        "claims too much",
        "claims the impossible",
        "stops halfway",
        "answers something else",
        "says nothing",
    ],
)
def test_a_decoder_that_breaks_down_or_is_taken_over_ends_in_a_sentence(how):
    assert "ended unexpectedly: save the picture again" in fake(how)


@pytest.mark.parametrize(("how", "size"), [("hangs", 9), ("deaf", 10_000_000)])
def test_a_decoder_that_takes_too_long_is_killed(how, size, monkeypatch):
    monkeypatch.setattr(photo, "_DECODE_SECONDS", 0.5)
    assert "too long to decode: scale it down" in fake(how, bytes(size))


@limited
def test_a_picture_gets_no_more_memory_than_one_may_take():
    bomb = encoded(Image.new("RGB", (6000, 6000)))
    assert len(bomb) < 500_000
    little = "from emotion.web.http import photo_decoder; import sys; photo_decoder._OWN_BYTES = 100 << 20; "
    little += "photo_decoder._BYTES_A_PIXEL = 0; photo_decoder.main(int(sys.argv[1]))"
    with pytest.raises(PhotoError, match="needs more memory than one may take"):
        asyncio.run(decode(bomb, 36_000_000, (sys.executable, "-c", little)))
    assert asyncio.run(decode(bomb, 36_000_000)).shape == (6000, 6000, 3)


@limited
def test_a_process_gets_no_more_time_or_files_than_it_may_take(tmp_path):
    import signal

    def ends(code):
        code = f"from emotion.web.limits import limit; limit(cpu_seconds=1)\n{code}"
        return subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode

    assert ends("while True: pass") == -signal.SIGXCPU
    assert ends(f"open({str(tmp_path / 'file')!r}, 'wb', 0).write(b'x')") == 1
    assert ends("pass") == 0
