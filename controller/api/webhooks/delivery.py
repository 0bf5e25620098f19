"""Brings the outbox to its receivers, a thread each: one that is slow or dead holds up itself and nobody else."""

import logging
import sqlite3
import threading
import time
from pathlib import Path

from controller.api.webhooks.outbox import Outbox, Waiting
from controller.api.webhooks.post import Outcome, post
from controller.api.webhooks.signing import SecretError, headers, secrets_of
from controller.site import WebhookSpec

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often a thread looks for a message whose pause is over."""


class Delivery:
    """Posts what waits for one webhook, from ``start`` to ``close``."""

    def __init__(self, spec: WebhookSpec, outbox: Outbox, secrets: Path | None) -> None:
        self.spec = spec
        self._outbox = outbox
        self._secrets = secrets
        self._woken = threading.Event()
        self._closed = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._work, name=f"webhook-{spec.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop, without waiting for an attempt that is under way: it will be made again."""
        self._closed.set()
        self._woken.set()

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    def attempt(self, number: str, body: bytes) -> Outcome:
        """Post a message once, signed with the time of now."""
        try:
            keys = secrets_of(self.spec.name, self._secrets)
        except SecretError as error:
            return Outcome(False, str(error))
        signed = headers(keys, number, int(time.time()), body)
        return post(self.spec.url, body, signed, local=self.spec.local)

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                waiting = self._outbox.next(self.spec.name, time.time())
                if waiting is not None:
                    self._deliver(waiting)
                    continue
            except sqlite3.Error as error:
                if self._closed.is_set():
                    return
                log.error("webhook %s: the outbox can't be used (%s); trying again", self.spec.name, error)  # noqa: TRY400
            self._woken.wait(LOOK_S)
            self._woken.clear()

    def _deliver(self, waiting: Waiting) -> None:
        outcome = self.attempt(waiting.id, waiting.body)
        if self._closed.is_set():
            return  # whoever comes after us finds it waiting, and the receiver knows its id
        self._outbox.note(self.spec.name, waiting, outcome, time.time())
        if outcome.taken == self._failing:
            self._failing = not outcome.taken
            level = logging.INFO if outcome.taken else logging.WARNING
            log.log(level, "webhook %s: %s", self.spec.name, outcome.said)
