"""The socket that is listened on: a loopback address, unless other machines were asked for."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from cqtui.errors import BadInputError


def listen(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    """Listen on a name or address of this machine.

    Args:
        host: A name or address.
        port: 0 takes a free one.
        allow_remote: Whether it may be an address that other machines reach.

    Raises:
        BadInputError: Other machines reach the address, it is not of this machine, or the port is in use.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise BadInputError(f"--host {host}: no such address.", "Name one of this machine, or leave it out.") from None
    if not (allow_remote or ip_address(address[0]).is_loopback):
        raise BadInputError(
            f"--host {host}: other machines reach this address.",
            "Leave it out, or add --allow-remote: every request then needs a token.",
        )
    try:
        return socket.create_server(address, family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInputError(
                f"Port {port} of {host} is in use.", "Name another with --port; --port 0 takes a free one."
            ) from None
        raise BadInputError(
            f"Cannot listen on port {port} of {host}: {error.strerror}.", "Name another --host or --port."
        ) from None
