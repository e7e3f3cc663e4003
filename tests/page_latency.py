"""How soon the camera page's overlay follows the picture: ``python -m tests.page_latency [SECONDS]``.

The camera shows a laughing face and darkness in turns. Measured in the browser, for each turn: from
the moment at which the page's own picture shows it to the moment at which the overlay does.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import sync_playwright

from tests.browser import Visitor, launch, server
from tests.test_annotate import DEMO

_WATCH = """() => {
    const video = document.getElementById("own");
    const small = new OffscreenCanvas(32, 24);
    const pen = small.getContext("2d", { willReadFrequently: true });
    const log = (window.turns = { picture: [], overlay: [], ages: [], frames: 0 });
    let bright = null, face = null;
    const look = () => {
        pen.drawImage(video, 0, 0, 32, 24);
        const { data } = pen.getImageData(0, 0, 32, 24);
        let sum = 0;
        for (let index = 0; index < data.length; index += 4) sum += data[index];
        const now = sum / 768 > 20;
        if (now !== bright) log.picture.push([performance.now(), now]);
        bright = now;
        log.frames += 1;
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    const draw = () => {
        const now = (emotionCamera.latest?.faces.length ?? 0) > 0;
        if (now !== face) log.overlay.push([performance.now(), now]);
        face = now;
        if (emotionCamera.age !== null) log.ages.push(emotionCamera.age);
        requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
}"""


def blinking_clip(path, seconds=30.0):
    """A face and darkness in turns of 0.6 to 1.4 seconds, 640x480 at 25 frames a second."""
    chance = random.Random(0)
    with av.open(str(DEMO)) as source:
        frames = [
            frame.to_image().crop((60, 0, 420, 270)) for frame in source.decode(video=0) if frame.time > 14
        ]
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=25, width=640, height=480, pix_fmt="yuvj420p")
        stream.codec_context.qmin = stream.codec_context.qmax = 3
        dark, left = False, 20
        for index in range(int(25 * seconds)):
            image = frames[index % len(frames)].resize((640, 480))
            picture = av.VideoFrame.from_ndarray(np.asarray(image) * (not dark), format="rgb24")
            container.mux(stream.encode(picture))
            left -= 1
            if not left:
                dark, left = not dark, chance.randrange(15, 35)
        container.mux(stream.encode(None))
    return path


def delays(log):
    """Milliseconds from each turn of the picture to the same turn of the overlay, if it came in time."""
    found = []
    for index, (at, bright) in enumerate(log["picture"][1:-1], start=1):
        until = log["picture"][index + 1][0] + 500
        follows = [moment for moment, face in log["overlay"] if face == bright and at <= moment < until]
        if follows:
            found.append(follows[0] - at)
    return found


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = blinking_clip(Path(folder) / "blinks.mjpeg")
        with server(folder, "--provider", "cpu") as address, launch(playwright, clip) as browser:
            visitor = Visitor(browser, address)
            visitor.page.get_by_role("button", name="Start camera").click()
            visitor.until("emotionCamera.results > 10")
            visitor.page.evaluate(_WATCH)
            before = visitor.page.evaluate("emotionCamera.results")
            visitor.page.wait_for_timeout(1000 * seconds)
            results = visitor.page.evaluate("emotionCamera.results") - before
            log = visitor.page.evaluate("turns")
            if len(sys.argv) > 2:
                visitor.until("emotionCamera.latest.faces.length")
                visitor.page.screenshot(path=sys.argv[2])
    found, ages = delays(log), log["ages"]
    first, last = np.array_split(np.array(found), 2)
    report = {
        "results_a_second": round(results / seconds, 1),
        "pictures_a_second": round(log["frames"] / seconds, 1),
        "turns": len(log["picture"]) - 2,
        "followed": len(found),
        "glass_to_overlay_ms": {q: round(float(np.percentile(found, q))) for q in (50, 95)},
        "median_first_and_second_half_ms": [round(float(np.median(part))) for part in (first, last)],
        "shown_age_ms": {q: round(float(np.percentile(ages, q))) for q in (50, 95)},
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
