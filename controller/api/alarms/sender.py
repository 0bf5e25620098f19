"""Sends one message and ends: apprise, in a process of its own, so that neither its memory nor a hang stays with web.

Standard input is JSON: {"to": [addresses], "title": ..., "body": ...}. Addresses hold passwords: they are never
printed, nor what apprise logs of them. Exit code 0: every address took it; 1: one did not; 2: an address is not one.
"""

import json
import logging
import sys

import apprise


def main() -> int:
    """Send what standard input says; return the exit code."""
    logging.disable(logging.CRITICAL)
    message = json.load(sys.stdin)
    to = apprise.Apprise()
    if not all([to.add(address) for address in message["to"]]):  # noqa: C419  each is looked at
        return 2
    return 0 if to.notify(title=message["title"], body=message["body"]) else 1


if __name__ == "__main__":
    sys.exit(main())
