"""Which MQTT messages were taken already: a broker repeats what it did not hear our acknowledgement of.

We acknowledge after the commit. Who is killed between the two hears the message again after the restart, and a vehicle
whose levels come twice would be counted twice. A broker marks what it repeats (MQTT 3.1.1, 3.3.1.1: DUP) and gives it
the same packet number; the journal keeps that number with the message. A number is used again at some time, but not
within ``REPEATED`` messages by a broker that counts them up, as Mosquitto does; so the same number with the same words
among the last ones is the same message.
"""

from collections import deque
from collections.abc import Iterable

from controller.inputs.mqtt import MqttMessage
from controller.recording import Entry, Message

REPEATED = 1000
"""So many messages back a repetition is looked for: far more than a broker sends without an acknowledgement."""

_Key = tuple[int, str, bytes]


class Taken:
    """The last messages that were taken. Belongs to the thread that owns the state."""

    repeated: int
    """Messages that were sent again though they were taken."""

    def __init__(self, packets: Iterable[tuple[int, Entry]]) -> None:
        self.repeated = 0
        kept = [(number, entry.topic, entry.payload) for number, entry in packets if isinstance(entry, Message)]
        self._order: deque[_Key] = deque(kept, REPEATED)
        self._known = set(self._order)

    def again(self, message: MqttMessage) -> bool:
        """Remember a message; whether it is a repetition of one that was taken."""
        if message.packet is None:
            return False
        key = (message.packet, message.topic, message.payload)
        if key in self._known:
            if message.again:
                self.repeated += 1
                return True
            self._order.remove(key)  # the number is used anew
        elif len(self._order) == REPEATED:
            self._known.discard(self._order[0])
        self._order.append(key)
        self._known.add(key)
        return False
