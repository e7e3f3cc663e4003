"""The option `--offline`, the same for all commands that take addresses."""

from emotion.cli.console import errors
from emotion.models.native import telemetry
from emotion.offline import forbid_network


def obey_offline(wanted: bool) -> None:
    """Forbid the network if requested, and report what cannot be blocked."""
    if not wanted:
        return
    forbid_network()
    for leak in telemetry.leaks():
        errors.print(f"--offline cannot hold back everything: {leak}")
