"""Who is let in: the names under which a request may ask for this server, and the token. Pure."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field

from cqtui.errors import BadInputError

TOKEN_VARIABLE = "CQTUI_SERVE_TOKEN"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")  # what an address and a cookie hold without quoting
_HTTP_PORT = 80  # browsers leave it out


@dataclass(frozen=True)
class Access:
    """What a request must bring.

    Attributes:
        hosts: The ``Host`` headers that are let in, in small letters; None: any, since a proxy's name is unknown.
        token: What every request must know; None where none is needed.
    """

    hosts: frozenset[str] | None
    token: str | None = field(repr=False)

    def serves(self, host: str | None) -> bool:
        """Whether a ``Host`` header is a name of this server. Another one means a page that had its name rebound."""
        return host is not None and (self.hosts is None or host.lower() in self.hosts)

    def is_own_page(self, origin: str | None, host: str | None) -> bool:
        """Whether an ``Origin`` header is a page of this server, and not another one in the same browser."""
        if origin is None or host is None:
            return False
        scheme, _, authority = origin.lower().partition("://")
        own = {host.lower()} if self.hosts is None else self.hosts
        return scheme in ("http", "https") and authority in own

    def accepts(self, token: str | None) -> bool:
        """Whether a token is the right one, or none is needed; takes equally long for every wrong one."""
        if self.token is None:
            return True
        return token is not None and hmac.compare_digest(token.encode(errors="replace"), self.token.encode())


def access_for(host: str, port: int, *, remote: bool, token: str | None) -> Access:
    """Settle who is let in.

    Args:
        host: The name or address that was asked for.
        port: The port that is listened on.
        remote: Let other machines in: under any name, but never without a token.
        token: A token of the user's; None makes a fresh one where one is needed.

    Raises:
        BadInputError: The user's token is too short, or has other letters than an address may hold.
    """
    if token is not None and not _TOKEN.fullmatch(token):
        raise BadInputError(
            f"{TOKEN_VARIABLE} is no usable token.",
            "It takes at least 16 letters, digits, - or _; leave it out to have one made at each start.",
        )
    if remote:
        return Access(hosts=None, token=token or secrets.token_urlsafe())
    names = {bracketed(host).lower(), "localhost", "127.0.0.1", "[::1]"}
    hosts = {f"{name}:{port}" for name in names} | (names if port == _HTTP_PORT else set())
    return Access(hosts=frozenset(hosts), token=token)


def bracketed(host: str) -> str:
    """A name or an address as a URL holds it."""
    return f"[{host}]" if ":" in host else host
