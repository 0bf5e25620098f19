"""How the pages tell what led to what a sign says, in Polish and English; ``words`` joins it to its own."""

WORDS: dict[str, tuple[str, str]] = {
    "why_title": ("Dlaczego tablica tak pokazuje?", "Why does the sign say that?"),
    "chain_sign": ("Tablica pokazuje „{text}”. {why}", "The sign shows “{text}”. {why}"),
    "chain_dark": ("Tablica jest wygaszona. {why}", "The sign is dark. {why}"),
    "chain_zone": (
        "Strefa {zone}: {status}. W środku {inside}, miejsc {capacity}; {sure}.",
        "Zone {zone}: {status}. {inside} inside, {capacity} spaces; {sure}.",
    ),
    "chain_zone_bays": (
        "Strefa {zone}: {status}. Zajętych {inside}, miejsc {capacity}, według czujników miejsc.",
        "Zone {zone}: {status}. {inside} taken of {capacity} spaces, by the bay sensors.",
    ),
    "sure_well": ("liczba pewna na {percent} %", "the number is {percent} % sure"),
    "sure_rather": ("liczba dość pewna ({percent} %)", "the number is rather sure ({percent} %)"),
    "sure_not": (
        "liczba niepewna ({percent} %): warto policzyć",
        "the number is not sure ({percent} %): worth a count",
    ),
    "degraded": ("liczy z usterką: {names}", "counts with a fault: {names}"),
    "or": ("; albo ", "; or "),
    "to_correct": ("Liczba się nie zgadza? Popraw", "The number is wrong? Correct it"),
    "last_passage": ("Ostatni przejazd: {what}, {time} ({age} temu)", "Last passage: {what}, {time} ({age} ago)"),
    "sign_silent": (
        "proces tablicy nie odpowiada, tablica jest ciemna.",
        "the sign process is silent, the sign is dark.",
    ),
    "sign_silent_todo": (
        "Sprawdź zasilanie tablicy i sterownika, potem usługę parking-sign.",
        "Check the power of sign and controller, then the service parking-sign.",
    ),
    "broker_lost": (
        "brak połączenia z brokerem, czujniki MQTT milczą.",
        "not connected, so that MQTT sensors are not heard.",
    ),
    "broker_lost_todo": ("Sprawdź sieć i usługę mosquitto.", "Check the network and the service mosquitto."),
}

TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "note": {
        "passage": ("Pas {lane}: {kind}", "Lane {lane}: {kind}"),
        "became": ("Strefa {zone}: {status}. {reason}", "Zone {zone}: {status}. {reason}"),
        "corrected": (
            "Obsługa wpisała {occupied} w środku (było: {before}).",
            "Staff set the number inside to {occupied} (was {before}).",
        ),
        "corrected_bays": (
            "Obsługa wpisała {occupied} w środku, ale tę strefę liczą czujniki miejsc.",
            "Staff set the number inside to {occupied}, but the bay sensors count this zone.",
        ),
        "adjusted": (
            "Obsługa poprawiła o {by}: {occupied} w środku (było: {before}).",
            "Staff changed it by {by}: {occupied} inside (was {before}).",
        ),
        "recount_began": ("Obsługa zaczęła liczyć, obchodząc parking.", "Staff began to recount."),
        "recounted": (
            "Policzono pieszo {seen}; po uwzględnieniu przejazdów {occupied} w środku (było: {before}).",
            "{seen} counted on foot; with what passed meanwhile {occupied} inside (was {before}).",
        ),
        "recount_given_up": ("Liczenie porzucone.", "The recount was given up."),
        "undone": (
            "Cofnięto ostatnią poprawkę: {occupied} w środku (było: {before}).",
            "The last correction was taken back: {occupied} inside (was {before}).",
        ),
        "closed": ("Obsługa zamknęła strefę.", "Staff closed the zone."),
        "opened": ("Obsługa otworzyła strefę.", "Staff opened the zone."),
        "message": (
            "Obsługa dała na tablicę {sign} na {minutes} min: „{text}”.",
            "Staff put on the sign {sign} for {minutes} min: “{text}”.",
        ),
        "message_off": ("Komunikat obsługi zdjęto z tablicy {sign}.", "Staff's message was taken off the sign {sign}."),
        "sign_tested": ("Próba tablicy {sign}.", "The sign {sign} was tested."),
        "bay_taken": ("Miejsce {bay}: zajęte.", "Bay {bay}: taken."),
        "bay_free": ("Miejsce {bay}: wolne.", "Bay {bay}: free."),
        "bay_silent": ("Czujnik miejsca {bay} milczy.", "The sensor of bay {bay} is silent."),
        "bay_out": ("Miejsce {bay} wyłączono z użytku.", "Bay {bay} was taken out of service."),
        "bay_back": ("Miejsce {bay} wróciło do użytku.", "Bay {bay} is in service again."),
        "was_off": ("Sterownik był wyłączony przez {seconds} s.", "The controller was off for {seconds} s."),
        "was_off_unknown": (
            "Sterownik był wyłączony; zegar nie wie jeszcze, jak długo.",
            "The controller was off; its clock can't tell yet for how long.",
        ),
        "changes_lost": (
            "{detector}: zgubiono zmian stanu: {changes}.",
            "{detector}: changes of level that were lost: {changes}.",
        ),
        "fault": ("Usterka: {detector}, {kind}.", "Fault: {detector}, {kind}."),
        "works_again": ("{detector}: znów działa.", "{detector}: works again."),
    },
    # The stories that the lane decoder tells of unclear passages, by their English.
    "doubts": {
        "passed": ("przejazd", "passed"),
        "passed, and the outer loop missed it": (
            "przejazd niewidziany przez pętlę zewnętrzną",
            "passed, and the outer loop missed it",
        ),
        "passed, and the inner loop missed it": (
            "przejazd niewidziany przez pętlę wewnętrzną",
            "passed, and the inner loop missed it",
        ),
        "passed, and a change of a loop was lost": (
            "przejazd ze zgubioną zmianą stanu pętli",
            "passed, and a change of a loop was lost",
        ),
        "passed, with a gap between the loops": (
            "przejazd z przerwą między pętlami",
            "passed, with a gap between the loops",
        ),
        "passed over the only loop that works": (
            "przejazd przez jedyną działającą pętlę",
            "passed over the only loop that works",
        ),
        "drove against the lane's direction": ("jazda pod prąd", "drove against the lane's direction"),
        "a person, a trolley, or noise": ("pieszy, wózek albo zakłócenie", "a person, a trolley, or noise"),
        "somebody who turned away": ("ktoś zawrócił", "somebody who turned away"),
        "backed out": ("wycofanie", "backed out"),
        "one vehicle that moved to and fro": ("jeden pojazd tam i z powrotem", "one vehicle that moved to and fro"),
        "one more vehicle, bumper to bumper": (
            "jeszcze jeden pojazd, zderzak w zderzak",
            "one more vehicle, bumper to bumper",
        ),
        "one long vehicle": ("jeden długi pojazd", "one long vehicle"),
        "a trailer": ("przyczepa", "a trailer"),
        "a level that was read again": ("ponownie odczytany stan", "a level that was read again"),
        "the barrier opened for another reason": (
            "szlaban otwarto z innego powodu",
            "the barrier opened for another reason",
        ),
        "passed, and no loop saw it": ("przejazd niewidziany przez żadną pętlę", "passed, and no loop saw it"),
        "a change of a loop was lost": ("zgubiono zmianę stanu pętli", "a change of a loop was lost"),
        "a vehicle that came in and another one behind it": (
            "pojazd, który wjechał, i drugi za nim",
            "a vehicle that came in and another one behind it",
        ),
        "the barrier fell behind it, but a loop did not clear": (
            "szlaban opadł za nim, a pętla się nie zwolniła",
            "the barrier fell behind it, but a loop did not clear",
        ),
        "counted late: the outer loop did not see it": (
            "policzony później: pętla zewnętrzna go nie widziała",
            "counted late: the outer loop did not see it",
        ),
        "counted late: the inner loop did not see it": (
            "policzony później: pętla wewnętrzna go nie widziała",
            "counted late: the inner loop did not see it",
        ),
    },
}
