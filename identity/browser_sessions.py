"""The sessions of browsers (``SESSION_ENGINE``), found by a hash: who reads the table has nobody's cookie."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone


def row_of(session_key: str) -> str:
    """What a session is kept under: 160 bits of the hash of its key. The key itself is random, so nothing can be guessed from it."""
    return hashlib.sha256(session_key.encode("utf-8", "surrogatepass")).hexdigest()[:40]


class SessionStore(db.SessionStore):
    """Django's sessions in the database, less the keys that open them."""

    def _get_session_from_db(self) -> Session | None:
        found = Session.objects.filter(session_key=row_of(str(self.session_key)), expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(row_of(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = row_of(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(row_of(key))
