"""One example of each shape of the API, for OpenAPI; a test holds them against the shapes."""

from typing import Any

WHEN = "2026-11-22T10:15:30.250000+01:00"
EARLIER = "2026-11-22T09:58:04+01:00"

MESSAGE = {
    "kind": "number",
    "text": "12",
    "free": 12,
    "tone": "free",
    "beside": "wolne",
    "rows": [],
    "also": None,
    "second": None,
}
PANEL = {
    "alive": True,
    "lit": True,
    "message": MESSAGE,
    "why_dark": None,
    "width": 16,
    "height": 8,
    "rows": ["0000", "10e0", "3110", "1010", "1020", "1040", "39f0", "0000"],
    "shown_at": EARLIER,
    "because": ["12:02:11 main: entry", "12:03:40 main: exit"],
    "brightness": 11,
    "why_bright": "the light sensor: 4200 lx",
    "driver": "ws2812",
    "tints": [{"box": [0, 0, 16, 8], "tone": "free"}],
}
RECOUNT = {"began": EARLIER, "inside": 28, "entries": 2, "exits": 1}
CAUSE: dict[str, Any] = {
    "at": EARLIER,
    "what": "passage",
    "text": "entry through main",
    "values": {"kind": "entry", "lane": "main", "tailgating": False, "doubt": None},
}
AUDIT = {
    "at": EARLIER,
    "who": "anna",
    "what": "customers: adjusted [-1] = 27",
    "subject": "customers",
    "field": "adjusted",
    "details": "-1",
    "before": "28",
    "after": "27",
    "reason": "left over the kerb",
}
ZONE = {
    "name": "customers",
    "capacity": 40,
    "counted_by": "lanes",
    "occupied": 28,
    "counted": 29,
    "free": 12,
    "low": 11,
    "high": 13,
    "sure": 0.97,
    "status": "OPEN",
    "reason": "counted",
    "since": EARLIER,
    "recount": None,
    "undo_until": None,
    "out_of_service": 0,
    "degraded": [],
}
SIGN = {
    "name": "entrance",
    "zone": "customers",
    "message": MESSAGE,
    "reason": "counted",
    "since": WHEN,
    "age_s": 4.2,
    "because": ["main: entry", "customers: 28 of 40 occupied"],
    "panel": PANEL,
    "staff": None,
    "chain": [CAUSE],
}
FAULT = {"subject": "main.outer", "kind": "stuck", "since": EARLIER}
DETECTOR = {"name": "main.outer", "role": "outer", "occupied": False, "since": WHEN, "changes": 812, "fault": None}
QUALITY = {
    "passages": 391,
    "missed_outer": 0.004,
    "missed_inner": 0.031,
    "lost_edges": 0.002,
    "ghosts": 0.05,
    "unseen": 0.014,
    "drift": 4.1,
    "drift_without_doubt": 3.7,
    "advice": ["inner_misses"],
}
LANE = {
    "name": "main",
    "zone": "customers",
    "direction": "both",
    "entries": 211,
    "exits": 183,
    "back_outs": 2,
    "ambiguous": 1,
    "quality": QUALITY,
    "detectors": [DETECTOR],
}
BAY = {"name": "A1", "zone": "customers", "occupied": True, "since": EARLIER, "heard_at": WHEN, "out_of_service": False}
PASSAGE = {
    "lane": "main",
    "kind": "entry",
    "at": WHEN,
    "began": "2026-11-22T10:15:28.100000+01:00",
    "tailgating": False,
    "wrong_way": False,
    "doubt": None,
}
LIVE: dict[str, Any] = {"live": True, "at": WHEN, "age_s": 0.3}
LOT = {**LIVE, "lot": "Parking dla klientów", "zones": [ZONE], "signs": [SIGN], "faults": [FAULT]}
MQTT = {"connected": True, "broker": "localhost:1883", "reconnects": 0, "last_error": None}
SENSORS = {
    "accepted": 4711,
    "no_level": 12,
    "unknown": {"zigbee2mqtt/lamp": 3},
    "malformed": {"bays/A1": {"count": 1, "last": "'maybe' is neither occupied nor free"}},
}
PICTURE = {
    **LOT,
    "lanes": [LANE],
    "bays": [BAY],
    "passages": [PASSAGE],
    "inputs": {"mqtt": MQTT, "sensors": SENSORS, "gpio": {"factory": "lgpio", "errors": 0, "unreadable": []}},
    "journal": {"inputs": 123_456, "bytes": 24_000_000},
    "version": "0.1.0",
}
