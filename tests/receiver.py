"""An HTTP service of somebody else, on a real port: takes what is posted, answers as it is told to."""

import http.server
import json
import queue
import ssl
import threading
from dataclasses import dataclass
from email.message import Message
from typing import Any


@dataclass(frozen=True, slots=True)
class Posted:
    """One request."""

    path: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers ``status`` with ``answers`` as headers; not before ``free`` is set."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.got: queue.SimpleQueue[Posted] = queue.SimpleQueue()
        self.status = 200
        self.answers: dict[str, str] = {}
        self.free = threading.Event()
        self.free.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.put(Posted(self.path, self.headers, body))
                receiver.free.wait(30)
                self.send_response(receiver.status)
                for name, value in receiver.answers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Whoever left before the answer is no trouble of ours."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def next(self, within_s: float = 30.0) -> Posted:
        return self.got.get(timeout=within_s)

    def close(self) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
