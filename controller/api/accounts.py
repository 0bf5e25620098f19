"""Who may do what: users with passwords for people, tokens for other systems, and the sessions of browsers.

One SQLite file, ``staff.sqlite``, that the web process alone reads; the command line makes and revokes accounts there.
Passwords are slow to hash (argon2id, the parameters that OWASP recommends), since people choose them. A token is 256
random bits, which nobody guesses however fast the hash is, so its argon2 is as cheap as argon2 gets, to run at every
request. A session's cookie is as random, lives for half a day without use, and only its SHA-256 is kept. Everything is
compared in constant time. Times are Unix seconds.
"""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from controller.api.private_file import PrivateFile, on_record

FILE_NAME = "staff.sqlite"
MIN_PASSWORD = 10
"""Characters, at least; NIST SP 800-63B wants 8, and wants length rather than kinds of characters."""
MIN_TOKEN = 32
MAX_NAME = 40
IDLE_S, LONGEST_S = 12 * 3600.0, 14 * 86_400.0
"""How long a session lives without use, and at most."""
SEEN_EVERY_S = 60.0
"""The last use is written down at most this often: an SD card wears out."""
SHELL = "command line"
"""Who makes accounts, where nothing more is known of it."""

_PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_TOKENS = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_NOBODY = _PASSWORDS.hash(secrets.token_urlsafe(16))
"""What an unknown name's password is compared with, so that an answer's time does not tell who exists."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, made REAL NOT NULL,
    used REAL, revoked REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS token (id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL,
    made REAL NOT NULL, used REAL, revoked REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, user TEXT NOT NULL, made REAL NOT NULL, used REAL NOT NULL)
    WITHOUT ROWID;
"""


class Role(StrEnum):
    """What somebody may do; each may also do what those before it may."""

    VIEWER = "viewer"
    """Look at everything."""
    ATTENDANT = "attendant"
    """Correct, recount, close and open, deal with incidents."""
    MANAGER = "manager"
    """Take bays out of service, write on signs, test them."""

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what ``needed`` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who proved who it is."""

    name: str
    role: Role
    kind: str
    """``user`` or ``token``."""

    @property
    def by(self) -> str:
        """How the audit trail names it."""
        return self.name if self.kind == "user" else f"token {self.name}"


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the list of users and tokens."""

    kind: str
    name: str
    role: Role
    made: float
    used: float | None
    revoked: float | None


class AccountError(ValueError):
    """An account that can't be made or found; says why and what to do."""


class Accounts(PrivateFile):
    """The file; raises OSError when it can't be opened. ``by`` is who changes an account, for the audit trail."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / FILE_NAME, _SCHEMA, keep=True)

    def key(self, name: str) -> bytes:
        """Return a random key that stays the same over restarts."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO secret VALUES (?, ?)", (name, secrets.token_bytes(32)))
            return bytes(db.execute("SELECT value FROM secret WHERE name = ?", (name,)).fetchone()[0])

    # Users

    def set_user(self, name: str, password: str, role: Role, now: float, *, by: str = SHELL) -> None:
        """Make a user, or give one another password and role; ends the user's sessions. Raises AccountError."""
        _check_name("user", name)
        if len(password) < MIN_PASSWORD:
            raise AccountError(f"the password has {len(password)} characters: write at least {MIN_PASSWORD}")
        hashed = _PASSWORDS.hash(password)
        with self.transaction() as db:
            had = db.execute("SELECT role FROM user WHERE name = ? AND revoked IS NULL", (name,)).fetchone()
            on_record(db, now, by, f"user {name}: role [password set] = {role}", before=had[0] if had else "")
            db.execute(
                "INSERT INTO user (name, role, password, made) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                " role = excluded.role, password = excluded.password, revoked = NULL",
                (name, role.value, hashed, now),
            )
            db.execute("DELETE FROM session WHERE user = ?", (name,))

    def check_password(self, name: str, password: str, now: float) -> Who | None:
        """Return who it is, or None; takes as long for a name that nobody has."""
        found = self.read("SELECT role, password FROM user WHERE name = ? AND revoked IS NULL", name)
        hashed = str(found[0][1]) if found else _NOBODY
        if not _matches(_PASSWORDS, hashed, password) or not found:
            return None
        with self.transaction() as db:
            db.execute("UPDATE user SET used = ? WHERE name = ?", (now, name))
        return Who(name, Role(str(found[0][0])), "user")

    # Tokens

    def make_token(self, name: str, role: Role, now: float, *, by: str = SHELL) -> str:
        """Make a token for one system and return it, this once; raises AccountError when the name is in use."""
        token = secrets.token_urlsafe(32)
        _check_name("token", name)
        if self.read("SELECT 1 FROM token WHERE name = ? AND revoked IS NULL", name):
            raise AccountError(f"token {name!r} is there already: revoke it first, or choose another name")
        self._add_token(token, name, role, now, by)
        return token

    def take_over(self, path: Path, now: float) -> bool:
        """Let a token file of an earlier version go on working, once; whether it was taken now.

        Raises ValueError when it holds nothing worth the name. A token that was revoked stays so.
        """
        try:
            token = path.read_text("utf-8").strip()
        except FileNotFoundError:
            return False
        if len(token) < MIN_TOKEN:
            raise ValueError(f"{path}: shorter than {MIN_TOKEN} characters; delete it")
        if self.read("SELECT 1 FROM token WHERE id = ?", _id(token)):
            return False
        self._add_token(token, path.name, Role.MANAGER, now, "upgrade")
        return True

    def _add_token(self, token: str, name: str, role: Role, now: float, by: str) -> None:
        with self.transaction() as db:
            on_record(db, now, by, f"token {name}: role = {role}")
            db.execute(
                "INSERT INTO token (id, name, role, hash, made) VALUES (?, ?, ?, ?, ?)",
                (_id(token), name, role.value, _TOKENS.hash(token), now),
            )

    def check_token(self, token: str, now: float) -> Who | None:
        """Return which system it is, or None."""
        found = self.read("SELECT name, role, hash, used FROM token WHERE id = ? AND revoked IS NULL", _id(token))
        if not found or not _matches(_TOKENS, str(found[0][2]), token):
            return None
        name, role, _, used = found[0]
        if used is None or now - float(str(used)) > SEEN_EVERY_S:
            with self.transaction() as db:
                db.execute("UPDATE token SET used = ? WHERE id = ?", (now, _id(token)))
        return Who(str(name), Role(str(role)), "token")

    # Sessions

    def begin_session(self, who: Who, now: float) -> str:
        """Begin one and return its cookie."""
        cookie = secrets.token_urlsafe(32)
        with self.transaction() as db:
            db.execute("DELETE FROM session WHERE used < ? OR made < ?", (now - IDLE_S, now - LONGEST_S))
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (_digest(cookie), who.name, now, now))
        return cookie

    def check_session(self, cookie: str, now: float) -> Who | None:
        """Return whose session it is, or None when it is over."""
        found = self.read(
            "SELECT s.user, u.role, s.made, s.used FROM session s JOIN user u ON u.name = s.user"
            " WHERE s.id = ? AND u.revoked IS NULL",
            _digest(cookie),
        )
        if not found:
            return None
        name, role, made, used = found[0]
        if now - float(str(used)) > IDLE_S or now - float(str(made)) > LONGEST_S:
            return None
        if now - float(str(used)) > SEEN_EVERY_S:
            with self.transaction() as db:
                db.execute("UPDATE session SET used = ? WHERE id = ?", (now, _digest(cookie)))
                db.execute("UPDATE user SET used = ? WHERE name = ?", (now, name))
        return Who(str(name), Role(str(role)), "user")

    def end_session(self, cookie: str) -> None:
        """End one."""
        with self.transaction() as db:
            db.execute("DELETE FROM session WHERE id = ?", (_digest(cookie),))

    # Both

    def accounts(self) -> list[Account]:
        """Return all users and tokens, revoked ones too."""
        rows = self.read(
            "SELECT 'user', name, role, made, used, revoked FROM user"
            " UNION ALL SELECT 'token', name, role, made, used, revoked FROM token ORDER BY 1 DESC, 4"
        )
        return [Account(str(k), str(n), Role(str(r)), *map(_time, (m, u, x))) for k, n, r, m, u, x in rows]  # type: ignore[arg-type]

    def revoke(self, kind: str, name: str, now: float, *, by: str = SHELL) -> None:
        """Take an account's rights away at once; raises AccountError when there is none."""
        table = {"user": "user", "token": "token"}[kind]
        with self.transaction() as db:
            sql = f"UPDATE {table} SET revoked = ? WHERE name = ? AND revoked IS NULL RETURNING role"  # noqa: S608  one of two words
            had = db.execute(sql, (now, name)).fetchall()
            if not had:
                raise AccountError(f"no {kind} is named {name!r}; `parking-controller access list` tells who there is")
            on_record(db, now, by, f"{kind} {name}: revoked", before=had[0][0])
            if kind == "user":
                db.execute("DELETE FROM session WHERE user = ?", (name,))


def _check_name(kind: str, name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise AccountError(f"{kind} {name!r}: write 1 to {MAX_NAME} printable characters")


def _matches(hasher: PasswordHasher, hashed: str, secret: str) -> bool:
    try:
        return hasher.verify(hashed, secret)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _id(token: str) -> str:
    """Return where to look for a token: 64 bits of its digest, which tell nothing of the 256 that it has."""
    return _digest(token)[:16]


def _time(value: object) -> float | None:
    return None if value is None else float(str(value))
