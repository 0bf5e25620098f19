"""The counting process, put together: pins and MQTT in; journal, link and MQTT out. Up first, waiting for nobody."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence

from gpiozero.pins.mock import MockFactory
from paho.mqtt.client import topic_matches_sub

from controller import clocks
from controller import notify as systemd
from controller.broker import password as broker_password
from controller.inputs import mqtt
from controller.inputs.gpio import GpioInputs, open_factory
from controller.inputs.light import LightTopic
from controller.inputs.mock_pins import DatedPin, MockPinServer
from controller.inputs.mock_pins import default_address as mock_pins_address
from controller.inputs.sensors import Sensors
from controller.link import Json, LinkServer, Reply, load_or_create_key
from controller.notify import notify
from controller.places import Places
from controller.publish.mqtt import MqttState
from controller.salvage import open_journal
from controller.service import Command, Outlets, Service
from controller.site import Site

log = logging.getLogger(__name__)


def run(site: Site, places: Places, stop: threading.Event) -> None:
    """Count until ``stop`` is set; raises OSError, JournalError or sqlite3.Error when that is not possible."""
    places.state_dir.mkdir(parents=True, exist_ok=True)
    places.run_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        journal = open_journal(places.journal)
        stack.callback(journal.close)
        service = Service(site, journal, Sensors(site.sensors), clocks.of_this_process())

        def submit(fields: Json, reply: Reply) -> None:
            service.put(Command(fields, reply, time.monotonic()))

        # First of all: it refuses to start beside another count process, before that one's pins and MQTT session.
        link = LinkServer(address=places.link, key=load_or_create_key(places.key), submit=submit)
        stack.callback(link.close)
        pins, factory = _open_pins(site, places, service, stack)
        light = LightTopic(site.light) if site.light is not None and site.light.mqtt is not None else None
        broker, publishers = _open_mqtt(site, service, light, stack)

        def inputs() -> Json:
            seen = {} if light is None else {"light": light.report(time.monotonic())}
            gpio = (
                None
                if pins is None
                else {"factory": factory, "errors": pins.errors, "missed": pins.missed, "unreadable": unreadable}
            )
            return {"gpio": gpio, "mqtt": None if broker is None else broker.report(), **seen}

        unreadable: list[str] = []

        def reread() -> None:
            if pins is not None:
                unreadable[:] = pins.reread()

        watchdog = _Watchdog([part.goes_on for part in (pins, broker) if part is not None])
        outlets = Outlets(
            publish=tuple(watchdog.while_fed(publish) for publish in (link.publish, *publishers)),
            reread=reread,
            inputs=inputs,
            progress=watchdog.feed,
            kept=frozenset() if pins is None else pins.adopted,
        )
        threading.Thread(target=_stop_when, args=(stop, service), name="stopper", daemon=True).start()
        notify("READY=1")
        log.info("counting for %s", site.lot.name)
        service.run(outlets)
        notify("STOPPING=1")
    log.info("stopped counting")


def _stop_when(stop: threading.Event, service: Service) -> None:
    stop.wait()
    service.stop()


def _open_pins(
    site: Site, places: Places, service: Service, stack: contextlib.ExitStack
) -> tuple[GpioInputs | None, str]:
    """Claim the pins, if the site has any; mock pins can be moved by a simulator through a socket of their own."""
    if not site.pins:
        return None, ""
    factory = open_factory(site.pin_factory, site.gpio_chip, kept=systemd.kept(), keep=systemd.keep)
    stack.callback(factory.close)
    if isinstance(factory, MockFactory):
        factory.pin_class = DatedPin
    pins = GpioInputs(site.pins, factory=factory, put=service.put, tell=service.put)
    stack.callback(pins.close)
    if isinstance(factory, MockFactory):
        server = MockPinServer(factory, mock_pins_address(places.run_dir))
        stack.callback(server.close)
        return pins, "mock"
    if hasattr(factory, "drop_rest"):
        factory.drop_rest()
        return pins, "kernel"
    return pins, "lgpio"


def _open_mqtt(
    site: Site, service: Service, light: LightTopic | None, stack: contextlib.ExitStack
) -> tuple[mqtt.MqttInputs | None, tuple[Callable[[Json], None], ...]]:
    if site.mqtt is None:
        return None, ()
    password = broker_password(site.mqtt)
    put, further = _beside(light, site, service.put)
    broker = mqtt.MqttInputs(site.mqtt, site.sensors, put=put, password=password, further=further)
    stack.callback(broker.close)
    broker.start()

    def command(fields: Json) -> None:
        service.put(Command(fields, _told, time.monotonic()))

    state = MqttState(site.mqtt, password=password, command=command)
    stack.callback(state.close)
    return broker, (state.publish,)


def _beside(
    light: LightTopic | None, site: Site, put: Callable[[mqtt.MqttMessage], None]
) -> tuple[Callable[[mqtt.MqttMessage], None], tuple[str, ...]]:
    """Let the light sensor hear its messages before the service does; return the new ``put``, and its topic."""
    if light is None or site.light is None or site.light.mqtt is None:
        return put, ()
    topics = [sensor.topic for sensor in site.sensors]

    def heard(message: mqtt.MqttMessage) -> None:
        if light.hear(message) and not any(topic_matches_sub(topic, message.topic) for topic in topics):
            message.ack()  # it is in no journal: there is nothing to wait for
        else:
            put(message)

    return heard, (site.light.mqtt,)


def _told(error: str | None) -> None:
    """Say what became of a correction over MQTT, which has no answer of its own."""
    if error is not None:
        log.warning("MQTT: a correction was refused: %s", error)


class _Watchdog:
    """Tells systemd twice a second that the loop turns, journal and all, and that the threads of the inputs do.

    While they don't, nothing is published either: what is not heard may not be shown, and the signs go dark.
    """

    def __init__(self, parts: Sequence[Callable[[], bool]]) -> None:
        self._parts = parts
        self._fed_at = 0.0
        self._starving = False

    def while_fed(self, publish: Callable[[Json], None]) -> Callable[[Json], None]:
        def gated(state: Json) -> None:
            if not self._starving:
                publish(state)

        return gated

    def feed(self) -> None:
        now = time.monotonic()
        if now - self._fed_at < 0.5:  # noqa: PLR2004  far below any WatchdogSec, and no burden under load
            return
        self._fed_at = now
        if all(part() for part in self._parts):
            self._starving = False
            notify("WATCHDOG=1")
        elif not self._starving:
            self._starving = True
            log.error("a thread that takes inputs is stuck or dead: the watchdog is not fed, and will end this process")
