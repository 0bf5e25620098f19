"""The phrases of the demo's page, Polish and English side by side. Those of the other pages are in ``api.words``."""

from functools import cache
from typing import Literal

from controller.simulator.scenario import shipped

Language = Literal["pl", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Pokaz", "Demo"),
    "lead": (
        "To jest ten sam program co na prawdziwym parkingu. Tylko auta, pętle, tablica i zegar są na niby.",
        "This is the same program as on a real car park. Only the cars, loops, panel and clock are simulated.",
    ),
    "login": (
        "Strony dla obsługi: nazwa i hasło (nowe przy każdym uruchomieniu)",
        "The staff pages: name and password (new at each start)",
    ),
    "stage": ("Przebieg", "The run"),
    "scenario": ("Scenariusz", "Scenario"),
    "speed": ("Tempo", "Speed"),
    "reached": ("osiąga {n}", "reaches {n}"),
    "clock": ("Na parkingu jest", "At the car park it is"),
    "changing": ("Zaczynam nowy scenariusz …", "Starting the new scenario …"),
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
    "chart": ("Prawda i przekonanie", "Truth and belief"),
    "chart_what": (
        "Ile aut jest w środku: naprawdę i według licznika, z pasmem, w którym liczba leży z szansą 90 %.",
        "How many cars are inside: truly, and as the counter believes, with the band that holds 90 % of its belief.",
    ),
    "truth": ("Naprawdę", "Truly"),
    "belief": ("Licznik wierzy", "Believed"),
    "raw": ("Same przejazdy", "Passages alone"),
    "inside": ("w środku", "inside"),
    "free": ("wolne", "free"),
    "band": ("pasmo 90 %", "90 % band"),
    "same": ("zgadza się", "they agree"),
    "differs": ("różnica {n}", "off by {n}"),
    "capacity": ("miejsc: {n}", "{n} spaces"),
    "minutes": ("{n} min", "{n} min"),
    "hours": ("{n} h", "{n} h"),
    "lane": ("Pas", "Lane"),
    "waiting": ("Na pasie i przed nim: {n}", "On the lane and before it: {n}"),
    "turned_away": ("Zawróciło, bo pełno: {n}", "Turned away by a full lot: {n}"),
    "fault": ("Usterka", "Fault"),
    "fault_none": ("sprawna", "none"),
    "fault_occupied": ("stale zajęta", "stuck occupied"),
    "fault_clear": ("stale wolna", "stuck clear"),
    "fault_dead": ("przerwany przewód", "cable cut"),
    "fault_chatter": ("drga", "chatters"),
    "fault_edges": ("gubi zmiany", "loses changes"),
    "power": ("Sterownik", "Controller"),
    "off": ("Odłącz prąd", "Cut the power"),
    "off_for": ("na {n} min", "for {n} min"),
    "off_what": (
        "Proces licznika ginie i wraca po tym czasie. Co w tym czasie przejedzie, tego nie widzi.",
        "The counting process is killed and comes back after this time. What passes meanwhile it does not see.",
    ),
    "is_off": ("Sterownik nie ma prądu.", "The controller has no power."),
    "kill_bay": ("Odłącz", "Unplug"),
    "revive_bay": ("Podłącz", "Plug in"),
    "not_sent": ("Nie wysłano: {why}", "Not sent: {why}"),
    "no_truth": ("Symulacja nie odpowiada.", "The simulation does not answer."),
    "nobody": ("Nikt nie stoi w środku: nie ma kto wyjechać.", "Nobody is parked who could drive out."),
}

_SCENARIOS = {
    "demo36": "36 miejsc, krótkie postoje, bez nocy: własny scenariusz pokazu; czujniki bez wad",
    "hospital400": "400 miejsc, szpital: zmiany, przychodnia, odwiedziny, nigdy pusto; pętle znośne",
    "office80-0.2": "80 miejsc, biuro; pętle dobre: gubią 0,2 % aut",
    "office80-1": "80 miejsc, biuro; pętle znośne: gubią 1 % aut",
    "office80-3": "80 miejsc, biuro; pętle złe: gubią 3 % aut",
    "office80-barrier-3": "80 miejsc, biuro; szlabany ze stykiem na obu pasach, pętle złe",
    "office80-dead": "80 miejsc, biuro; kilka razy w miesiącu cały pas milczy godzinami",
    "office80-exits5": "80 miejsc, biuro; pętle wyjazdu mylą się pięć razy częściej niż wjazdu",
    "office80-loops": "80 miejsc, biuro; pojedyncze pętle milkną albo drżą godzinami",
    "office80-restarts": "80 miejsc, biuro; sterownik czterdzieści razy w miesiącu traci prąd na 20 s do 5 min",
    "office80-stuck": "80 miejsc, biuro; kilka razy w miesiącu któraś pętla jest godzinami zajęta",
    "perfect-office80": "80 miejsc, biuro; czujniki bez wad i zwykły ruch: licznik musi być dokładny",
    "perfect-shop80": "80 miejsc, sklep; czujniki bez wad i zwykły ruch: licznik musi być dokładny",
    "residents80": "80 miejsc, mieszkańcy, nigdy pusto; pętle znośne",
    "residents80-bays100": "80 miejsc, mieszkańcy; czujnik na każdym miejscu, niektóre się mylą",
    "residents80-bays20": "80 miejsc, mieszkańcy; czujniki na 20 % miejsc, tych najbliższych",
    "residents80-irregular": "80 miejsc, mieszkańcy; każdy dzień inny: goście, święta, długie wyjazdy",
    "residents80-unknown": "80 miejsc, mieszkańcy; nikt nie podał, ile aut było na początku",
    "shop20": "20 miejsc, sklep; jeden pas w obie strony, pętle znośne",
    "shop80-0.2": "80 miejsc, sklep; pętle dobre: gubią 0,2 % aut",
    "shop80-1": "80 miejsc, sklep; pętle znośne: gubią 1 % aut",
    "shop80-3": "80 miejsc, sklep; pętle złe: gubią 3 % aut",
    "shop80-irregular": "80 miejsc, sklep; każdy dzień inny: promocje, święta, pogoda",
    "station400": "400 miejsc, dworzec: dojeżdżający, podróżni na całe dni, nigdy pusto; pętle znośne",
}
"""What each shipped scenario is about, in Polish; in English its own file says it."""


@cache
def words(language: Language) -> dict[str, str]:
    """Return every phrase in this language."""
    return {name: both[language == "en"] for name, both in _WORDS.items()}


@cache
def scenarios(language: Language) -> dict[str, str]:
    """Return what each shipped scenario is about, in this language."""
    return {name: about if language == "en" else _SCENARIOS.get(name, about) for name, about in shipped().items()}
