"""Access to the server: for its own page, this machine, and clients with the token.

A page of another site that is open in the same browser can send requests to this server, and by
DNS rebinding even pretend to be of the same site. Both are detected by the browser's
headers Host, Origin and Sec-Fetch-Site, which no page can forge.
"""

import hmac
import json
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_COOKIE = "emotion_token"

# No inline code and nothing from elsewhere; pictures and sound also from memory (blob:).
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class RefusedError(Exception):
    """A request that is refused, with the status and the message of the response."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Gate:
    """Admits or refuses requests, and adds security headers to each response.

    Args:
        app: the protected application.
        names: host names of the server, in addition to this machine's own.
        local: whether only this machine can reach the server. If not, numeric addresses are
            allowed as host, too: rebinding works with names only.
        token: that every request needs, as a cookie, as `Authorization: Bearer`, or once as
            `?token=` in the page's address; None if none is needed.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...], local: bool, token: str | None) -> None:
        self._app = app
        self._local = local
        self._token = token
        own = ("localhost",) if local else ("localhost", socket.gethostname().lower())
        self._names = frozenset(own) | {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            entry = self._check(scope)
        except RefusedError as refusal:
            await _answer(scope, _guarded(send), refusal)
            return
        if entry is not None:
            await _enter(entry, scope, _guarded(send))
            return
        await self._app(scope, receive, _guarded(send))

    def _check(self, scope: Scope) -> str | None:
        """Raise a RefusedError, or return the token in the page's address."""
        headers = Headers(scope=scope)
        self._check_host(headers.get("host", ""))
        _check_origin(scope, headers)
        if self._token is None:
            return None
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given: str = query.get("token", [""])[0]
        if given and scope["type"] == "http" and self._is_token(given):
            return given
        if not (self._is_token(_bearer(headers)) or self._is_token(_cookie(headers))):
            raise RefusedError(
                401, "This server needs its token: open the address that 'emotion serve' printed."
            )
        return None

    def _check_host(self, host: str) -> None:
        name = (_address(f"//{host}").hostname or "").lower()
        try:
            address = ip_address(name)
        except ValueError:
            allowed = name in self._names
        else:
            allowed = address.is_loopback or not self._local
        if not allowed:
            raise RefusedError(
                421,
                f"This server is not known as {name!r}: open the address that 'emotion serve' printed, "
                "or start it with --name.",
            )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())


def make_token() -> str:
    """192 random bits for an address."""
    return secrets.token_urlsafe(24)


def _check_origin(scope: Scope, headers: Headers) -> None:
    """Refuse requests of pages of other sites, except links to the page itself."""
    site = headers.get("sec-fetch-site", "none")
    linked = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"
    foreign = site in ("cross-site", "same-site") and not linked
    origin = headers.get("origin")
    asks_to_change = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
    if origin is not None and asks_to_change:
        foreign |= _address(origin).netloc != headers.get("host")
    if foreign:
        raise RefusedError(403, "Only this server's own page may do that.")


def _address(text: str) -> SplitResult:
    """The parts of an untrusted address; empty if it is invalid."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def _bearer(headers: Headers) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(TOKEN_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _guarded(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            message["headers"] = headers.raw
        await send(message)

    return guarded


async def _answer(scope: Scope, send: Send, refusal: RefusedError) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": str(refusal)[:120]})
        return
    headers = [(b"content-type", b"application/json")]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": str(refusal)}).encode()})


async def _enter(token: str, scope: Scope, send: Send) -> None:
    """Store the token in a cookie, and remove it from the address, which browsers store."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    query.pop("token", None)
    rest = urlencode(query, doseq=True)
    secure = "; Secure" if scope["scheme"] == "https" else ""
    cookie = f"{TOKEN_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{secure}"
    # Two slashes would begin another host's address.
    location = "/" + quote(scope["path"].lstrip("/")) + (f"?{rest}" if rest else "")
    headers = [
        (b"location", location.encode()),
        (b"set-cookie", cookie.encode("latin-1")),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
