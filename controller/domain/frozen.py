"""Frozen states of many fields that change with every event."""

from typing import Any, TypeVar

T = TypeVar("T")


def changed(state: T, **changes: Any) -> T:
    """Return a frozen dataclass with some fields changed; it must have no slots. Raises TypeError for unknown fields.

    The same as ``dataclasses.replace``, without calling ``__init__``: ten times as fast for a state of thirty fields.
    """
    fields = vars(state)
    if not changes.keys() <= fields.keys():
        raise TypeError(f"{type(state).__name__} has no {', '.join(sorted(changes.keys() - fields.keys()))}")
    copy = object.__new__(type(state))
    vars(copy).update(fields, **changes)
    return copy
