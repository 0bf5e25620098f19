"""What the pages say, in Polish and English: one table, a row a phrase. Templates and scripts take theirs from here.

Faults and reasons say what is the matter and, after it, what to do. ``{…}`` is filled in by the scripts.
"""

from functools import cache
from typing import Any, Literal

from controller.api import words_alarms, words_correct, words_history, words_staff, words_why

Language = Literal["pl", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    # Frame
    "title_public": ("Wolne miejsca", "Free spaces"),
    "title_staff": ("Obsługa parkingu", "Car park staff"),
    "for_staff": ("Dla obsługi", "For staff"),
    "for_drivers": ("Dla kierowców", "For drivers"),
    "to_demo": ("Pokaz", "Demo"),
    "other_language": ("English", "Polski"),
    "skip": ("Przejdź do treści", "Skip to content"),
    "live": ("na żywo", "live"),
    "not_live": ("nie na żywo", "not live"),
    "connecting": ("łączenie…", "connecting…"),
    "lost_stream": (
        "Brak łączności z serwerem. Dane na stronie nie są aktualne; połączenie wróci samo.",
        "No connection to the server. Nothing here is current; it reconnects by itself.",
    ),
    "lost_count": (
        "Proces liczący nie odpowiada, więc tablica gaśnie. Sprawdź zasilanie sterownika i jego dziennik.",
        "The counting process is silent, so the sign goes dark. Check the controller's power and its log.",
    ),
    "lost_drivers": (
        "Liczba wolnych miejsc jest chwilowo nieznana.",
        "The number of free spaces is not known at the moment.",
    ),
    "needs_script": (
        "Ta strona potrzebuje JavaScriptu. Obraz tablicy: odśwież stronę, aby go uaktualnić.",
        "This page needs JavaScript. The picture of the sign: reload to renew it.",
    ),
    # Sign
    "sign": ("Tablica", "Sign"),
    "sign_shows": ("Tablica pokazuje", "The sign shows"),
    "sign_dark": ("tablica wygaszona", "the sign is dark"),
    "sign_picture": ("Obraz tablicy", "Picture of the sign"),
    "differs": (
        "Tablica pokazuje co innego, niż powinna. Sprawdź proces tablicy i jej zasilanie.",
        "The sign shows something other than it should. Check the sign process and the panel's power.",
    ),
    # Numbers
    "free_one": ("wolne miejsce", "free space"),
    "free_few": ("wolne miejsca", "free spaces"),
    "free_many": ("wolnych miejsc", "free spaces"),
    "free_other": ("wolnego miejsca", "free spaces"),
    "free": ("Wolne", "Free"),
    "of": ("z", "of"),
    "unknown_number": ("liczba nieznana", "number not known"),
    "inside": ("W środku", "Inside"),
    "capacity": ("Pojemność", "Capacity"),
    "between": ("między {low} a {high}", "between {low} and {high}"),
    "quality": (
        "Niewidziane: pętla zewnętrzna {outer} %, wewnętrzna {inner} %. Odchyłka na 1000 przejazdów: ±{drift}.",
        "Not seen: outer loop {outer} %, inner loop {inner} %. Drift in 1,000 passages: ±{drift}.",
    ),
    "since": ("od", "since"),
    "unknown": ("nie wiadomo", "not known"),
    "none": ("brak", "none"),
    # Sections of the staff page
    "zones": ("Strefy", "Zones"),
    "faults": ("Usterki", "Faults"),
    "no_faults": ("Brak usterek.", "No faults."),
    "what_to_do": ("Co zrobić", "What to do"),
    "lanes": ("Pasy i czujniki", "Lanes and detectors"),
    "lane": ("Pas", "Lane"),
    "detector": ("Czujnik", "Detector"),
    "level": ("Stan", "State"),
    "changes": ("Zmian", "Changes"),
    "entries": ("Wjazdy", "Entries"),
    "exits": ("Wyjazdy", "Exits"),
    "back_outs": ("Wycofania", "Back-outs"),
    "ambiguous": ("Niejasne", "Ambiguous"),
    "bays": ("Miejsca z czujnikiem", "Bays with a sensor"),
    "passages": ("Ostatnie przejazdy", "Last passages"),
    "no_passages": ("Jeszcze żadnych.", "None yet."),
    "time": ("Czas", "Time"),
    "what": ("Co", "What"),
    "notes": ("Uwagi", "Notes"),
    "inputs": ("Wejścia", "Inputs"),
    "broker": ("Broker MQTT", "MQTT broker"),
    "connected": ("połączony", "connected"),
    "disconnected": ("brak połączenia", "not connected"),
    "reconnects": ("ponownych połączeń: {n}", "reconnections: {n}"),
    "messages": ("Wiadomości z czujników", "Sensor messages"),
    "accepted": ("przyjęte: {n}", "accepted: {n}"),
    "no_level": ("bez stanu: {n}", "without a level: {n}"),
    "unknown_topics": ("Nieznane tematy", "Unknown topics"),
    "unknown_topics_todo": (
        "Wiadomości, których nie słucha żaden czujnik z pliku obiektu: popraw temat w pliku albo w czujniku.",
        "Messages that no sensor of the site file listens to: mend the topic in the file or in the sensor.",
    ),
    "malformed_topics": ("Nieczytelne wiadomości", "Unreadable messages"),
    "malformed_topics_todo": (
        "Wiadomości w innym formacie niż podany: popraw format w pliku obiektu.",
        "Messages in another format than declared: mend the format in the site file.",
    ),
    "topic": ("Temat", "Topic"),
    "times": ("Ile razy", "Times"),
    "technical": ("komunikat techniczny", "technical message"),
    "last_error": ("Ostatni błąd", "Last error"),
    "pins": ("Wejścia GPIO", "GPIO pins"),
    "pins_errors": ("błędów: {n}", "errors: {n}"),
    "journal": ("Dziennik", "Journal"),
    "journal_size": ("{n} zdarzeń, {mb} MB", "{n} inputs, {mb} MB"),
    "version": ("Wersja", "Version"),
    # Correction
    "zone": ("Strefa", "Zone"),
    "vehicles_inside": ("Pojazdów w środku", "Vehicles inside"),
    "reason": ("Powód", "Reason"),
    "correct": ("Zapisz liczbę", "Set the number"),
    "close_zone": ("Zamknij strefę", "Close the zone"),
    "open_zone": ("Otwórz strefę", "Open the zone"),
    "saved": ("Zapisane.", "Done."),
    "sending": ("Zapisywanie…", "Sending…"),
    "failed": ("Nie zapisano: {why}", "Not done: {why}"),
    "no_connection": ("brak łączności z serwerem", "no connection to the server"),
}

_TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "status": {
        "OPEN": ("otwarte", "open"),
        "NEARLY_FULL": ("prawie pełno", "nearly full"),
        "FULL": ("pełno", "full"),
        "CLOSED": ("zamknięte", "closed"),
        "UNKNOWN": ("nie wiadomo", "not known"),
    },
    "why_zone": {
        "counted": ("Liczone z przejazdów.", "Counted from passages."),
        "bays": ("Liczone z czujników miejsc.", "Counted by the bay sensors."),
        "hysteresis": (
            "Zwolniło się kilka miejsc, ale jeszcze za mało, aby znów pokazać liczbę.",
            "A few spaces came free, but not yet enough to show a number again.",
        ),
        "closed_by_staff": ("Zamknięte przez obsługę.", "Closed by staff."),
        "never_counted": (
            "Stan początkowy nie jest znany. Policz pojazdy i wpisz korektę.",
            "Where the count starts is not known. Count the vehicles and correct.",
        ),
        "was_down": (
            "Sterownik był wyłączony zbyt długo. Policz pojazdy i wpisz korektę.",
            "The controller was off for too long. Count the vehicles and correct.",
        ),
        "detector_fault": (
            "Usterka czujnika: liczbie nie można ufać. Usuń usterkę, potem wpisz korektę.",
            "A detector is at fault: the number can't be trusted. Mend it, then correct.",
        ),
        "drift": (
            "Dawno nikt nie liczył, a przejazdy mówią za mało. Policz pojazdy i wpisz korektę.",
            "Nobody counted for long, and passages tell too little. Count the vehicles and correct.",
        ),
        "bays_silent": (
            "Zbyt wiele czujników miejsc milczy. Sprawdź baterie i bramkę radiową.",
            "Too many bay sensors are silent. Check batteries and the radio gateway.",
        ),
        "nothing_counts": (
            "Żaden czujnik strefy nie działa, tablica jest wygaszona. Wezwij serwis.",
            "No detector of the zone works, the sign is blank. Call maintenance.",
        ),
        "not_written": (
            "Sterownik nie może zapisać dziennika. Sprawdź miejsce na karcie i samą kartę.",
            "The controller can't write its journal. Check the room on its card, and the card.",
        ),
        "staff_message": (
            "Tablica pokazuje komunikat obsługi, aż minie jego czas albo ktoś go zdejmie.",
            "The sign shows staff's own message until its time is over or somebody takes it off.",
        ),
        "out_of_hours": (
            "Poza godzinami otwarcia z pliku obiektu tablica mówi, że parking jest nieczynny.",
            "Outside the opening hours of the site file the sign says closed.",
        ),
        "sign_test": (
            "Ktoś sprawdza tablicę; za chwilę wróci zwykłe wskazanie.",
            "Somebody tests the sign; its usual comes back in a moment.",
        ),
        "not_live": (
            "Proces liczący nie odpowiada, liczba nie jest znana.",
            "The counting process is silent, the number is not known.",
        ),
    },
    # How the sign process and ``status`` begin to say why a panel is dark; what follows is kept.
    "why_dark": {
        "nothing has come from count yet": ("proces liczący jeszcze nic nie podał", "the count has told nothing yet"),
        "nothing fresh came from count": ("proces liczący nie odpowiada", "the counting process is silent"),
        "count does not speak of this sign": (
            "proces liczący nie zna tej tablicy",
            "the count does not know this sign",
        ),
        "the sign is told to be dark": ("na polecenie procesu liczącego", "the count wants it dark"),
        "the panel failed": ("awaria panelu", "the panel failed"),
        "not reached over MQTT": ("brak łączności z tablicą przez MQTT", "not reached over MQTT"),
        "the sign process has ended": ("proces tablicy zakończył pracę", "the sign process has ended"),
        "the sign process has told nothing yet": ("proces tablicy nie działa", "the sign process is not running"),
        "the sign process stopped telling": ("proces tablicy nie odpowiada", "the sign process is silent"),
    },
    # What a technical message in English has in it -> what that means (the one that comes first); it follows itself.
    "trouble": {
        "connection was lost": (
            "połączenie zostało przerwane; sprawdź sieć i czy inny program nie używa tego samego client_id",
            "the connection was lost",
        ),
        "does not answer in MQTT": ("pod tym adresem nie odpowiada broker MQTT", "no MQTT broker answers there"),
        "refuses us": ("broker nas nie wpuszcza", "the broker refuses us"),
        "refuses the user": ("broker odrzuca użytkownika lub hasło", "the broker refuses the user or the password"),
        "certificate": ("certyfikat nie jest zaufany", "the certificate is not trusted"),
        "TLS failed": ("szyfrowane połączenie (TLS) się nie udało", "TLS failed"),
        "name is not known": ("nazwa hosta nie jest znana; sprawdź adres i sieć", "the host name is not known"),
        "nothing listens there": ("nic tam nie słucha; uruchom brokera lub popraw adres", "nothing listens there"),
        "can't connect": ("nie można się połączyć; sprawdź sieć", "can't connect"),
        "nothing answers there": ("nic tam nie odpowiada; sprawdź adres i sieć", "nothing answers there"),
        "no answer within": ("brak odpowiedzi na czas", "no answer in time"),
        "connection broke": ("połączenie przerwano przed odpowiedzią", "the connection broke before the answer"),
        "own network": (
            "to nie jest adres w sieci lokalnej; popraw local w site.toml",
            "no address of the local network",
        ),
        "is no public one": ("to nie jest adres publiczny; popraw local w site.toml", "no public address"),
        "no address": ("ta nazwa nie ma adresu", "this name has no address"),
        "answered": ("odbiorca nie przyjął wiadomości", "the receiver did not take the message"),
        "secret": ("brak sekretu do podpisu lub jest on zły", "the secret for the signature is missing or wrong"),
        "refuses to send": ("broker nie pozwala na subskrypcję tematów", "the broker does not let us subscribe"),
    },
    "role": {
        "outer": ("pętla zewnętrzna", "outer loop"),
        "inner": ("pętla wewnętrzna", "inner loop"),
        "loop": ("pętla", "loop"),
        "barrier": ("styk szlabanu", "barrier contact"),
        "bay": ("czujnik miejsca", "bay sensor"),
    },
    "direction": {
        "entry": ("wjazd", "entry"),
        "exit": ("wyjazd", "exit"),
        "both": ("wjazd i wyjazd", "entry and exit"),
    },
    "level_of": {
        "free": ("wolna", "clear"),
        "occupied": ("zajęta", "occupied"),
        "down": ("opuszczony", "down"),
        "up": ("podniesiony", "up"),
        "unknown": ("nie wiadomo", "not known"),
    },
    "bay_level": {
        "free": ("wolne", "free"),
        "occupied": ("zajęte", "taken"),
        "unknown": ("nie wiadomo", "not known"),
    },
    "fault_short": {
        "stuck": ("zablokowany stan", "stuck"),
        "chatter": ("drgania styku", "chatter"),
        "silent": ("milczy", "silent"),
        "reversed": ("zamienione pętle", "loops swapped"),
        "battery": ("słaba bateria", "battery low"),
        "not_written": ("nie można zapisać", "can't be written"),
        "unreadable": ("brak odczytu", "can't be read"),
    },
    "fault_what": {
        "stuck": (
            "stan „zajęte” trwa bez przerwy od {time} ({age}).",
            "occupied without a break since {time} ({age}).",
        ),
        "chatter": (
            "stan zmienia się zbyt często od {time} ({age}).",
            "changes far too often since {time} ({age}).",
        ),
        "silent": ("brak wiadomości od {time} ({age}).", "no message since {time} ({age})."),
        "reversed": (
            "od {time} ({age}) wszystkie pojazdy jadą pod prąd.",
            "all vehicles go the wrong way since {time} ({age}).",
        ),
        "battery": ("słaba bateria od {time} ({age}).", "its battery is low since {time} ({age})."),
        "not_written": ("nie można zapisać od {time} ({age}).", "can't be written since {time} ({age})."),
        "unreadable": (
            "wejścia sterownika nie można odczytać od {time} ({age}).",
            "the controller's input can't be read since {time} ({age}).",
        ),
    },
    "fault_todo": {
        "stuck": (
            "Sprawdź, czy nie stoi tam pojazd lub metalowy przedmiot. Jeśli nie, zresetuj detektor pętli.",
            "See whether a vehicle or metal stands there. If not, reset the loop detector.",
        ),
        "chatter": (
            "Sprawdź zaciski i przewód: to zwykle luźny styk albo uszkodzona pętla.",
            "Check terminals and cable: it is usually a loose contact or a damaged loop.",
        ),
        "silent": (
            "Sprawdź baterię lub zasilanie czujnika oraz zasięg bramki.",
            "Check the sensor's battery or supply and whether the gateway reaches it.",
        ),
        "reversed": (
            "Jeśli jadą dobrze, pętle są zamienione: zamień ich przewody lub outer i inner w pliku; potem przelicz.",
            "If they drive as they should, swap the two loops' wires, or outer and inner in the file; then recount.",
        ),
        "battery": (
            "Wymień baterię czujnika; na razie działa.",
            "Change the sensor's battery; it still works.",
        ),
        "not_written": (
            "Zwolnij miejsce na karcie pamięci albo ją wymień; po zapisaniu liczba wróci sama.",
            "Free some room on the memory card, or replace it; the number comes back by itself.",
        ),
        "unreadable": (
            "Sprawdź układ wejść (GPIO) sterownika i jego przewody; potem dziennik usługi parking-count.",
            "Check the controller's input (GPIO) board and its cables; then the log of parking-count.",
        ),
    },
    "passage": {
        "entry": ("wjazd", "entry"),
        "exit": ("wyjazd", "exit"),
        "back_out": ("wycofanie", "backed out"),
        "touch": ("jedna pętla", "one loop alone"),
    },
    "advice": {
        "outer_misses": (
            "Pętla zewnętrzna nie widzi {outer} % pojazdów: sprawdź czułość, przewód i położenie.",
            "The outer loop misses {outer} % of the vehicles: check its sensitivity, its cable and its place.",
        ),
        "inner_misses": (
            "Pętla wewnętrzna nie widzi {inner} % pojazdów: sprawdź czułość, przewód i położenie.",
            "The inner loop misses {inner} % of the vehicles: check its sensitivity, its cable and its place.",
        ),
        "loses_edges": (
            "Giną zmiany stanu ({lost} na 100 pojazdów): sprawdź styki, przewody i zasilanie.",
            "Changes of level get lost ({lost} for 100 vehicles): check contacts, wiring and supply.",
        ),
        "ghosts": (
            "Na 100 pojazdów {ghosts} razy zadziałała tylko jedna pętla: odsuń pieszych i wózki.",
            "For 100 vehicles one loop alone tripped {ghosts} times: keep people and trolleys off it.",
        ),
        "doubt": (
            "Wiele przejazdów jest niejasnych. Większy odstęp pętli lub styk szlabanu: ±{then} zamiast ±{drift}.",
            "Many passages are unclear. A wider gap or a barrier contact: ±{then} instead of ±{drift}.",
        ),
    },
    "passage_note": {
        "tailgating": ("tuż za poprzednim", "tailgating"),
        "wrong_way": ("pod prąd", "wrong way"),
        "doubt": ("niejasne: {doubt}", "unclear: {doubt}"),
    },
}


@cache
def words(language: Language) -> dict[str, Any]:
    """Return every phrase in this language: phrases by name, and tables (status, role, ...) of them."""
    column = 1 if language == "en" else 0
    parts = (words_staff, words_alarms, words_correct, words_why, words_history)
    phrases, all_tables = _WORDS.copy(), _TABLES.copy()
    for part in parts:
        phrases |= part.WORDS
        all_tables |= part.TABLES
    plain: dict[str, Any] = {name: both[column] for name, both in phrases.items()}
    tables = {name: {key: both[column] for key, both in table.items()} for name, table in all_tables.items()}
    return plain | tables
