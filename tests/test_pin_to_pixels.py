"""The whole product, from a pin or a message to the pixels of the sign, and what the sign does when a process dies."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fixtures_broker import Mosquitto
from fixtures_site import LANE_SITE, Product, drive_in, drive_out, wait_until

from controller.domain.report import Message, MessageKind, Reason
from controller.inputs.payloads import decode
from controller.sign import readback
from controller.sign.layout import render

DARK_WITHIN_S = 3.0
"""A picture is never older than this."""
READ_BACK_S = 0.5
"""What the read-back and the machine under test may add."""

WORDS = {
    "full": Message(MessageKind.FULL, "brak wolnych miejsc", None, Reason.COUNTED),
    "uncertain": Message(MessageKind.UNCERTAIN, "P", None, Reason.NEVER_COUNTED),
    **{str(n): Message(MessageKind.NUMBER, str(n), n, Reason.COUNTED) for n in range(41)},
}
PICTURES = {render(message, 64, 16).tobytes(): word for word, message in WORDS.items()} | {bytes(64 * 16 // 8): "dark"}
"""Pixels -> what a driver reads in them."""


def read(product: Product) -> str:
    """Read the sign as a driver would: from its pixels alone."""
    shown = readback.read(product.run_dir, "entrance")
    if shown is None:
        return "nothing"
    assert shown.lit == any(shown.image().tobytes())
    return PICTURES.get(shown.image().tobytes(), f"unreadable: {shown.rows}")


def reads(product: Product, word: str) -> Callable[[], bool]:
    return lambda: read(product) == word


def why_dark(product: Product) -> str:
    shown = readback.read(product.run_dir, "entrance")
    return "" if shown is None else str(shown.why_dark)


def test_the_pictures_can_be_told_apart() -> None:
    assert len(PICTURES) == len(WORDS) + 1


# From pin to pixels


@pytest.fixture
def whole(product: Product) -> Product:
    """All three processes, as ``run`` starts them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    product.site.write_text(f"{LANE_SITE}\n[api]\nport = {port}\n", "utf-8")
    return product


def children(parent: subprocess.Popen[bytes]) -> dict[str, int]:
    """The supervised processes by the name of their command."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent.pid)], check=False, capture_output=True, text=True
    )
    found = (line.split() for line in listed.stdout.splitlines())
    return {words[words.index("controller") + 1]: int(words[0]) for words in found if "controller" in words}


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0


def test_a_car_at_the_pins_changes_the_pixels(whole: Product) -> None:
    process = whole.start("run")
    wait_until(reads(whole, "30"), "ten of forty are inside", 30.0)
    with whole.pins() as pins:
        drive_in(pins)
        wait_until(reads(whole, "29"), "one more is inside", 2.0)
        drive_out(pins)
        wait_until(reads(whole, "30"), "it has left", 2.0)
        with whole.link() as link:
            assert link.command(do="correct", zone="customers", occupied=39, by="test") is None
        wait_until(reads(whole, "1"), "somebody counted", 2.0)
        drive_in(pins)
        wait_until(reads(whole, "full"), "the last space is taken", 2.0)
        drive_out(pins)
        drive_out(pins)
        wait_until(reads(whole, "2"), "enough spaces are free to open again", 2.0)
    stop(process)
    assert read(whole) == "dark"
    assert why_dark(whole) == "the sign process has ended"


def test_killing_web_disturbs_neither_count_nor_sign(whole: Product) -> None:
    process = whole.start("run")
    wait_until(reads(whole, "30"), "the sign is lit", 30.0)
    before = children(process)
    assert before.keys() == {"count", "sign", "web"}
    os.kill(before["web"], signal.SIGKILL)
    seen = set()
    with whole.pins() as pins:
        drive_in(pins)

    def web_is_back() -> bool:
        seen.add(read(whole))
        return children(process).get("web", before["web"]) != before["web"]

    wait_until(web_is_back, "web is started again")
    wait_until(reads(whole, "29"), "the car was counted meanwhile", 2.0)
    after = children(process)
    assert (after["count"], after["sign"]) == (before["count"], before["sign"])
    assert seen <= {"30", "29"}
    stop(process)


def test_killing_count_darkens_the_sign_and_its_restart_resumes_the_count(whole: Product) -> None:
    process = whole.start("run")
    wait_until(reads(whole, "30"), "the sign is lit", 30.0)
    with whole.pins() as pins:
        drive_in(pins)
        wait_until(reads(whole, "29"), "the car is counted", 2.0)
    before = children(process)
    os.kill(before["count"], signal.SIGKILL)
    wait_until(reads(whole, "dark"), "the sign is dark", DARK_WITHIN_S)
    wait_until(reads(whole, "29"), "the count is resumed")
    after = children(process)
    assert after["count"] != before["count"]
    assert (after["sign"], after["web"]) == (before["sign"], before["web"])
    stop(process)


def test_without_count_the_sign_stays_dark(product: Product) -> None:
    count, sign = product.start_count(), product.start("sign")
    wait_until(reads(product, "30"), "the sign is lit")
    count.kill()
    began = time.monotonic()
    wait_until(reads(product, "dark"), "the sign is dark", DARK_WITHIN_S)
    assert why_dark(product)
    seen = set()

    def a_while_passed() -> bool:
        seen.add(read(product))
        return time.monotonic() - began > DARK_WITHIN_S + READ_BACK_S

    wait_until(a_while_passed, "longer than any picture may live")
    assert seen == {"dark"}
    count.wait()
    product.start_count()
    wait_until(reads(product, "30"), "the count is resumed")
    assert sign.poll() is None


def test_a_count_that_hangs_darkens_the_sign_too(product: Product) -> None:
    count = product.start_count()
    product.start("sign")
    wait_until(reads(product, "30"), "the sign is lit")
    count.send_signal(signal.SIGSTOP)
    wait_until(reads(product, "dark"), "the sign is dark", DARK_WITHIN_S + READ_BACK_S)
    assert why_dark(product) == "nothing fresh came from count"
    count.send_signal(signal.SIGCONT)
    wait_until(reads(product, "30"), "it goes on")


def test_a_sign_that_comes_later_shows_the_count_at_once(product: Product) -> None:
    product.start_count()
    with product.pins() as pins:
        drive_in(pins)
    wait_until(lambda: product.occupied() == 11, "the car is counted")
    product.start("sign")
    wait_until(reads(product, "29"), "the sign shows it")


def test_a_sign_that_comes_first_is_dark_until_somebody_counts(product: Product) -> None:
    product.start("sign")
    wait_until(reads(product, "dark"), "it is dark")
    assert why_dark(product) == "nothing has come from count yet"
    product.start_count()
    wait_until(reads(product, "30"), "now it knows")


# From message to pixels


BAY_SITE = """\
[lot]
name = "Two bays"

[[zone]]
name = "customers"
capacity = 2

[[bay]]
name = "A1"
zone = "customers"
mqtt = "application/+/device/1000000000000001/event/up"
format = "chirpstack-v4/bosch-pls"

[[bay]]
name = "A2"
zone = "customers"
mqtt = "bays/A2"

[[sign]]
name = "entrance"
zone = "customers"
driver = "emulator"
width = 64
height = 16

[mqtt]
host = "{host}"
port = {port}
prefix = "pixels"
client_id = "pin-to-pixels"
"""
UPLINK = "application/ca739e26/device/1000000000000001/event/up"


def uplink(frame: int, *, occupied: bool) -> str:
    """A real sensor's message that says so, as if sent now."""
    lines = (Path(__file__).parent / "data" / "mqtt" / "envelopes.ndjson").read_text("utf-8").splitlines()
    messages = [row["message"] for row in map(json.loads, lines) if row["format"] == "chirpstack-v4/bosch-pls"]
    says = {decode("chirpstack-v4/bosch-pls", json.dumps(message).encode()).occupied: message for message in messages}
    return json.dumps({**says[occupied], "time": datetime.now(UTC).isoformat(), "fCnt": frame})


@pytest.mark.broker
def test_a_sensors_message_changes_the_pixels(product: Product, broker: Mosquitto) -> None:
    product.site.write_text(BAY_SITE.format(host=broker.host, port=broker.port), "utf-8")
    product.start_count()
    product.start("sign")
    wait_until(reads(product, "uncertain"), "no bay has spoken yet")
    with product.link() as link:
        wait_until(lambda: link.state()["inputs"]["mqtt"]["connected"], "count listens to the broker")
    broker.publish("bays/A2", "free")
    wait_until(reads(product, "1"), "one bay is known to be free")
    broker.publish(UPLINK, uplink(1, occupied=False))
    wait_until(reads(product, "2"), "both are free")
    broker.publish("bays/A2", "1")
    wait_until(reads(product, "1"), "one is taken")
    broker.publish(UPLINK, uplink(2, occupied=True))
    wait_until(reads(product, "full"), "both are taken")
    wait_until(lambda: says(broker)["status"] == "FULL", "others hear it as well")
    assert says(broker)["message"] == "brak wolnych miejsc"


def says(broker: Mosquitto) -> dict[str, object]:
    state: dict[str, object] = json.loads(broker.retained("pixels/customers/state"))
    return state
