"""What stands for annotating in a place of a cluster; what it does with a video is said by the name.

``dies`` (each time), ``once`` (the first time), ``fails``, ``damaged``; anything else is done.
"""

from pathlib import Path

from tests.fakes.ray_library import DiesError


class FakeVideos:
    def ready(self):
        return {"classes": ["happiness"], "provider": "cpu"}

    def do(self, task, progress):
        video = Path(task["video"])
        progress(1, 2)
        marker = video.with_suffix(".tried")
        if "dies" in video.name or ("once" in video.name and not marker.exists()):
            marker.touch()
            raise DiesError
        if "fails" in video.name:
            return _end("failed", 3, f"{video} cannot be read.")
        if "damaged" in video.name:
            return _end("incomplete", 3, f"{video} is incomplete.") | {"notes": ["Sound is left out."]}
        return _end("passed" if task["resume"] else "done")


def _end(state, code=0, reason=""):
    return {"end": state, "code": code, "reason": reason, "frames": 2}
