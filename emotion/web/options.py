"""How the page is served: one checked set of options, read once."""

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import platformdirs

from emotion.models.engines.providers import ProviderName
from emotion.models.manifest import ZOO, PrecisionChoice

MIB = 1 << 20
GIB = 1 << 30


def usual_folder() -> Path:
    """Where videos and their results lie, as this system's habits have it."""
    return Path(platformdirs.user_state_dir("emotion-live", appauthor=False)) / "jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Addresses, places and limits of the server.

    Attributes:
        host, port: where it listens.
        names: further host names under which a browser may ask for it.
        folder: holds a folder a job.
        models: folder of eyes.onnx, lips.onnx and weights.json.
        provider, threads, precision: how the models run, as in `Models.load`.
        max_faces, smooth: as of `Options`.
        workers: videos annotated at the same time. A pipeline keeps two cores busy, so more of
            them than half the cores only make each other wait.
        waiting: the most videos in the queue.
        uploads: the most videos sent at the same time.
        upload_bytes: of one video.
        quota_bytes: of all videos and results together.
        spare_bytes: always left free on the disk.
        video_seconds: the longest video.
        video_pixels: the most pixels in a picture.
        job_seconds: the most time that one video may take.
        keep_seconds: after this, a video and its results are deleted.
        photo_bytes: of a picture sent for analysis.
        photo_pixels: of it.
        viewers: cameras at the same time.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    names: tuple[str, ...] = ()
    folder: Path = field(default_factory=usual_folder)
    models: Path = ZOO
    provider: ProviderName = "auto"
    threads: int = 1
    precision: PrecisionChoice = "auto"
    max_faces: int = 4
    smooth: float = 0.3
    workers: int = field(default_factory=lambda: max(1, (os.cpu_count() or 1) // 2))
    waiting: int = 20
    uploads: int = 4
    upload_bytes: int = GIB
    quota_bytes: int = 10 * GIB
    spare_bytes: int = GIB // 2
    video_seconds: float = 3600.0
    video_pixels: int = 4096 * 2304
    job_seconds: float = 4 * 3600.0
    keep_seconds: float = 24 * 3600.0
    photo_bytes: int = 20 * MIB
    photo_pixels: int = 40_000_000
    viewers: int = 4

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
