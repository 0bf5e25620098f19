import pytest

from controller.domain.events import NeighbourHeard
from controller.inputs.neighbours import decode
from controller.inputs.payloads import PayloadError
from controller.inputs.sensors import Sensors
from controller.site import SensorInput

TOLD = b'{"free": 12, "capacity": 40, "status": "OPEN", "reason": "counted", "time": "2026-11-22T21:40:03.250Z"}'


def test_another_lots_state_says_its_free_spaces_and_when() -> None:
    assert decode("p2", TOLD, 5.0) == NeighbourHeard("p2", 12, open=True, at=5.0, sent_at=1795383603.25)


@pytest.mark.parametrize(
    ("status", "free", "heard", "is_open"),
    [
        ("NEARLY_FULL", "2", 2, True),
        ("FULL", "0", None, False),
        ("CLOSED", "7", None, False),
        ("UNKNOWN", "null", None, True),
        ("OPEN", "null", None, True),
    ],
)
def test_a_number_is_taken_only_from_a_lot_that_takes_cars(
    status: str,
    free: str,
    heard: int | None,
    is_open: bool,  # noqa: FBT001  a column of the table
) -> None:
    told = decode("p2", f'{{"free": {free}, "status": "{status}"}}'.encode(), 5.0)
    assert (told.free, told.open, told.sent_at) == (heard, is_open, None)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"12", "not an object"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"free": 3}', "status 'None' must be one of"),
        (b'{"free": -3, "status": "OPEN"}', "free '-3' must be a whole number"),
        (b'{"free": true, "status": "OPEN"}', "free 'True'"),
        (b'{"free": 3.5, "status": "OPEN"}', "free '3.5'"),
        (b'{"free": 3, "status": "OPEN", "time": "yesterday"}', "time 'yesterday' must be ISO 8601"),
        (b'{"free": 3, "status": "OPEN", "time": "2026-11-22T21:40:03"}', "with an offset"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(payload: bytes, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        decode("p2", payload, 5.0)


def test_it_comes_among_the_sensors_messages_and_what_is_malformed_is_counted() -> None:
    sensors = Sensors([SensorInput("p2/all/state", "parking-state", neighbour="p2/all/state")])
    assert len(sensors.translate("p2/all/state", TOLD, 5.0, retained=True)) == 1
    assert sensors.translate("p2/all/state", b'{"free": 1, "status": "OPEN"}', 5.0, retained=True) == []
    assert sensors.translate("p2/all/state", b"x", 5.0) == []
    report = sensors.report()
    assert (report["accepted"], report["retained_ignored"]) == (1, 1)
    assert report["malformed"]["p2/all/state"]["last"] == "p2/all/state: not JSON"
