"""What the staff pages say beyond the live picture, in Polish and English; ``words`` joins it to its own."""

WORDS: dict[str, tuple[str, str]] = {
    # Tabs
    "tab_now": ("Teraz", "Now"),
    "tab_correct": ("Popraw", "Correct"),
    "tab_audit": ("Zmiany", "Changes"),
    "log_in": ("Logowanie", "Log in"),
    "log_out": ("Wyloguj", "Log out"),
    "user_name": ("Nazwa użytkownika", "User name"),
    "password": ("Hasło", "Password"),
    "login_wrong": ("Nazwa lub hasło są błędne.", "The name or the password is wrong."),
    "login_wait": (
        "Zbyt wiele błędnych prób. Odczekaj minutę albo zaloguj się na urządzeniu, na którym robisz to zwykle.",
        "Too many wrong attempts. Wait a minute, or log in on the device that you usually use.",
    ),
    "login_hint": (
        "Konta zakłada zarządca: parking-controller access user NAZWA --role attendant",
        "The manager makes accounts: parking-controller access user NAME --role attendant",
    ),
    "role_needed": ("Twoja rola na to nie pozwala.", "Your role does not allow this."),
}

TABLES: dict[str, dict[str, tuple[str, str]]] = {
    "role_of": {
        "viewer": ("podgląd", "viewer"),
        "attendant": ("obsługa", "attendant"),
        "manager": ("zarządca", "manager"),
    },
}
