"""Offline mode: any use of the network is an error."""

import sys

from emotion.models.errors import EmotionError

_WITH_ADDRESS = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}
_ASKING = {"socket.getaddrinfo", "socket.gethostbyname"}


class OfflineError(EmotionError, PermissionError):
    """Something would use the network, which --offline forbids."""

    exit_code = 2


class _Guard:
    """Watches Python's sockets from its first start on, since audit hooks cannot be removed."""

    on = False
    watching = False

    @classmethod
    def start(cls) -> None:
        cls.on = True
        if not cls.watching:
            cls.watching = True
            sys.addaudithook(cls.hook)

    @classmethod
    def hook(cls, event: str, args: tuple[object, ...]) -> None:
        if not cls.on or event not in _WITH_ADDRESS | _ASKING:
            return
        # Unix sockets have names, as the screen's has; the network's have hosts and ports.
        if event in _ASKING or not isinstance(args[1], str | bytes):
            raise OfflineError(f"--offline forbids the network, but something asked for it ({event}).")


def forbid_network() -> None:
    """From now on every use of the network by Python code raises an `OfflineError`."""
    _Guard.start()


def check_offline(where: str, network: bool) -> None:
    """Refuse a source that libraries would fetch by themselves, past Python's sockets.

    Args:
        where: its address.
        network: whether reading it uses the network.

    Raises:
        OfflineError: it does, and that is forbidden.
    """
    if _Guard.on and network:
        raise OfflineError(f"--offline forbids to read {where} from the network: leave the option out.")
