"""Runs the server: checks, the address, a clean shutdown."""

import gc
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import uvicorn

from emotion.loading import load_models
from emotion.models.errors import EmotionError
from emotion.realtime.options import Options
from emotion.web.http.app import make_app
from emotion.web.http.security import make_token
from emotion.web.options import ServeOptions
from emotion.web.starting import Starting

_SWITCH_SECONDS = 0.0005
_ANY = "0.0.0.0"


class ServeError(EmotionError, OSError):
    """The server cannot be started with these options."""

    exit_code = 3


def serve(
    options: ServeOptions,
    analysis: Options,
    say: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        options: address and limits.
        analysis: default options of the analysis.
        say: called with lines for the user: the address, and how to stop.

    Raises:
        ServeError: the address is taken, the folder or the certificate cannot be used.
        ModelFileError: a model is missing or damaged.
    """
    token = None if options.local else make_token()
    tls = _certificate(options.certificate, options.key)
    listener = _listen(options)
    # A thread that computes in Python must not keep the cameras' pictures waiting.
    sys.setswitchinterval(_SWITCH_SECONDS)
    with listener:
        say(f"Open {_address(options, listener, token)}")
        if others := _numeric_addresses(options, listener, token):
            say(f"Where the name of this machine is not known: {', '.join(others)}")
        chosen: list[str] = []
        with Starting(listener, tls):
            models = load_models(analysis.engine, chosen.append)
            try:
                app = make_app(options, models, token, analysis=analysis)
            except OSError as error:
                raise ServeError(
                    f"{options.place} cannot hold videos ({error.strerror}): choose another with --folder."
                ) from error
        config = uvicorn.Config(
            app,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            # Longer than browsers keep a connection: one that the server closes may be in use.
            timeout_keep_alive=600,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.key,
        )
        if not options.local and options.certificate is None:
            say(
                "Browsers show a camera only to https or to this machine itself: "
                "give --certificate and --key for cameras of other machines."
            )
        for line in chosen:
            say(line)
        say("Videos and results stay on this machine. Ctrl-C ends.")
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # Closing the terminal shuts the server down cleanly, like SIGTERM.
            signal.signal(signal.SIGHUP, lambda number, frame: signal.raise_signal(signal.SIGTERM))
        # Objects that exist by now are permanent: garbage collection after a camera need not traverse them.
        gc.collect()
        gc.freeze()
        _Server(config, app.state.site.leave).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that ends open event streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self._leave = leave

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down cleanly."""
        self._leave()
        await super().shutdown(sockets)


def _listen(options: ServeOptions) -> socket.socket:
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((options.host, options.port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        # Python adds the address in brackets.
        reason = reason.partition(" (while")[0]
        raise ServeError(
            f"{options.host}:{options.port} cannot be used ({reason}): choose another --port or --host."
        ) from error


def _address(options: ServeOptions, listener: socket.socket, token: str | None) -> str:
    host = socket.gethostname() if options.host in (_ANY, "::") else options.host
    return _url(host, options, listener, token)


def _numeric_addresses(options: ServeOptions, listener: socket.socket, token: str | None) -> list[str]:
    """The same with the IPv4 addresses of this machine, if the server listens on all of them."""
    if options.host != _ANY:
        return []
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    hosts = [
        one.address
        for name, addresses in psutil.net_if_addrs().items()
        for one in addresses
        if name in up and one.family == socket.AF_INET and not one.address.startswith("127.")
    ]
    return [_url(host, options, listener, token) for host in hosts]


def _url(host: str, options: ServeOptions, listener: socket.socket, token: str | None) -> str:
    port, secure = listener.getsockname()[1], options.certificate is not None
    if ":" in host:
        host = f"[{host}]"
    return f"http{'s' if secure else ''}://{host}:{port}/" + (f"?token={token}" if token else "")


def _certificate(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """The settings of HTTPS; None for HTTP."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ServeError("https needs both --certificate and --key.")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ServeError(f"{certificate} with {key} is no certificate with its key ({error}).") from error
    return context
