"""Which state this is, by its content: the tag of answers (ETag) and of the live stream's events (their id).

The tag leaves out what changes by mere passing of time, and is the same from one start of the web process to the next.
"""

import hashlib
from typing import Any

AGES: dict[str, Any] = {"at": True, "age_s": True, "signs": {"__all__": {"age_s"}}}
"""What changes by mere passing of time: a beat tells it, and each sign's ``since`` gives its age."""


def tag_of(content: str) -> str:
    """Return the tag of a state's JSON."""
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
