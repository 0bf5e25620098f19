"""What an alarm says, in Polish and English: a title and, after it, what to do."""

from dataclasses import replace

from controller.api.alarms.rules import Alarm
from controller.api.words import Language, words

_SAYS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "full": (
        ("{about}: brak wolnych miejsc", "Tablica kieruje kierowców dalej. Nic nie trzeba robić."),
        ("{about}: no free spaces", "The sign sends drivers on. Nothing needs to be done."),
    ),
    "uncertain": (
        ("{about}: liczba wolnych miejsc nieznana", "Policz pojazdy i wpisz korektę na stronie obsługi ({detail})."),
        (
            "{about}: the number of free spaces is not known",
            "Count the vehicles and correct on the staff page ({detail}).",
        ),
    ),
    "detector_fault": (
        ("Usterka czujnika {about}", "Sprawdź czujnik, przewód i zasilanie ({detail})."),
        ("Detector {about} is at fault", "Check the sensor, its cable and its supply ({detail})."),
    ),
    "sign_dark": (
        ("Tablica {about} nie świeci", "Sprawdź zasilanie tablicy i proces tablicy ({detail})."),
        ("Sign {about} is dark", "Check the panel's power and the sign process ({detail})."),
    ),
    "drift": (
        ("{about}: licznik przejazdów odbiega o {detail}", "Policz pojazdy i wpisz korektę; sprawdź pętle."),
        ("{about}: the count of passages is off by {detail}", "Count the vehicles and correct; check the loops."),
    ),
    "feedback": (
        ("Zgłoszenie: {about}", "Zobacz je na stronie obsługi i potwierdź ({detail})."),
        ("Feedback: {about}", "Look at it on the staff page and acknowledge it ({detail})."),
    ),
    "test": (
        ("Próba alarmu", "Ta wiadomość pokazuje, że alarmy dochodzą. Nic się nie stało."),
        ("Test of the alarms", "This shows that alarms arrive. Nothing has happened."),
    ),
}


def said(alarm: Alarm, lot: str, language: Language) -> tuple[str, str]:
    """Return title and text of an alarm."""
    if alarm.kind == "feedback":
        alarm = replace(alarm, about=words(language)["incident"].get(alarm.about, alarm.about))
    title, text = (part.format(about=alarm.about, detail=alarm.detail) for part in _SAYS[alarm.kind][language == "en"])
    return f"{lot}: {title}", text
