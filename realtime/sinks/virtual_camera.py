"""The annotated pictures as a camera for other programs, through pyvirtualcam."""

from typing import Any

from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install
from emotion.models.regions import Image
from emotion.realtime.errors import SinkError
from emotion.realtime.media import letterboxed
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink

_ADVICE = (
    "On Linux load its driver (apt-get install v4l2loopback-dkms, then sudo modprobe v4l2loopback "
    "exclusive_caps=1); on Windows and macOS install OBS Studio and start its virtual camera once."
)


class VirtualCameraSink(Sink):
    """Sends each picture to a virtual camera: v4l2loopback on Linux, OBS on Windows and macOS.

    A camera has a constant size, so pictures of another size are fitted in, with black borders.

    Args:
        width, height: of the camera in pixels; an odd number is decreased by one.
        rate: nominal frame rate of the camera.
        device: the virtual camera, by its system name; by default the first free one.

    Attributes:
        name: in the system.

    Raises:
        MissingDependencyError: pyvirtualcam is not installed.
        SinkError: there is no virtual camera, or it is taken.
    """

    def __init__(self, width: int, height: int, rate: float = 30.0, device: str | None = None) -> None:
        try:
            import pyvirtualcam  # noqa: PLC0415  an optional extra
        except ImportError as error:
            raise MissingDependencyError(
                f"A virtual camera needs pyvirtualcam. Install it with: {pip_install('virtual-camera')}"
            ) from error
        # Chroma has half the size.
        self._size = width - width % 2, height - height % 2
        try:
            self._camera: Any = pyvirtualcam.Camera(
                *self._size, rate, fmt=pyvirtualcam.PixelFormat.BGR, device=device
            )
        except RuntimeError as error:
            raise SinkError(f"No virtual camera could be opened. {_ADVICE}") from error
        self.name: str = self._camera.device

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Send a picture; see `Sink.write`. It does not wait for the camera's rate."""
        try:
            self._camera.send(letterboxed(image, self._size))
        except RuntimeError as error:
            raise SinkError(
                f"The virtual camera {self.name} has failed ({error}): start it again."
            ) from error

    def close(self) -> None:
        """Release the camera."""
        self._camera.close()

    def abort(self) -> None:
        """Same as `close`, since there are no files."""
        self._camera.close()
