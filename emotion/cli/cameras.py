"""The command `emotion cameras`."""

import platform

import typer

from emotion.cli.console import console

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion cameras    numbers for 'emotion live'
"""


@app.command(epilog=EXAMPLES)
def cameras() -> None:
    """List the cameras of this machine, with their numbers for 'emotion live'."""
    from emotion.realtime.sources.camera import find_cameras  # noqa: PLC0415  OpenCV takes a while to load

    found = find_cameras()
    for camera in found:
        console.print(f"{camera.where}  {camera.name}" + (f": {camera.problem}" if camera.problem else ""))
    if not found:
        console.print(f"No camera is there{_where_to_look()}.")


def _where_to_look() -> str:
    if platform.system() == "Linux":
        return (
            ": the system lists no video device that takes pictures. Plug one in; to a container hand it "
            "over, as with 'docker run --device /dev/video0'"
        )
    return ", or the system does not allow this program to use it: see its privacy settings for cameras"
