"""The options of the server: address, folders and limits."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, ClassVar

from emotion.models.cores import available_cores
from emotion.models.options import Option, check
from emotion.models.user_folders import user_folder

MIB = 1 << 20
GIB = 1 << 30


def usual_folder() -> Path:
    """The default folder of videos and their results, by this system's conventions."""
    return user_folder("state") / "jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Address, folders and limits of the server; the analysis has `Options`."""

    TITLE: ClassVar[str] = "Server"

    host: Annotated[
        str,
        Option(
            help="Address to listen on. If other machines can reach it, a token is needed, which is printed."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Option(help="Port to listen on; 0: any free port.", ge=0, le=65535)] = 8000
    names: Annotated[
        tuple[str, ...],
        Option(
            help="Another host name under which browsers reach the server; may be repeated.",
            flags=("--name",),
        ),
    ] = ()
    certificate: Annotated[Path | None, Option(help="Certificate for HTTPS (PEM).")] = None
    key: Annotated[Path | None, Option(help="Private key of the certificate (PEM).")] = None
    folder: Annotated[
        Path | None,
        Option(help="Folder for uploaded videos and results; by default in the user's state folder."),
    ] = None
    keep_hours: Annotated[
        float, Option(help="Time after which videos and results are deleted.", unit="hours", ge=0)
    ] = 24
    max_upload: Annotated[float, Option(help="Maximum size of a video.", unit="MiB", gt=0)] = 1024
    max_minutes: Annotated[float, Option(help="Maximum length of a video.", unit="minutes", ge=0.1)] = 60
    quota: Annotated[
        float, Option(help="Maximum disk space for all videos and results.", unit="GiB", gt=0)
    ] = 10
    viewers: Annotated[int, Option(help="Maximum number of cameras at the same time.", ge=0, le=1000)] = 4
    jobs: Annotated[
        int,
        Option(
            help="Number of videos annotated at the same time. One video keeps two cores busy, so "
            "more than half the number of cores is no faster.",
            ge=1,
            le=256,
            expert=True,
        ),
    ] = field(default_factory=lambda: max(1, available_cores() // 2))
    waiting: Annotated[int, Option(help="Maximum number of videos in the queue.", ge=0, expert=True)] = 20
    uploads: Annotated[int, Option(help="Maximum number of uploads at the same time.", ge=1, expert=True)] = 4
    spare_bytes: Annotated[
        int, Option(help="Disk space that is always left free.", unit="bytes", ge=0, expert=True)
    ] = GIB // 2
    video_pixels: Annotated[
        int, Option(help="Maximum number of pixels in a frame of a video.", ge=1, expert=True)
    ] = 4096 * 2304
    job_seconds: Annotated[
        float, Option(help="Maximum processing time of a video.", unit="seconds", gt=0, expert=True)
    ] = 4 * 3600.0
    photo_bytes: Annotated[
        int, Option(help="Maximum size of a photograph.", unit="bytes", ge=1, expert=True)
    ] = 20 * MIB
    photo_pixels: Annotated[
        int, Option(help="Maximum number of pixels of a photograph.", ge=1, expert=True)
    ] = 40_000_000

    def __post_init__(self) -> None:
        check(self)

    @property
    def place(self) -> Path:
        """With one folder per job."""
        return self.folder or usual_folder()

    @property
    def upload_bytes(self) -> int:
        """Of one video."""
        return round(self.max_upload * MIB)

    @property
    def quota_bytes(self) -> int:
        """Of all videos and results together."""
        return round(self.quota * GIB)

    @property
    def video_seconds(self) -> float:
        """The longest video."""
        return 60 * self.max_minutes

    @property
    def keep_seconds(self) -> float:
        """After this, a video and its results are deleted."""
        return 3600 * self.keep_hours

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
