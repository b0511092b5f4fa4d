"""Bearer tokens as the demo platform sees them: looked up in the identity provider's own store at every request."""

from __future__ import annotations

import datetime
import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is good now: whose it is and what it may do."""

    client: str
    scopes: frozenset[str]


QUERY = """
    SELECT application.client_id, token.scope, token.expires
    FROM oauth2_provider_accesstoken AS token
    JOIN oauth2_provider_application AS application ON application.id = token.application_id
    WHERE token.token_checksum = ?
"""


class TokenStore:
    """Reads the provider's SQLite file, so that a revoked token is refused by the very next request."""

    def __init__(self, database: Path) -> None:
        self._address = f"{database.as_uri()}?mode=ro"
        self._connection: sqlite3.Connection | None = None

    def find(self, value: str) -> Token | None:
        """The token behind ``value``, or None when it is unknown, revoked or expired."""
        if self._connection is None:
            self._connection = sqlite3.connect(self._address, uri=True, timeout=5)
        row = self._connection.execute(QUERY, (hashlib.sha256(value.encode()).hexdigest(),)).fetchone()
        if row is None:
            return None
        client, scope, expires = row
        if datetime.datetime.fromisoformat(expires).replace(tzinfo=datetime.UTC) <= datetime.datetime.now(datetime.UTC):
            return None
        return Token(client, frozenset(scope.split()))
