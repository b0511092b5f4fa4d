from __future__ import annotations

import pytest
import structlog
from django.db import transaction

from audit.actions import PORTAL, Actor, OutsideTransaction, record
from audit.models import Entry
from audit.redaction import MASK
from audit.vocabulary import ACTIONS, UnknownAction, declared, sentence

ANN = Actor(id="7", name="Ann", session="s", remote="127.0.0.1")


@pytest.mark.django_db
def test_an_entry_says_who_did_what_to_which() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        number = record("hook:created", by=ANN, subject="9", name="orders", profile="genesys", debug=True)
    entry = Entry.objects.get(pk=number)
    assert (entry.actor, entry.actor_name, entry.request_id, entry.outcome) == ("7", "Ann", "r-1", "ok")
    assert entry.data == {"name": "orders", "profile": "genesys", "debug": True}


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_written() -> None:
    with pytest.raises(OutsideTransaction):
        record("session:ended", by=PORTAL, reason="idle")
    with transaction.atomic():
        record("session:ended", by=PORTAL, reason="idle")
    assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_entry_goes_when_what_it_tells_of_is_rolled_back() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record("session:ended", by=PORTAL, reason="idle")
        raise ZeroDivisionError
    assert Entry.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("action", "outcome", "data"),
    [("session:invented", "ok", {}), ("session:ended", "fine", {}), ("session:ended", "ok", {"password": "x"})],
)
def test_what_is_not_in_the_vocabulary_is_a_bug(action: str, outcome: str, data: dict[str, str]) -> None:
    with pytest.raises(UnknownAction):
        record(action, by=PORTAL, outcome=outcome, **data)


@pytest.mark.django_db
def test_a_secret_in_an_allowed_text_is_masked_and_hostile_text_is_one_line() -> None:
    number = record(
        "call:sent",
        by=Actor(name="a\nb\0"),
        outcome="intent",
        api="x",
        method="GET",
        path="/x?access_token=abcdefgh&y=1",
        subject="u" * 400,
    )
    entry = Entry.objects.get(pk=number)
    assert entry.data["path"] == f"/x?access_token={MASK}&y=1"
    assert entry.actor_name == "a\\nb\\x00"
    assert len(entry.subject) == 255


def test_every_sentence_names_only_fields_its_entry_has() -> None:
    import re

    own = {"actor", "subject", "api", "environment", "code"}
    for action in ACTIONS.values():
        assert set(re.findall(r"\{(.+?)\}", action.text + action.unanswered)) <= own | action.data, action.name
        assert re.fullmatch(r"[a-z_]+:[a-z]+", action.name)
        assert all(name in ACTIONS for name in action.completed_by)


def test_no_action_may_carry_a_secret_by_name() -> None:
    forbidden = {"token", "value", "secret", "password", "authorization", "cookie", "headers", "body", "key", "access_key", "client_secret"}
    assert not {key for action in ACTIONS.values() for key in action.data} & forbidden


def test_a_sentence_is_made_from_what_is_there() -> None:
    assert sentence("token:issued", {"actor": "Ann", "platform": "genesys", "scopes": ["a", "b"]}) == "Ann got a token for genesys: a, b"
    assert sentence("call:refused", {"actor": "stranger", "code": "unauthenticated"}) == "stranger was refused: unauthenticated"
    assert sentence("session:changed", {}) == "The groups changed"
    assert sentence("session:started", {"role": "architect"}) == "– signed in as architect"
    assert sentence("gone:action", {}) == "gone:action"
    call = {"method": "GET", "path": "/a", "api": "x", "environment": "staging"}
    assert sentence("call:answered", call | {"status": 200}) == "GET /a of x in staging was answered with 200"
    assert (
        sentence("call:answered", call | {"status": None, "code": "upstream_timeout"})
        == "GET /a of x in staging got no answer: upstream_timeout"
    )
    assert declared("audit:exported", "ok", {"format": "csv"}).name == "audit:exported"


def test_every_action_has_words_of_its_own() -> None:
    assert ACTIONS["session:started"].words == "Somebody signed in as …"
    assert ACTIONS["token:issued"].words == "Somebody got a token for …"
    assert len({action.words for action in ACTIONS.values()}) == len(ACTIONS)
