"""While the database takes no writes: who reads goes on reading, who writes is told so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import RequestFactory
from django.utils import timezone

from identity import actions
from portal.statements import impatient
from portal.web.problem import rest_exception_handler, server_error

pytestmark = pytest.mark.django_db


def problem(response: Any) -> tuple[int, str, str]:
    return response.status_code, json.loads(response.content)["code"], response["Retry-After"]


def test_a_database_that_is_away_is_503_in_the_api() -> None:
    assert problem(rest_exception_handler(OperationalError("database is locked"), {})) == (503, "database_unavailable", "2")


def test_and_where_no_view_was_reached() -> None:
    request = RequestFactory().get("/api/v1/apis")
    try:
        raise OperationalError("database is locked")
    except OperationalError:
        answer = server_error(request)
    assert problem(answer) == (503, "database_unavailable", "2")
    assert server_error(request).status_code == 500  # a bug stays one


def test_a_method_an_address_does_not_take_is_a_problem_document(client: Any) -> None:
    answer = client.post("/health/live")
    assert (answer.status_code, answer["Content-Type"], answer["Allow"]) == (405, "application/problem+json", "GET, HEAD")
    assert json.loads(answer.content)["code"] == "method_not_allowed"


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr("django.db.models.query.QuerySet.update", refuse)
        yield


def test_who_only_reads_is_not_kept_by_a_note_of_their_use(owner: Any, locked: None) -> None:
    caller = replace(owner.caller, last_seen_at=timezone.now() - timedelta(hours=1))
    actions.note_use(caller=caller)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's readers and writers do not wait for each other")
def test_an_impatient_write_gives_up_at_once_and_patience_comes_back() -> None:
    def patience() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            return int(cursor.fetchone()[0])

    before, started = patience(), time.monotonic()
    with impatient(50):
        assert patience() == 50
    assert patience() == before
    assert time.monotonic() - started < 1
