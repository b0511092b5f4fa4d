"""What happens when something is away, slow, wrong, or comes twice: each with its outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone
from pytest_django import Settings

from audit.actions import PORTAL
from audit.models import Entry
from identity import actions as identity_actions
from identity import selectors as identity_selectors
from identity.models import SsoSession
from portal.errors import Conflict, Unauthenticated, Unavailable, UpstreamFailed
from tests.tokens.conftest import Endpoint
from tests.tokens.test_exchange import run_at_once
from tests.tokens.test_leases import READ, call, take
from tokens import actions, exchange, store, tasks
from tokens.models import Revocation, SealedToken, TokenLease
from upstream.messages import Limits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]

FORM = {"place": "genesys/staging", "scopes": ["integration:read"], "purpose": "twice", "ttl": "900"}


@pytest.fixture
def with_redis(settings: Settings) -> Iterator[redis.Redis]:
    settings.REDIS_URL = os.environ["PORTAL_TEST_REDIS_URL"]
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield client
    settings.REDIS_URL = os.environ["PORTAL_TEST_REDIS_URL"]
    for key in client.scan_iter(f"{store.PREFIX}*"):
        client.delete(key)
    client.close()
    store._client(settings.REDIS_URL).close()
    store._client.cache_clear()


def test_a_form_sent_twice_is_one_token(owner: Any, endpoint: Endpoint) -> None:
    for _ in range(2):
        assert owner.client.post("/tokens", FORM).status_code == 302
    assert len(endpoint.issued) == TokenLease.objects.count() == Entry.objects.filter(action="token:issued").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_is_one_token(owner: Any, endpoint: Endpoint) -> None:
    endpoint.delay = 0.2
    assert {answer.status_code for answer in run_at_once(2, lambda: owner.client.post("/tokens", FORM))} == {302}
    assert len(endpoint.issued) == TokenLease.objects.count() == 1


def test_a_token_ended_in_one_tab_is_over_in_the_other(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    assert owner.client.post(f"/tokens/{lease.pk}/revoke").status_code == 302
    assert owner.client.post(f"/tokens/{lease.pk}/revoke").status_code == 302  # nothing more happens
    for verb in ("reveal", "refresh"):
        answer = owner.client.post(f"/tokens/{lease.pk}/{verb}")
        assert answer.status_code == 409
        assert endpoint.issued[0] not in answer.content.decode()
    assert Entry.objects.filter(action="token:revoked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_token_replaced_in_two_tabs_at_once_is_a_new_one_in_both(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    endpoint.delay = 0.2
    answers = run_at_once(2, lambda: owner.client.post(f"/tokens/{lease.pk}/refresh").status_code)
    assert answers == [302, 302]
    assert len(endpoint.issued) == 2


def end_by_person(owner: Any) -> None:
    owner.client.post("/oidc/logout/")


def end_by_provider(owner: Any) -> None:
    identity_actions.end_provider_sessions(issuer="https://id.example", sid="sid-olga", subject="", jti="j", remote="127.0.0.1")


def end_by_platform_team(owner: Any) -> None:
    identity_actions.end_session(session_id=owner.sso_session.pk, reason="ended_by_platform_team", by=PORTAL)


def end_by_idleness(owner: Any) -> None:
    SsoSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=2))
    assert identity_actions.end_lapsed_sessions() >= 1


def end_by_time(owner: Any) -> None:
    SsoSession.objects.update(expires_at=timezone.now())
    assert identity_actions.end_lapsed_sessions() >= 1


ENDS = [end_by_person, end_by_provider, end_by_platform_team, end_by_idleness, end_by_time]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_second_after_any_end_of_a_sign_in_no_token_of_it_lives(owner: Any, endpoint: Endpoint, end: Callable[[Any], None]) -> None:
    held = [call(owner, READ).value]
    key, caller = owner.access_key(), owner.caller
    taken = take(owner, ["webhook:manage"])
    held.append(endpoint.issued[1])
    started = time.monotonic()
    end(owner)
    # At once, without any sweep:
    assert identity_selectors.caller_of(access_key=key) is None
    with pytest.raises(Unauthenticated):
        actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ])
    with pytest.raises((Unauthenticated, Conflict)):
        actions.reveal(by=caller, lease_id=taken.pk)
    # With the next sweep, which comes every second:
    tasks.sweep()
    assert time.monotonic() - started < 1.0
    assert sorted(endpoint.revoked) == sorted(held)
    assert not SealedToken.objects.exists()
    assert not TokenLease.objects.filter(ended_at=None).exists()


@pytest.mark.redis
def test_redis_away_at_logout_ends_everything_and_the_platform_is_told_when_it_is_back(
    owner: Any, endpoint: Endpoint, with_redis: redis.Redis, settings: Settings
) -> None:
    address = settings.REDIS_URL
    leased, caller = call(owner, READ), owner.caller
    assert with_redis.exists(f"{store.PREFIX}{leased.lease_id}")
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert owner.client.post("/oidc/logout/").status_code == 302
    tasks.sweep()
    with pytest.raises(Unauthenticated):
        actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ])
    assert TokenLease.objects.get().end_reason == "session_ended"
    waiting = Revocation.objects.get()
    assert bytes(waiting.sealed) == b""
    assert endpoint.revoked == []
    Revocation.objects.update(due_at=timezone.now())
    tasks.sweep()  # still away
    assert Revocation.objects.get().attempts == 1
    settings.REDIS_URL = address
    Revocation.objects.update(due_at=timezone.now())
    tasks.sweep()
    assert endpoint.revoked == [leased.value]
    assert not Revocation.objects.exists()
    assert not with_redis.exists(f"{store.PREFIX}{leased.lease_id}")


@pytest.mark.redis
def test_redis_away_while_a_token_is_replaced_keeps_the_new_one_and_ends_the_old(
    owner: Any, endpoint: Endpoint, with_redis: redis.Redis, settings: Settings
) -> None:
    address = settings.REDIS_URL
    first = call(owner, READ)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    second = actions.replace_rejected(first, first.value)
    assert second is not None
    assert SealedToken.objects.get().generation == 2
    settings.REDIS_URL = address
    assert call(owner, READ).value == second.value  # not the old one Redis still has
    Revocation.objects.update(due_at=timezone.now())
    tasks.sweep()
    assert endpoint.revoked == [first.value]
    assert call(owner, READ).value == second.value


def test_redis_away_at_issue_is_not_noticed(owner: Any, endpoint: Endpoint, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    lease = take(owner)
    assert actions.reveal(by=owner.caller, lease_id=lease.pk)[1] == endpoint.issued[0]
    actions.revoke(by=owner.caller, lease_id=lease.pk)
    tasks.sweep()
    assert endpoint.revoked == endpoint.issued
    store._client.cache_clear()


def test_a_token_that_lay_nowhere_is_not_told_for_ever(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    store.forget(lease.pk)
    actions.revoke(by=owner.caller, lease_id=lease.pk)
    tasks.sweep()
    assert not Revocation.objects.exists()


def test_a_slow_token_endpoint_is_503(owner: Any, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LIMITS", Limits(connect=1.0, first_byte=0.1, total=0.2))
    endpoint.delay = 0.6
    with pytest.raises(Unavailable) as failed:
        take(owner)
    assert (failed.value.code, failed.value.status) == ("token_unavailable", 503)
    assert TokenLease.objects.get().end_reason == "token_unavailable"


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token": "' + b"x" * 300_000 + b'", "token_type": "Bearer", "expires_in": 3600, "scope": "integration:read"}',
        b"<!doctype html><title>Sign in to the proxy</title>",
        b"\x1f\x8b\x08\x00garbage",
        b'{"access_token": "cut off',
        b"[" * 100_000,
    ],
    ids=["huge", "html", "garbage", "cut", "nested"],
)
def test_what_is_no_token_answer_is_502_and_leaves_nothing(owner: Any, endpoint: Endpoint, body: bytes) -> None:
    endpoint.body = body
    with pytest.raises(UpstreamFailed) as refused:
        take(owner)
    assert (refused.value.code, refused.value.extra["reason"]) == ("token_refused", "answer_unusable")
    assert len(refused.value.detail) < 300
    assert not SealedToken.objects.exists()
    assert not TokenLease.objects.filter(ended_at=None).exists()


def test_an_architects_revocation_in_the_middle_of_an_exchange_wins(
    owner: Any, teammate: Any, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take(teammate)
    real = exchange.exchange

    def meanwhile(*args: Any, **options: Any) -> exchange.Issued:
        issued = real(*args, **options)
        actions.revoke_anybodys(by=owner.caller, lease_id=lease.pk)
        return issued

    monkeypatch.setattr("tokens.holding.exchange", meanwhile)
    with pytest.raises(Unauthenticated):
        actions.refresh(by=teammate.caller, lease_id=lease.pk)
    tasks.sweep()
    assert sorted(endpoint.revoked) == sorted(endpoint.issued)
    assert store.get(lease.pk, generation=2) is None


def test_a_platform_that_is_away_does_not_hold_back_telling_the_others(owner: Any, endpoint: Endpoint) -> None:
    for scopes in (READ, ["webhook:manage"], ["integration:read", "webhook:manage"]):
        actions.revoke(by=owner.caller, lease_id=take(owner, scopes).pk)
    endpoint.revocation_delay = 0.4
    started = time.monotonic()
    tasks.sweep()
    assert time.monotonic() - started < 1.0
    assert len(endpoint.revoked) == 3
