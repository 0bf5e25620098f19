"""The phrases of the demo's page, Polish and English side by side. Those of the other pages are in ``api.words``."""

from functools import cache
from typing import Literal

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Pokaz", "Demo"),
    "lead": (
        "To jest ten sam program co na prawdziwym parkingu. Tylko auta, pętle i tablica są na niby.",
        "This is the same program as on a real car park. Only the cars, the loops and the panel are simulated.",
    ),
    "cars": ("Auta", "Cars"),
    "drive_in": ("Wjedź", "Drive in"),
    "drive_out": ("Wyjedź", "Drive out"),
    "tailgate": ("Wjazd na zderzaku", "Tailgate"),
    "back_out": ("Wycofaj", "Back out"),
    "drive_in_what": ("Jedno auto wjeżdża.", "One car drives in."),
    "drive_out_what": ("Jedno auto wyjeżdża.", "One car drives out."),
    "tailgate_what": (
        "Dwa auta wjeżdżają jedno tuż za drugim.",
        "Two cars drive in, one close behind the other.",
    ),
    "back_out_what": (
        "Auto najeżdża na obie pętle i cofa na ulicę.",
        "A car gets onto both loops and reverses to the street.",
    ),
    "traffic": ("Ruch samoczynny", "Traffic by itself"),
    "traffic_on": ("włączony", "on"),
    "traffic_off": ("wyłączony", "off"),
    "truth": ("Naprawdę w środku", "Really inside"),
    "counted": ("policzono", "counted"),
    "same": ("zgadza się", "they agree"),
    "differs": ("różnica {n}", "off by {n}"),
    "lane": ("Pas wjazdowy", "Lane"),
    "waiting": ("Na pasie i przed nim: {n}", "On the lane and before it: {n}"),
    "turned_away": ("Zawróciło, bo pełno: {n}", "Turned away by a full lot: {n}"),
    "jam": ("Zablokuj pętlę", "Jam the loop"),
    "mend": ("Odblokuj pętlę", "Free the loop"),
    "jammed": ("zablokowana", "jammed"),
    "kill_bay": ("Odłącz czujnik", "Unplug the sensor"),
    "revive_bay": ("Podłącz czujnik", "Plug it in"),
    "not_sent": ("Nie wysłano: {why}", "Not sent: {why}"),
    "no_truth": ("Symulacja nie odpowiada.", "The simulation does not answer."),
    "nobody": ("Nikogo tam nie ma: nie ma kto wyjechać.", "Nobody is there who could drive out."),
}


@cache
def words(language: Literal["pl", "en"]) -> dict[str, str]:
    """Return every phrase in this language."""
    return {name: both[language == "en"] for name, both in _WORDS.items()}
