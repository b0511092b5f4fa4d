"""PostgreSQL hands out ids before the commit: what commits late must still come under a seal."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction

from audit.actions import PORTAL, record
from audit.sealing import seal_next
from audit.verification import verify

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_entry_of_a_transaction_that_was_open_while_others_were_sealed(tmp_path: Path, settings: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer: ids come in the order of commits")
    settings.PORTAL_HOME = tmp_path
    written, sealed = threading.Event(), threading.Event()
    late: list[int] = []

    def slow() -> None:
        try:
            with transaction.atomic():
                late.append(record("session:ended", by=PORTAL, reason="slow"))
                written.set()
                sealed.wait(10)
        finally:
            connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(10)
    with transaction.atomic():
        quick = record("session:ended", by=PORTAL, reason="quick")
    first = seal_next()
    sealed.set()
    thread.join()
    assert first is not None
    assert quick > late[0]
    assert first.last_entry == quick
    assert first.missing[-1][1] == late[0]
    second = seal_next()
    assert second is not None
    assert second.late == late
    assert verify().ok
