"""Which address a server gets: the wished one when it is free, another one otherwise."""

import errno
import socket
from dataclasses import dataclass

from cygnet.local.errors import LocalError

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens. `instead_of` is the wished address that somebody else had."""

    host: str
    port: int
    instead_of: str = ""

    @property
    def listen(self) -> str:
        """`host:port` to listen on."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def reach(self) -> str:
        """`host:port` that a client on this machine connects to."""
        return f"{_bracketed(_ANYWHERE.get(self.host, self.host))}:{self.port}"

    def note(self) -> str:
        """Return what a person should know about the choice, or nothing."""
        return f"{self.instead_of} is taken by another program" if self.instead_of else ""


def choose(wished: str, field: str, before: str = "") -> Address:
    """Return a free address: `before` (where clients may still look for us), else `wished`, else a free port.

    Raises LocalError when the host is not one of this machine's or the port needs rights that we don't have.
    """
    host, port = split(wished)
    if before and split(before)[0] == host and _is_free(host, split(before)[1], field):
        return Address(host, split(before)[1])
    if _is_free(host, port, field):
        return Address(host, port or _any_port(host))
    return Address(host, _any_port(host), instead_of=wished)


def split(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _is_free(host: str, port: int, field: str) -> bool:
    try:
        with _socket(host) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except socket.gaierror as error:
        raise LocalError(f"{field}: {host!r} is no host: {error.strerror}") from error
    except OverflowError as error:
        raise LocalError(f"{field}: {port} is no port; accepted: 0 to 65535") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise LocalError(
            f"{field}: can't listen on {host}:{port}: {error.strerror}; accepted: an address of this machine,"
            " and a port above 1023"
        ) from error
    return True


def _any_port(host: str) -> int:
    with _socket(host) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
