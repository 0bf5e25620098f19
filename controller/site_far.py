"""The file of a machine that drives a sign and nothing else: ``[mqtt]``, and ``[[sign]]`` with the panel's keys alone.

What the sign says, and how bright it is, stands in the site file, where its driver is "mqtt". ``panels`` takes either
file: an installer tries a panel out where it hangs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from controller.site import MqttSpec, PanelSpec, SiteError, load, mqtt_spec, panel_spec, read
from controller.site_checks import cross_checks
from controller.site_faults import faults_of
from controller.site_tables import FarFile


@dataclass(frozen=True, slots=True)
class FarSigns:
    """The panels of such a machine, and the broker over which they are fed."""

    path: Path
    mqtt: MqttSpec
    panels: tuple[PanelSpec, ...]


def is_far(path: Path) -> bool:
    """Whether this is such a file rather than a site file; SiteError and OSError as ``load_far``."""
    return _is_far(read(path))


def load_far(path: Path) -> FarSigns:
    """Read and check the file; raises SiteError with every fault, OSError when it can't be read."""
    raw = read(path)
    try:
        file = FarFile.model_validate(raw)
    except ValidationError as error:
        raise SiteError(path, [*faults_of(error, raw, FarFile), *cross_checks(raw)]) from error
    if faults := cross_checks(raw):
        raise SiteError(path, faults)
    return FarSigns(path, mqtt_spec(path, file.mqtt), tuple(panel_spec(sign, None) for sign in file.sign))


def panels(path: Path) -> tuple[PanelSpec, ...]:
    """Return the panels of a site file or of a far sign's; SiteError and OSError as ``load_far``."""
    return load_far(path).panels if is_far(path) else load(path).panels


def _is_far(raw: dict[str, Any]) -> bool:
    return "lot" not in raw and "zone" not in raw and {"mqtt", "sign"} <= set(raw)
