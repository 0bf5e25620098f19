"""One POST to another system, with care for where it goes (OWASP, "Server-Side Request Forgery Prevention").

Only the site file says where to. A name is resolved once and the connection goes to the address that was checked, so
that a name server can't send it elsewhere afterwards; redirects are not followed; of an answer only the status is read.
Without ``local`` an address must be a public one and TLS is spoken; with it, one of the site's own network. Neither
reaches link-local addresses, where clouds keep their credentials. No message of ours has the path of an address, which
may be a secret.
"""

import ipaddress
import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

TIMEOUT = urllib3.Timeout(connect=5.0, read=15.0)
LONGEST_WAIT_S = 3600
logging.getLogger("urllib3").setLevel(logging.WARNING)  # at DEBUG it tells paths
PORTS = {"http": 80, "https": 443}
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""Stands for an IPv4 address (RFC 6052)."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    taken: bool
    said: str
    """What is told of it: the status, or why there is none and the mend."""
    gone: bool = False
    """The receiver wants no more of it (410)."""
    wait_s: float | None = None
    """How long it asks to be left alone."""


def target(url: str) -> str:
    """Return what may be told of an address: everything but its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def post(url: str, body: bytes, headers: Mapping[str, str], *, local: bool) -> Outcome:
    """Send it once. Blocks for seconds at most a step; everything that goes wrong is an outcome."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        addresses = _resolved(host, port)
    except OSError as error:
        return Outcome(False, f"{host}: the name is not known ({error.strerror}); check it and the network")
    if refused := [a for a in addresses if not allowed(a, local=local)]:
        kind = "is none of the site's own network; remove local = true" if local else "is no public one"
        mend = "" if local else "; add local = true if it is meant"
        return Outcome(False, f"{host}: {refused[0]} {kind}{mend}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "parking-controller", **headers}
    outcome = Outcome(False, f"{host}: it has no address")
    for address in addresses:
        outcome, connected = _attempt(parts.scheme, host, port, address, path, body, sent)
        if connected:
            break
    return outcome


def allowed(address: _Address, *, local: bool) -> bool:
    """Whether messages may go there."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return allowed(address.ipv4_mapped, local=local)
        if address.sixtofour or address.teredo or address in _TRANSLATED:
            return False
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return address.is_loopback and local  # ::1 counts as reserved
    return address.is_private if local else address.is_global


def _resolved(host: str, port: int) -> list[_Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(0, str(error)) from error
    return list(dict.fromkeys(ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found))


def _attempt(
    scheme: str, host: str, port: int, address: _Address, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[Outcome, bool]:
    """Return what became of it, and whether there was a connection."""
    where = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
    pool: HTTPConnectionPool
    if scheme == "https":
        pool = HTTPSConnectionPool(
            where,
            port,
            timeout=TIMEOUT,
            ssl_context=ssl.create_default_context(),
            server_hostname=host,
            assert_hostname=host,
        )
    else:
        pool = HTTPConnectionPool(where, port, timeout=TIMEOUT)
    try:
        with pool:
            answer = pool.urlopen(
                "POST",
                path,
                body=body,
                headers=dict(headers),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
            )
            assert isinstance(answer, HTTPResponse)  # noqa: S101  the pool's class is the base of it
            return _judged(answer), True
    except (NewConnectionError, ConnectTimeoutError):
        return Outcome(False, f"{host}:{port}: nothing answers there; check the address and the network"), False
    except SSLError as error:
        why = error.args[0].verify_message if _is_untrusted(error) else "TLS failed"
        return Outcome(False, f"{host}:{port}: {why}; check its certificate"), True
    except TimedOut:
        return Outcome(False, f"{host}:{port}: no answer within {TIMEOUT.read_timeout:.0f} s"), True
    except (HTTPError, OSError):
        return Outcome(False, f"{host}:{port}: the connection broke before it answered"), True


def _is_untrusted(error: SSLError) -> bool:
    return bool(error.args) and isinstance(error.args[0], ssl.SSLCertVerificationError)


def _judged(answer: HTTPResponse) -> Outcome:
    status = answer.status
    wait = answer.headers.get("Retry-After", "")
    wait_s = float(min(int(wait), LONGEST_WAIT_S)) if wait.isascii() and wait.isdigit() else None
    answer.close()
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(True, f"answered {status}")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Outcome(False, f"answered {status}, a redirect, which is not followed; write where it leads")
    return Outcome(False, f"answered {status}", gone=status == HTTPStatus.GONE, wait_s=wait_s)
