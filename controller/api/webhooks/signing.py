"""Signatures as in Standard Webhooks 1.0 (https://www.standardwebhooks.com): HMAC-SHA256, with the time in it.

Signed is ``ID.TIMESTAMP.BODY``. A receiver compares the signature, refuses a timestamp that is minutes off (a replay),
and an id that it has seen (a message comes twice when its acknowledgement got lost). Ready-made verifiers exist for
most languages. Secrets are in a TOML file of their own, which only the web process reads, at each use:

    navigation = "whsec_..."             # or, while one is being replaced, ["whsec_new", "whsec_old"]
"""

import base64
import binascii
import hmac
import os
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

PREFIX = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a secret, as the standard wants it."""
CREDENTIAL = "webhook-secrets"
"""The name of systemd's credential, where the site file names no file."""


class SecretError(ValueError):
    """A secret that is missing or is none; says which and the mend, and never what it is."""


def secrets_of(hook: str, file: Path | None) -> list[bytes]:
    """Return the keys of a webhook, the newest first; raises SecretError."""
    path = file or Path(os.environ.get("CREDENTIALS_DIRECTORY", os.devnull)) / CREDENTIAL
    try:
        names = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        where = str(path) if file else f"systemd's credential {CREDENTIAL}"
        mend = "let the web process read it, or name another secrets_file in [webhooks]"
        raise SecretError(f"{where}: can't be read ({error.strerror}); {mend}") from None
    except ValueError:  # its text would quote the line
        raise SecretError(f'{path}: not TOML; write lines like {hook} = "{PREFIX}..."') from None
    found = names.get(hook)
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not texts:
        raise SecretError(f'{path}: no secret is named {hook}; add {hook} = "{PREFIX}..." (docs/webhooks.md)')
    return [_key(hook, text) for text in texts]


def _key(hook: str, text: object) -> bytes:
    mend = f"write {PREFIX} and {LEAST} to {MOST} random bytes in base64 (docs/webhooks.md)"
    try:
        key = base64.b64decode(str(text).removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretError(f"the secret of {hook} is not base64; {mend}") from None
    if not LEAST <= len(key) <= MOST:
        raise SecretError(f"the secret of {hook} has {len(key)} bytes; {mend}")
    return key


def headers(keys: Sequence[bytes], number: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a message: ``number`` is its id, ``timestamp`` this attempt's time (Unix, s)."""
    signed = f"{number}.{timestamp}.".encode() + body
    signatures = ["v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode() for key in keys]
    return {"webhook-id": number, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}
