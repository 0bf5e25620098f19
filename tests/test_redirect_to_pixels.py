"""Two lots, one broker: what one says of itself reaches the pixels of the other's sign, while it is fresh."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fixtures_broker import Mosquitto
from fixtures_site import Product, drive_out, wait_until

from controller.domain.report import Message, MessageKind, Reason, Tone
from controller.sign import readback
from controller.sign.layout import compose

LOT = """\
[lot]
name = "{name}"

[[zone]]
name = "customers"
capacity = 40
initial_occupied = {occupied}

[[lane]]
name = "main"
zone = "customers"
outer = {{ gpio = 17 }}
inner = {{ gpio = 27 }}

[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16
{more}

[gpio]
pin_factory = "mock"

[mqtt]
host = "{host}"
port = {port}
prefix = "{name}"
client_id = "{name}"
"""
FRESH_S = 3
REDIRECT = f'redirect = {{ to = "P2", arrow = "right", mqtt = "p2/customers/state", fresh_s = {FRESH_S} }}'


def full(also: str | None) -> bytes:
    """The pixels of a full lot's sign, with the way to another one."""
    told = Message(MessageKind.FULL, "brak wolnych miejsc", None, Reason.COUNTED, Tone.FULL, also=also)
    return compose(told, 64, 16).pictures[0].lit.tobytes()


SAYS = {full(None): "full", full("P2 →"): "P2 →", **{full(f"P2 → {n}"): f"P2 → {n}" for n in range(41)}}


@pytest.fixture
def lots(tmp_path: Path, broker: Mosquitto) -> Iterator[Callable[[str, int, str], Product]]:
    made: list[Product] = []

    def make(name: str, occupied: int, more: str = "") -> Product:
        folder = tmp_path / name
        folder.mkdir()
        site = folder / "site.toml"
        text = LOT.format(name=name, occupied=occupied, more=more, host=broker.host, port=broker.port)
        site.write_text(text, "utf-8")
        made.append(Product(folder, site))
        return made[-1]

    yield make
    for product in made:
        product.end()


def reads(product: Product, what: str) -> Callable[[], bool]:
    """Whether a driver reads this, from the pixels alone."""

    def condition() -> bool:
        shown = readback.read(product.run_dir, "entrance")
        return shown is not None and SAYS.get(shown.image().tobytes()) == what

    return condition


def told(free: int | None, status: str, age_s: float = 0.0) -> str:
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    return json.dumps({"free": free, "status": status, "time": at.isoformat()})


@pytest.mark.broker
def test_the_other_lots_number_is_shown_while_it_is_fresh_and_the_arrow_alone_when_it_is_not(
    lots: Callable[..., Product], broker: Mosquitto
) -> None:
    here, there = lots("p1", 40, REDIRECT), lots("p2", 28)
    here.start_count()
    here.start("sign")
    wait_until(reads(here, "P2 →"), "nobody knows of the other lot yet", 30.0)
    other = there.start_count()
    wait_until(reads(here, "P2 → 12"), "the other lot has 12 free", 30.0)
    with there.pins() as pins:
        drive_out(pins)
    wait_until(reads(here, "P2 → 13"), "a car has left it")
    other.send_signal(signal.SIGKILL)
    said = time.monotonic()
    wait_until(reads(here, "P2 →"), "the other lot says nothing any more; its last word is retained")
    assert time.monotonic() - said < FRESH_S + 2.0
    topic = "p2/customers/state"
    broker.publish(topic, told(9, "OPEN", age_s=FRESH_S + 60))
    broker.publish(topic, told(8, "OPEN", age_s=FRESH_S - 1.5))
    wait_until(reads(here, "P2 → 8"), "an old word is not believed, a newer one is")
    wait_until(reads(here, "P2 →"), "by its own age, not by when it came")
    broker.publish(topic, told(0, "FULL"))
    wait_until(reads(here, "full"), "nobody is sent to a lot that is full, too")
    broker.publish(topic, told(5, "OPEN"))
    wait_until(reads(here, "P2 → 5"), "it has room again")
    broker.publish(topic, "nonsense")
    broker.publish(topic, told(None, "UNKNOWN"))
    wait_until(reads(here, "P2 →"), "it is there, but does not know its number")
    broker.publish(topic, told(7, "CLOSED"))
    wait_until(reads(here, "full"), "nor to one that is closed")
