"""What the hot path runs agrees with the ORM, on whichever database the tests run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.models import Call
from identity import selectors
from identity.models import AccessKey, Account, SsoSession
from portal.statements import FirstRow, Rows, json_text

pytestmark = pytest.mark.django_db

NOW = datetime(2031, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)


def sign_in(session_key: str = "abcdefgh12345678", **fields: Any) -> SsoSession:
    account = Account.objects.create(issuer="i", subject=session_key, username=session_key, name="Ada", email="ada@example.org")
    return SsoSession.objects.create(
        account=account, issuer="i", subject=session_key, session_key=session_key, groups=["a", "ß"], expires_at=NOW, **fields
    )


def call(**fields: Any) -> dict[str, Any]:
    known = {
        "id": uuid4(),
        "at": NOW,
        "request_id": "r",
        "environment": "e",
        "api": "a",
        "method": "GET",
        "path": "/ä?100%s",
        "state": "sent",
    }
    return known | fields


def test_the_row_of_a_key_is_the_row_the_orm_reads() -> None:
    session = sign_in()
    AccessKey.objects.create(session=session, name="k", prefix="p", key_hash="h" * 64, last_used_at=NOW)
    asked = AccessKey.objects.filter(key_hash="h" * 64, revoked_at=None).values_list(*selectors._OF_KEY)
    assert selectors._key_row.get("h" * 64) == asked.first()
    assert asked.first() is not None


def test_the_row_of_a_cookie_is_the_row_the_orm_reads() -> None:
    sign_in(ended_at=NOW)
    live = sign_in("abcdefgh87654321")
    asked = SsoSession.objects.filter(session_key=live.session_key, ended_at=None).values_list(*selectors._OF_COOKIE)
    assert selectors._cookie_row.get(live.session_key) == asked.first()
    assert selectors._cookie_row.get("abcdefgh12345678") is None


def test_a_revoked_key_and_an_unknown_one_have_no_row() -> None:
    AccessKey.objects.create(session=sign_in(), name="k", prefix="p", key_hash="h" * 64, revoked_at=NOW)
    assert selectors._key_row.get("h" * 64) is None
    assert selectors._key_row.get("%s' OR 1=1 --") is None


def test_a_query_that_does_not_use_its_value_is_a_bug() -> None:
    with pytest.raises(ValueError, match="exactly once"):
        FirstRow(lambda value: Account.objects.values_list("id")).get("x")


def test_an_inserted_row_reads_as_the_same_row_of_the_orm() -> None:
    account = sign_in().account
    values = call(account_id=account.pk, session=uuid4(), mocked=True, request_findings=[{"got": 10**30, "text": "ä"}], timings={"a": 1.5})
    ours, theirs = values | {"id": UUID(int=1)}, values | {"id": UUID(int=2)}
    assert Rows(Call).insert(ours) is not None
    Call.objects.create(**theirs)
    first, second = (dict(Call.objects.filter(pk=UUID(int=number)).values().get()) for number in (1, 2))
    assert first | {"id": None} == second | {"id": None}


def test_an_update_changes_what_is_named_and_nothing_else() -> None:
    rows = Rows(Call)
    mine, other = call(), call()
    rows.insert(mine)
    rows.insert(other)
    before = Call.objects.filter(pk=other["id"]).values().get()
    changed = {"state": "answered", "status": 200, "finished_at": NOW, "notes": ["n"], "response_body": "%s", "truncated": True}
    assert rows.update(mine["id"], changed) == 1
    assert Call.objects.filter(pk=mine["id"]).values(*changed, "path").get() == changed | {"path": "/ä?100%s"}
    assert Call.objects.filter(pk=other["id"]).values().get() == before
    assert rows.update(uuid4(), changed) == 0


@pytest.mark.parametrize("value", [{"a": [1, None, True, "ä", 1.5]}, 10**40, {1: 2}, "\N{PILE OF POO}"])
def test_json_is_written_so_that_it_reads_the_same(value: Any) -> None:
    assert json.loads(json_text(value)) == json.loads(json.dumps(value))
