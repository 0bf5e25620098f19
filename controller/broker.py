"""A connection to the site's MQTT broker that comes up by itself, stays up, and says in words what is wrong.

The sensors' side (``inputs.mqtt``), the state's (``publish.mqtt``) and that of signs elsewhere each have their own.
The rules:

- A missing broker delays nothing: connecting happens on paho's thread, again and again, at most ``RETRY_MAX_S`` apart.
- paho's thread must not die: no exception leaves a callback.
- Nagle's algorithm is off: with it an acknowledged message can take 44 ms instead of 0.1 ms.
- A trouble is logged once, when it changes; the password never.
"""

import contextlib
import logging
import math
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from controller.site import MqttSpec

log = logging.getLogger(__name__)

RETRY_MIN_S, RETRY_MAX_S = 1, 15
KEEPALIVE_S = 10
"""A broker that came back after its machine lost power is noticed within this; a dead one within twice as long."""

STUCK_S = 5.0
"""While connected, paho's thread turns once a second at least; one that has not for so long is stuck."""

_CLOSE_S = 0.5


class BrokerError(OSError):
    """The connection can't even be tried: which value of [mqtt] is wrong, and the mend."""


def password(spec: MqttSpec) -> str | None:
    """Read the broker's password: ``password_file``, else systemd's credential ``mqtt-password``, else None."""
    if spec.password_file is not None:
        where, path = "[mqtt] password_file", spec.password_file
    else:
        where, path = (
            "systemd's credential",
            Path(os.environ.get("CREDENTIALS_DIRECTORY", os.devnull)) / "mqtt-password",
        )
        if not path.is_file():
            return None
    mend = "write the password alone into it, readable by this user"
    try:
        text = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        raise BrokerError(f"{where} = {str(path)!r}: can't be read ({_why(error)}); {mend}") from error
    if not text:
        raise BrokerError(f"{where} = {str(path)!r}: is empty; {mend}")
    return text


class _Client(Client):
    """paho's client, which knows when its thread last turned."""

    turned_at = -math.inf

    def loop_misc(self) -> MQTTErrorCode:
        self.turned_at = time.monotonic()
        return super().loop_misc()


class Broker:
    """One connection. ``joined`` and ``lost`` are called on paho's thread, at each connection and each loss of one."""

    def __init__(
        self,
        spec: MqttSpec,
        *,
        client_id: str,
        password: str | None,
        keep_session: bool = False,
        joined: Callable[[], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self._spec = spec
        self._joined = joined
        self._lost = lost
        self._connected = False
        self._since = time.monotonic()
        self._connections = 0
        self._trouble: str | None = None
        self._refused = False
        self._closing = False
        self._thread_name = f"paho-mqtt-client-{client_id}"  # as paho calls it
        # paho falls for a host that IDNA can't encode: the UnicodeError would end its thread.
        try:
            spec.host.encode("idna")
        except UnicodeError as error:
            raise BrokerError(f"[mqtt] host = {spec.host!r}: no host name ({error}); mend it") from error
        self.client = _Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=not keep_session, manual_ack=keep_session
        )
        self.client.suppress_exceptions = True
        self.client.on_socket_open = _no_delay
        self.client.on_connect = self._on_connect
        self.client.on_connect_fail = self._on_connect_fail
        self.client.on_disconnect = self._on_disconnect
        self.client.reconnect_delay_set(RETRY_MIN_S, RETRY_MAX_S)
        if spec.username is not None:
            self.client.username_pw_set(spec.username, password)
        if spec.tls:
            self._use_tls()

    @property
    def name(self) -> str:
        """``host:port``."""
        return f"{self._spec.host}:{self._spec.port}"

    @property
    def connected(self) -> bool:
        """Whether the broker has taken us in, as far as is known."""
        return self._connected

    def goes_on(self) -> bool:
        """Whether the thread of the connection lives, as it does until ``close``, and turns while connected."""
        turns = not self._connected or time.monotonic() - self.client.turned_at < STUCK_S
        return turns and any(thread.name == self._thread_name for thread in threading.enumerate())

    def start(self) -> None:
        """Begin to connect, in the background."""
        self.client.connect_async(self._spec.host, self._spec.port, keepalive=KEEPALIVE_S)
        self.client.loop_start()

    def close(self) -> None:
        """Disconnect, within a second; more than once is harmless."""
        self._closing = True
        self.client.disconnect()
        # loop_stop waits for its thread, which may sit in a connect for 5 s. It is a daemon: leave it to that.
        stopper = threading.Thread(target=self.client.loop_stop, daemon=True)
        stopper.start()
        stopper.join(_CLOSE_S)
        self._set(connected=False)

    def report(self) -> dict[str, Any]:
        """Return the state of the connection as plain JSON; ``since`` is on the monotonic clock (s)."""
        return {
            "broker": self.name,
            "connected": self._connected,
            "since": self._since,
            "reconnects": max(0, self._connections - 1),
            "last_error": self._trouble,
        }

    def trouble(self, text: str) -> None:
        """Show and log what is wrong; it is gone with the next connection."""
        if text != self._trouble and not self._closing:
            self._trouble = text
            log.warning("MQTT broker %s: %s", self.name, text)

    def _use_tls(self) -> None:
        ca_file = self._spec.ca_file
        try:
            self.client.tls_set(ca_certs=None if ca_file is None else str(ca_file))
        except (OSError, ValueError) as error:
            mend = "it must be the PEM file of the authority that signed the broker's certificate"
            raise BrokerError(f"[mqtt] ca_file = {str(ca_file)!r}: {error}; {mend}") from error

    def _set(self, *, connected: bool) -> None:
        if connected != self._connected:
            self._connected = connected
            self._since = time.monotonic()

    def _on_connect(
        self, _client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._closing:
            self.client.disconnect()
            return
        if reason.is_failure:
            self._refused = True
            self.trouble(self._refusal(str(reason)))
            return
        self._connections += 1
        self._trouble = None
        self.client.turned_at = time.monotonic()
        self._set(connected=True)
        log.info("MQTT broker %s: connected", self.name)
        if self._joined is not None:
            self._joined()

    def _on_connect_fail(self, _client: Client, _userdata: Any) -> None:
        # paho passes no reason, but calls us from its except clause.
        self.trouble(self._failure(sys.exc_info()[1]))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        was_connected, was_refused = self._connected, self._refused
        self._set(connected=False)
        self._refused = False
        if was_connected and self._lost is not None:
            self._lost()
        if was_refused:
            return
        if was_connected:
            self.trouble(f"the connection was lost ({reason}); if this goes on, another client uses our client_id")
        else:
            self.trouble("it does not answer in MQTT; check [mqtt] host, port and tls")

    def _refusal(self, reason: str) -> str:
        user = self._spec.username
        if "authorized" in reason.lower() or "password" in reason.lower():
            if user is None:
                return f"it refuses us ({reason}) without a user name; set [mqtt] username and password_file"
            return f"it refuses the user {user!r} ({reason}); check [mqtt] username and the password in password_file"
        return f"it refuses us ({reason}); the broker's log says why"

    def _failure(self, error: BaseException | None) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({error.verify_message}); check [mqtt] host and ca_file"
        if isinstance(error, ssl.SSLError):
            return f"TLS failed ({error.reason or error}); check [mqtt] port and tls"
        if isinstance(error, socket.gaierror):
            return f"the host name is not known ({error.strerror}); check [mqtt] host and the network"
        if isinstance(error, ConnectionRefusedError):
            return "nothing listens there; start the broker, or mend [mqtt] host and port"
        return f"can't connect ({error}); check the network and [mqtt] host and port"


def _no_delay(_client: Client, _userdata: Any, sock: Any) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is no UTF-8 text"
