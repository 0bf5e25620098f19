"""What led to what a sign says: notes, each a code with its values, so that every language can tell it.

``text`` is the same in English, for the API and the log. A note that an earlier version left in a snapshot has no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | bool | int | float | None


class What(StrEnum):
    """What happened; the values that belong to each stand in its English sentence."""

    PASSAGE = "passage"
    """``kind``, ``lane``, ``tailgating`` (bool) and ``doubt`` (None when there is none)."""
    BECAME = "became"
    CORRECTED = "corrected"
    CORRECTED_BAYS = "corrected_bays"
    ADJUSTED = "adjusted"
    RECOUNT_BEGAN = "recount_began"
    RECOUNTED = "recounted"
    RECOUNT_GIVEN_UP = "recount_given_up"
    UNDONE = "undone"
    CLOSED = "closed"
    OPENED = "opened"
    MESSAGE = "message"
    MESSAGE_OFF = "message_off"
    SIGN_TESTED = "sign_tested"
    BAY_TAKEN = "bay_taken"
    BAY_FREE = "bay_free"
    BAY_SILENT = "bay_silent"
    BAY_OUT = "bay_out"
    BAY_BACK = "bay_back"
    WAS_OFF = "was_off"
    WAS_OFF_UNKNOWN = "was_off_unknown"
    CHANGES_LOST = "changes_lost"
    FAULT = "fault"
    WORKS_AGAIN = "works_again"


_ENGLISH = {
    What.PASSAGE: "{kind} through {lane}",
    What.BECAME: "{zone} became {status}: {reason}",
    What.CORRECTED: "corrected: {occupied} inside (was {before})",
    What.CORRECTED_BAYS: "corrected: {occupied} inside, but its bays count it",
    What.ADJUSTED: "corrected by {by}: {occupied} inside (was {before})",
    What.RECOUNT_BEGAN: "a recount began",
    What.RECOUNTED: "recounted: {seen} seen, {occupied} inside (was {before})",
    What.RECOUNT_GIVEN_UP: "the recount was given up",
    What.UNDONE: "the last correction was taken back: {occupied} inside (was {before})",
    What.CLOSED: "closed by staff",
    What.OPENED: "opened by staff",
    What.MESSAGE: "staff's message on {sign} for {minutes} min: {text}",
    What.MESSAGE_OFF: "staff's message on {sign} was taken off",
    What.SIGN_TESTED: "{sign} is being tested",
    What.BAY_TAKEN: "bay {bay} is taken",
    What.BAY_FREE: "bay {bay} is free",
    What.BAY_SILENT: "bay {bay} is silent",
    What.BAY_OUT: "bay {bay} was taken out of service",
    What.BAY_BACK: "bay {bay} is in service again",
    What.WAS_OFF: "the controller was off for {seconds} s",
    What.WAS_OFF_UNKNOWN: "the controller was off, and its clock can't tell yet for how long",
    What.CHANGES_LOST: "{detector}: {changes} changes were lost",
    What.FAULT: "{detector}: fault {kind}",
    What.WORKS_AGAIN: "{detector}: works again",
}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people may want to know led to what the sign says."""

    at: float
    text: str
    what: What | None = None
    values: Mapping[str, Value] = field(default_factory=dict)


def note(at: float, what: What, values: Mapping[str, Value]) -> Note:
    """Return the note that this happened; KeyError when a value of its sentence is missing."""
    said = {name: "unknown" if value is None else value for name, value in values.items()}
    if what is What.PASSAGE:
        said["kind"] = str(values["kind"]).replace("_", "-")
    text = _ENGLISH[what].format(**said)
    text += " (tailgating)" if values.get("tailgating") else ""
    text += f" (in doubt: {values['doubt']})" if values.get("doubt") else ""
    return Note(at, text, what, values)
