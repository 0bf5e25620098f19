"""Telling systemd how we are (sd_notify(3)): READY=1, WATCHDOG=1, STOPPING=1. Silent when it did not ask."""

import os
import socket


def notify(text: str) -> None:
    """Send one notification to the socket that $NOTIFY_SOCKET names; a lost one is never worth an exception."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):  # Linux's abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1.0)
            sock.sendto(text.encode(), address)
    except OSError:
        pass
