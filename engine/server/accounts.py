"""The users of a server: who has an account, and whose a token is. Of a token only a salted hash is kept."""

import hashlib
import hmac
import os
import re
import secrets
import sqlite3
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from engine.queue.schema import StoreError, unusable

DATABASE = "accounts.db"
_LONGEST_NAME = 100  # characters
_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    is_admin INTEGER NOT NULL,
    created REAL NOT NULL,
    key TEXT NOT NULL UNIQUE,            -- the part of the token by which it is looked up; it proves nothing
    salt BLOB NOT NULL,
    hash BLOB NOT NULL                   -- of the salt and the secret part, 256 random bits
) WITHOUT ROWID;
"""
_COLUMNS = "id, name, is_admin, created, key"


class NoAccount(ValueError):
    """An account cannot be made, or is not there; the text says why."""


@dataclass(frozen=True)
class Account:
    """One user. The id also names the user's folders."""

    id: str
    name: str
    is_admin: bool
    created: float
    key: str  # changes with the token


class Accounts:
    """A file of accounts. What one process changes, a server that has the file open sees at once."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, for its owner's eyes alone. Raises StoreError."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            self._db.executescript(_TABLES)
        except sqlite3.Error as error:
            raise unusable(path, error) from error
        except OSError as error:
            raise StoreError(f"{path} cannot be used: {error.strerror}") from error

    def close(self) -> None:
        self._db.close()

    def all(self) -> list[Account]:
        """Every account, the oldest first."""
        return self._found("ORDER BY created, id")

    def add(self, name: str, *, is_admin: bool = False) -> tuple[Account, str]:
        """Make an account; the first of all is an administrator's. Gives its token, which is kept nowhere.

        Raises NoAccount.
        """
        name = name.strip()
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise NoAccount(f"a user's name has 1 to {_LONGEST_NAME} printable characters, not {name[:40]!r}")
        id = f"{re.sub('[^A-Za-z0-9_-]', '-', name)}_{uuid.uuid4()}"
        token, *kept = _new_token()
        is_first = "NOT EXISTS (SELECT 1 FROM accounts)"
        try:
            self._change(
                f"INSERT INTO accounts VALUES (?, ?, ? OR {is_first}, ?, ?, ?, ?)",
                *(id, name, is_admin, time.time(), *kept),
            )
        except sqlite3.IntegrityError as error:
            raise NoAccount(f"a user called {name!r} exists: take another name") from error
        return self.require(id), token

    def renew(self, name: str) -> str:
        """A new token in place of the old one, which is worth nothing from then on. Raises NoAccount."""
        token, *kept = _new_token()
        self._change("UPDATE accounts SET key = ?, salt = ?, hash = ? WHERE id = ?", *kept, self.require(name).id)
        return token

    def remove(self, name: str) -> Account:
        """Delete an account. Raises NoAccount."""
        account = self.require(name)
        self._change("DELETE FROM accounts WHERE id = ?", account.id)
        return account

    def require(self, name: str) -> Account:
        """The account of this name, or id. Raises NoAccount."""
        found = self._found("WHERE id = ? OR name = ?", name, name)
        if not found:
            known = ", ".join(each.name for each in self.all()) or "nobody"
            raise NoAccount(f"no user is called {name[:40]!r}; there are: {known}")
        return found[0]

    def of_token(self, token: str) -> Account | None:
        """Whose token this is. It takes as long for a wrong secret as for a right one."""
        key, _, secret = token.partition(".")
        wanted = "SELECT salt, hash FROM accounts WHERE key = ?"
        row = self._db.execute(wanted, (key,)).fetchone() or (b"", bytes(32))
        if not hmac.compare_digest(_hash(row[0], secret), row[1]):
            return None
        return next(iter(self._found("WHERE key = ?", key)), None)

    def is_current(self, key: str) -> bool:
        """Whether the token with this key is still good."""
        return bool(self._found("WHERE key = ?", key))

    def _found(self, where: str, *values: str) -> list[Account]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM accounts {where}", values)
        return [Account(id, name, bool(admin), created, key) for id, name, admin, created, key in rows]

    def _change(self, statement: str, *values: object) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise unusable(self._path, error) from error


def _new_token() -> tuple[str, str, bytes, bytes]:
    """A token, and what is kept of it: key, salt and hash."""
    key, secret, salt = secrets.token_hex(8), secrets.token_urlsafe(32), secrets.token_bytes(16)
    return f"{key}.{secret}", key, salt, _hash(salt, secret)


def _hash(salt: bytes, secret: str) -> bytes:
    # The secret is random through and through, so that a slow hash would add nothing.
    return hashlib.sha256(salt + secret.encode("utf-8", "replace")).digest()
