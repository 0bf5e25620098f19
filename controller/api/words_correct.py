"""What the pages "correct" and "changes" say, in Polish and English; ``words`` joins it to its own."""

WORDS: dict[str, tuple[str, str]] = {
    # The count
    "count": ("Liczba pojazdów", "The count"),
    "sure_title": ("Pewność", "How sure"),
    "by_bays": (
        "Tę strefę liczą czujniki miejsc: nie ma czego poprawiać. Napraw czujnik, który się myli.",
        "The bay sensors count this zone: there is nothing to correct. Mend the sensor that is wrong.",
    ),
    "adjust": ("Popraw o kilka", "A few more or fewer"),
    "adjust_hint": (
        "Gdy widziałeś pojazd, którego licznik nie zauważył.",
        "When you saw a vehicle that the count did not notice.",
    ),
    "adjust_by": ("Popraw o {by}", "Change by {by}"),
    "adjust_more": ("tyle pojazdów wjechało i nie zostało policzonych.", "so many came in and were not counted."),
    "adjust_fewer": ("tyle pojazdów wyjechało i nie zostało policzonych.", "so many left and were not counted."),
    "set_what": ("tyle pojazdów stoi teraz w środku.", "so many vehicles are inside now."),
    "undo": ("Cofnij ostatnią poprawkę", "Take the last correction back"),
    "undo_short": ("Cofnij", "Undo"),
    "undo_what": (
        "wraca to, co było przed poprawką; przejazdy od tego czasu zostają policzone.",
        "what was before comes back; what passed since then stays counted.",
    ),
    "undo_until": ("możliwe do {time}", "possible until {time}"),
    # Recounts
    "recount": ("Policz od nowa, obchodząc parking", "Recount by walking the lot"),
    "recount_hint": (
        "Obejdź cały parking równym krokiem i policz każdy pojazd raz. Przejazdy w tym czasie zostaną uwzględnione.",
        "Walk the whole lot at an even pace and count each vehicle once. What passes meanwhile is reckoned with.",
    ),
    "recount_begin": ("Zacznij liczenie", "Begin to count"),
    "recount_now": (
        "Liczenie trwa od {time} ({age}). Na początku w środku: {inside}. Odtąd wjechało {entries}, wyjechało {exits}.",
        "Counting since {time} ({age}). Inside at the start: {inside}. Since then {entries} came and {exits} left.",
    ),
    "recount_seen": ("Ile pojazdów naliczyłeś?", "How many vehicles did you count?"),
    "recount_end": ("Zakończ liczenie", "End the count"),
    "recount_what": (
        "naliczono {seen}. Uwzględnione zostaną przejazdy w czasie liczenia: wjazdy {entries}, wyjazdy {exits}.",
        "{seen} counted. What passed meanwhile is reckoned with: {entries} in, {exits} out.",
    ),
    "recount_give_up": ("Porzuć liczenie", "Give the recount up"),
    "recount_give_up_what": (
        "liczba zostaje taka, jaka jest; to, co naliczono, przepada.",
        "the count stays as it is; what was counted so far is lost.",
    ),
    "recount_on": ("trwa liczenie od {time}.", "a recount has been under way since {time}."),
    "recount_on_todo": (
        "Wpisz wynik na stronie „Popraw” albo porzuć liczenie.",
        "Write its result under Correct, or give it up.",
    ),
    # Closing
    "closing": ("Zamknięcie strefy", "Closing the zone"),
    "now_is": ("Teraz", "Now"),
    "close_what": (
        "tablica pokaże kierowcom, że parking jest nieczynny.",
        "the sign will tell drivers that it is closed.",
    ),
    "open_what": ("tablica znów pokaże liczbę.", "the sign shows the number again."),
    # Bays
    "manager_part": ("Tablica i miejsca", "Sign and bays"),
    "manager_only": ("Tablice i miejsca zmienia zarządca.", "A manager changes signs and bays."),
    "bays_service": ("Miejsca wyłączone z użytku", "Bays out of service"),
    "bays_service_hint": (
        "Naciśnij miejsce, aby je wyłączyć albo przywrócić. Wyłączonego nie ma wśród wolnych; pojazdu na nim nie licz.",
        "Press a bay to take it out of service, or back. It is not free then; don't count a vehicle that stands there.",
    ),
    "bay_out": ("Wyłącz miejsce", "Take out of service"),
    "bay_back": ("Przywróć miejsce", "Put back in service"),
    "bay_out_what": (
        "Miejsca będzie o jedno mniej, a jego czujnik nic nie zmieni.",
        "One space less; its sensor changes nothing.",
    ),
    "bay_back_what": ("Miejsce znów się liczy.", "The space counts again."),
    "in_service": ("w użytku", "in service"),
    "out_of_service": ("wyłączone", "out of service"),
    "out_of_service_n": ("Wyłączonych miejsc: {n}.", "Bays out of service: {n}."),
    # Signs
    "message_title": ("Komunikat na tablicy", "Message on the sign"),
    "message_text": ("Treść", "Words"),
    "preview": ("Tak to pokaże tablica", "So the sign will show it"),
    "does_not_fit": (
        "Tablica nie pokaże tego w całości. Skróć tekst albo usuń znaki, których nie umie narysować.",
        "The sign can't show this whole. Shorten it, or leave out characters that it can't draw.",
    ),
    "message_for": ("Jak długo", "For how long"),
    "message_put": ("Pokaż komunikat", "Show the message"),
    "message_what": (
        "Czas: {time}, potem zniknie sam. Zamknięcie strefy ma pierwszeństwo.",
        "For {time}, then it ends by itself. A closed zone goes before it.",
    ),
    "message_off": ("Zdejmij komunikat", "Take the message off"),
    "message_off_what": ("Tablica wraca do zwykłego wskazania.", "The sign says its usual again."),
    "message_usual": ("zwykłe wskazanie", "its usual"),
    "message_stands": ("Komunikat obsługi: „{text}”, do {time}.", "Staff's message: “{text}”, until {time}."),
    "sign_test": ("Sprawdź tablicę", "Test the sign"),
    "sign_test_what": (
        "Przez 12 sekund tablica pokaże wszystkie diody, ramki i szachownicę zamiast liczby. Stań przed nią.",
        "For 12 seconds the sign shows all its LEDs, outlines and checkers in place of the number. Stand before it.",
    ),
    # The dialog
    "before": ("jest", "now"),
    "after": ("będzie", "then"),
    "was_is": ("Było: {before}, jest: {after}.", "Was {before}, is {after}."),
    "usual_reasons": ("Częste powody", "Usual reasons"),
    "cancel": ("Anuluj", "Cancel"),
    "close_note": ("Zamknij", "Close"),
    "reasons_count": ("policzone na miejscu|po sprawdzeniu kamer", "counted on foot|seen on the cameras"),
    "reasons_more": ("wjazd bez naliczenia|motocykl", "came in uncounted|a motorcycle"),
    "reasons_fewer": ("wyjazd bez naliczenia|naliczony podwójnie", "left uncounted|counted twice"),
    "reasons_undo": ("pomyłka", "a mistake"),
    "reasons_recount": ("okresowe liczenie|liczba budzi wątpliwości", "the usual recount|the number is in doubt"),
    "reasons_close": ("odśnieżanie|prace remontowe|impreza", "snow is cleared|works|an event"),
    "reasons_open": ("koniec prac", "it is over"),
    "reasons_bay": ("prace remontowe|uszkodzona nawierzchnia|zarezerwowane", "works|broken ground|reserved"),
    "reasons_message": ("objazd|prace remontowe|impreza", "a detour|works|an event"),
    "reasons_test": ("przegląd|zgłoszono ciemne diody", "inspection|dark LEDs were reported"),
    # Changes
    "audit_title": ("Kto co zmienił", "Who changed what"),
    "audit_hint": ("Najnowsze na górze.", "Newest first."),
    "audit_failed": ("Nie można odczytać dziennika.", "The journal can't be read."),
    "audit_recount": (
        "naliczono {seen}, w tym czasie wjazdy {entries}, wyjazdy {exits}",
        "{seen} counted, {entries} in and {exits} out meanwhile",
    ),
    "audit_minutes": ("na {n} min", "for {n} min"),
    "no_reason": ("bez powodu", "no reason given"),
    "no_changes": ("Jeszcze żadnych zmian.", "No changes yet."),
    "older": ("Starsze", "Older ones"),
}

TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "spans": {
        "15": ("15 minut", "15 minutes"),
        "60": ("1 godzina", "1 hour"),
        "120": ("2 godziny", "2 hours"),
        "480": ("8 godzin", "8 hours"),
        "1440": ("1 doba", "1 day"),
        "10080": ("1 tydzień", "1 week"),
    },
    # By HTTP status: why something was not done, and what to do.
    "refused": {
        "401": ("Sesja wygasła. Zaloguj się ponownie.", "The session is over. Log in again."),
        "403": (
            "Twoja rola na to nie pozwala, albo strona jest stara: odśwież ją.",
            "Your role does not allow this, or the page is old: reload it.",
        ),
        "404": ("Tego już nie ma. Odśwież stronę.", "That is gone. Reload the page."),
        "409": (
            "Tego nie da się teraz zrobić: stan w międzyczasie się zmienił. Sprawdź liczbę i spróbuj ponownie.",
            "That can't be done now: things have changed meanwhile. Look at the number and try again.",
        ),
        "422": ("Wartość jest niedozwolona. Popraw ją.", "The value is not allowed. Mend it."),
        "429": ("Zbyt wiele prób. Odczekaj chwilę.", "Too many attempts. Wait a moment."),
        "502": (
            "Proces liczący odmówił. Sprawdź stan na stronie „Teraz”.",
            "The counting process refused. Look at the page Now.",
        ),
        "503": (
            "Proces liczący nie działa. Niczego nie zmieniono.",
            "The counting process is not running. Nothing was changed.",
        ),
        "504": (
            "Proces liczący nie odpowiedział. Sprawdź, czy zmiana jest zapisana, zanim powtórzysz.",
            "The counting process did not answer. See whether it was done before you repeat it.",
        ),
    },
    "audit_field": {
        "occupied": ("wpisana liczba pojazdów", "the number inside was set"),
        "adjusted": ("poprawka", "changed by a few"),
        "recount begun": ("początek liczenia", "a recount began"),
        "recounted": ("wynik liczenia", "the result of a recount"),
        "recount given up": ("liczenie porzucone", "the recount was given up"),
        "undone": ("cofnięta poprawka", "a correction was taken back"),
        "closed": ("zamknięcie", "closed or opened"),
        "out of service": ("miejsce w użytku", "bay in or out of service"),
        "message": ("komunikat na tablicy", "a message on the sign"),
        "message taken off": ("komunikat zdjęty", "the message was taken off"),
        "tested": ("próba tablicy", "the sign was tested"),
    },
    "audit_value": {
        "closed_True": ("zamknięte", "closed"),
        "closed_False": ("otwarte", "open"),
        "out of service_True": ("wyłączone", "out of service"),
        "out of service_False": ("w użytku", "in service"),
    },
}
