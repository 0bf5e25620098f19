"""The product's application behind a real server on a real port, in a thread of the test."""

import contextlib
import threading
from collections.abc import Iterator

import uvicorn
from count_on_air import wait_until
from fastapi import FastAPI


@contextlib.contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Serve on this port of the loopback (0: a free one); gives the address without a slash at its end."""
    settings = uvicorn.Config(
        app, port=port, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        app.state.live.close()
        server.should_exit = True
        thread.join()
