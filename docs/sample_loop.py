"""Makes the loop on the start page, and its sample photo: ``python -m docs.sample_loop``.

The loop is a few seconds of the bundled clip, small and without sound, and the live results of the included
models. The page shows both if a server's models have the same classes, else only the clip. Run it when the
included models change. The photo is one frame of the clip.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.session import EveryFrame, Models, Session
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.web.analysis import to_values

STATIC = Path(__file__).parent.parent / "emotion" / "web" / "static"
# From tears to laughter.
START, END = 4.2, 13.2
SIZE = (400, 224)
EVERY = 2
# A moment on which a face is well seen.
PHOTO_SECONDS = 17
COLUMNS = ("track_id", "label", "emotion", "probabilities", "blendshapes")


def selected_values(result: EmotionFrame, scale: float) -> dict[str, Any]:
    """A moment as the page's scripts take it, with boxes in the loop's own pixels."""
    faces = []
    for face in result.faces:
        values = to_values(face)
        shown = {name: _short(values[name]) for name in (*COLUMNS, *result.schema.regions.names)}
        faces.append(shown | {"box": [round(scale * side) for side in values["box"]]})
    return {"seconds": round(result.frame.seconds - START, 3), "faces": faces}


def _short(value: Any) -> Any:
    return [round(share, 2) for share in value] if isinstance(value, list) else value


def main() -> None:
    """Write the clip, its results and the photo beside the page's scripts."""
    with VideoFile(DEMO) as clip:
        rate, scale = clip.info.average_rate / EVERY, SIZE[0] / clip.info.width
        with Session(clip, models=Models.load(), policy=EveryFrame()) as session:
            results = list(session)
    photo = next(result.frame.image for result in results if result.frame.seconds >= PHOTO_SECONDS)
    cv2.imwrite(str(STATIC / "sample.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 90])
    results = [result for result in results if START <= result.frame.seconds < END][::EVERY]
    with av.open(str(STATIC / "loop.mp4"), "w", options={"movflags": "+faststart"}) as target:
        stream = target.add_stream("libx264", rate=rate, options={"crf": "31", "preset": "veryslow"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number, result in enumerate(results):
            small = cv2.resize(result.frame.image, SIZE, interpolation=cv2.INTER_AREA)
            picture = av.VideoFrame.from_ndarray(np.asarray(small, np.uint8), format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1) / rate
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    facts = {
        "width": SIZE[0],
        "height": SIZE[1],
        "emotions": results[0].schema.classes.names,
        "regions": results[0].schema.regions.names,
        "results": [selected_values(result, scale) for result in results],
    }
    (STATIC / "loop.json").write_text(json.dumps(facts, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
