"""A child process ends when its parent does, however the parent died.

The parent starts the child with a pipe as its standard input, never writes to it, and says so in the environment
(``PARKING_PARENT_PIPE=1``). When the parent ends, killed or not, the system closes the pipe, and the child reads its
end: portable, and nothing to poll. A parent that wants its child to end just closes the pipe.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

ENVIRONMENT = "PARKING_PARENT_PIPE"
GRACE_S = 3.0
"""How long the child may take to end by itself once its parent is gone."""


def watch_parent(stop: Callable[[], None]) -> None:
    """Call ``stop`` from a thread of its own once the parent is gone; does nothing in a process without such a parent.

    ``stop`` is to end the process, and must not raise; one that is still there ``GRACE_S`` later is ended at once.
    """
    if os.environ.get(ENVIRONMENT) == "1":
        threading.Thread(target=_watch, args=(stop,), name="lifeline", daemon=True).start()


def _watch(stop: Callable[[], None]) -> None:
    try:
        # Not sys.stdin: a daemon thread inside its lock would make the interpreter abort at exit.
        while os.read(0, 4096):
            pass
    except OSError as error:
        log.debug("standard input: %s; taken as its end", error)
    stop()
    time.sleep(GRACE_S)
    log.warning("still here %.0f s after the parent went; ending now", GRACE_S)
    os._exit(1)
