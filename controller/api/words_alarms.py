"""What the page of alarms and webhooks says, in Polish and English; ``words`` joins it to its own."""

WORDS: dict[str, tuple[str, str]] = {
    "session_over": ("Sesja wygasła. Zaloguj się ponownie.", "The session is over. Log in again."),
    "tab_alarms": ("Alarmy", "Alarms"),
    "alarms_none": (
        "Plik site.toml nie wymienia nikogo, kto ma dostawać alarmy.",
        "The site file names nobody who is to get alarms.",
    ),
    "alarms_about": ("O czym", "About"),
    "alarms_quiet": ("Cisza", "Quiet"),
    "alarms_never_quiet": ("nigdy", "never"),
    "alarms_after": ("Po", "After"),
    "alarms_again": ("nie częściej niż co {min} min", "at most every {min} min"),
    "alarms_try_to": ("Wyślij próbny alarm do: {to}", "Send a test alarm to: {to}"),
    "alarms_tried": ("Wysłano do: {to}. Sprawdź, czy doszło.", "Sent to: {to}. Check that it arrived."),
    "alarms_trail": ("Kto próbował", "Who tried"),
    "alarms_failed": ("Nie doszło: {why}", "It did not arrive: {why}"),
    "webhooks": ("Webhooki", "Webhooks"),
    "webhooks_none": (
        "Plik site.toml nie wymienia żadnego systemu, który ma dostawać wiadomości.",
        "The site file names no system that is to get messages.",
    ),
    "webhook_target": ("Dokąd", "Where to"),
    "webhook_waiting": ("Czeka", "Waiting"),
    "webhook_dead": ("Porzucone", "Given up"),
    "webhook_taken_at": ("Ostatnio odebrane", "Last taken"),
    "webhook_never": ("nigdy", "never"),
    "webhook_retry": ("Wyślij porzucone ponownie", "Send again what was given up"),
    "webhook_try_it": ("Wyślij próbną wiadomość do: {to}", "Send a test message to: {to}"),
    "webhook_again": ("Ponownie wysyłane: {n}.", "Being sent again: {n}."),
}

TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "alarm_kind": {
        "full": ("brak wolnych miejsc", "no free spaces"),
        "uncertain": ("liczba nieznana", "number not known"),
        "detector_fault": ("usterka czujnika", "detector at fault"),
        "sign_dark": ("tablica nie świeci", "sign dark"),
        "drift": ("licznik przejazdów odbiega", "count of passages off"),
        "feedback": ("zgłoszenie", "feedback"),
    },
}
