"""What of the picture those see who gave no credential: what the site file makes public, and nothing else. Pure."""

from typing import get_args

from controller.api.envelope import Inputs, JournalSize
from controller.api.models import Picture
from controller.site import Part


def cut(now: Picture, public: tuple[str, ...]) -> Picture:
    """Return the picture with the parts alone that are public."""
    if set(get_args(Part)) <= set(public):
        return now
    kept = {
        part: getattr(now, part) if part in public else [] for part in ("zones", "lanes", "bays", "faults", "passages")
    }
    signs = now.signs if "signs" in public else []
    if "passages" not in public:
        signs = [sign.model_copy(update={"because": [], "chain": []}) for sign in signs]
    if "inputs" not in public:
        kept |= {"inputs": Inputs(), "journal": JournalSize(), "version": None}
    return now.model_copy(update={**kept, "signs": signs})
