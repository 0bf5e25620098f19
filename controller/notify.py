"""Telling systemd how we are (sd_notify(3)): READY=1, WATCHDOG=1, STOPPING=1; and leaving file descriptors with it.

Silent when it did not ask. A descriptor that was left there (``keep``) comes back to the next process of the same
service (``kept``): over a crash, a restart, an upgrade; not when the service is stopped for good.
"""

import os
import socket


def notify(text: str, *descriptors: int) -> None:
    """Send one notification to the socket that $NOTIFY_SOCKET names; a lost one is never worth an exception."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):  # Linux's abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1.0)
            sock.connect(address)
            if descriptors:
                socket.send_fds(sock, [text.encode()], list(descriptors))
            else:
                sock.send(text.encode())
    except OSError:
        pass


def keep(name: str, fd: int) -> None:
    """Leave a descriptor with systemd under this name; a negative one: it is no longer needed."""
    if fd < 0:
        notify(f"FDSTOREREMOVE=1\nFDNAME={name}")
    else:
        notify(f"FDSTORE=1\nFDNAME={name}", fd)


def kept() -> dict[str, int]:
    """Return the descriptors that came with this process (sd_listen_fds(3)), by name. Call it once, early."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return {}
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    number = int(os.environ.pop("LISTEN_FDS", "0"))
    found = dict(zip(names, range(3, 3 + number), strict=False))
    for fd in found.values():
        os.set_inheritable(fd, False)
    return found
