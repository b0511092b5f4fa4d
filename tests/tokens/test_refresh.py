"""Replacing a token while the platform is away: thrice within a minute, never with the old one, and one exchange however many wait."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from portal.errors import PortalError, Unavailable, UpstreamFailed
from tests.tokens.conftest import Endpoint
from tests.tokens.test_exchange import run_at_once
from tests.tokens.test_leases import READ, call, take
from tokens import actions, holding, store, tasks
from tokens.models import Revocation, TokenLease
from upstream import breaker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]


@pytest.fixture
def held(owner: Any, endpoint: Endpoint) -> actions.Leased:
    """A token in use that is due, at a platform that has just gone away."""
    leased = call(owner, READ)
    TokenLease.objects.update(refresh_at=timezone.now() - timedelta(seconds=1), last_used_at=timezone.now())
    endpoint.status, endpoint.body = 503, b""
    return leased


def let_time_pass() -> None:
    """Until the next try."""
    holding.forget_failures()
    breaker.reset()
    TokenLease.objects.exclude(retry_at=None).update(retry_at=timezone.now() - timedelta(seconds=1))


def back(endpoint: Endpoint) -> None:
    endpoint.status, endpoint.body = 200, None


def test_the_first_failure_takes_the_old_token_away_and_says_when_it_is_tried_again(
    owner: Any, endpoint: Endpoint, held: actions.Leased
) -> None:
    with pytest.raises(Unavailable) as failed:
        call(owner, READ)
    assert (failed.value.status, failed.value.code) == (503, "token_unavailable")
    assert 15 <= int(failed.value.headers["Retry-After"]) <= 24
    lease = TokenLease.objects.get()
    assert (lease.ended_at, lease.refresh_failures) == (None, 1)
    assert store.get(lease.pk, generation=1) is store.get(lease.pk, generation=2) is None
    asked = len(endpoint.forms)
    with pytest.raises(Unavailable, match="tries again in") as failed:  # nobody else asks meanwhile
        call(owner, READ)
    assert int(failed.value.headers["Retry-After"]) <= 24
    assert len(endpoint.forms) == asked
    entry = Entry.objects.get(action="token:postponed")
    assert (entry.outcome, entry.code, entry.data["attempt"], entry.subject) == ("failed", "token_unavailable", 1, str(lease.pk))
    assert Revocation.objects.get().due_at > timezone.now() + timedelta(seconds=50)  # calls on their way may still carry it


def test_a_platform_that_is_back_within_the_minute_gives_a_new_token_to_the_same_lease(
    owner: Any, endpoint: Endpoint, held: actions.Leased
) -> None:
    assert tasks.refresh() == 0
    let_time_pass()
    back(endpoint)
    assert tasks.refresh() == 1
    lease = TokenLease.objects.get()
    assert (lease.pk, lease.ended_at, lease.refresh_failures, lease.retry_at, lease.failing_since) == (held.lease_id, None, 0, None, None)
    again = call(owner, READ)
    assert (again.value, again.lease_id) == (endpoint.issued[1], held.lease_id)
    assert [entry.action for entry in Entry.objects.filter(action__startswith="token:").order_by("id")] == [
        "token:issued",
        "token:postponed",
        "token:refreshed",
    ]


def test_the_third_failure_within_the_minute_ends_the_lease(owner: Any, endpoint: Endpoint, held: actions.Leased) -> None:
    for attempt in range(3):
        assert tasks.refresh() == 0
        assert len(endpoint.forms) == 2 + attempt
        let_time_pass()
    lease = TokenLease.objects.get()
    assert lease.end_reason == "refresh_failed"
    assert tasks.refresh() == 0
    assert len(endpoint.forms) == 4
    assert [entry.data["attempt"] for entry in Entry.objects.filter(action="token:postponed").order_by("id")] == [1, 2]
    entry = Entry.objects.get(action="token:refused")
    assert (entry.outcome, entry.subject) == ("failed", str(lease.pk))
    back(endpoint)
    assert call(owner, READ).lease_id != held.lease_id


def test_a_try_that_would_come_after_the_minute_is_not_waited_for(owner: Any, endpoint: Endpoint, held: actions.Leased) -> None:
    tasks.refresh()
    let_time_pass()
    TokenLease.objects.update(failing_since=timezone.now() - timedelta(seconds=50))
    tasks.refresh()
    assert TokenLease.objects.get().end_reason == "refresh_failed"


def test_three_tries_fit_into_the_minute() -> None:
    assert 2 * (holding.RETRY_SECONDS + holding.RETRY_JITTER_SECONDS) < holding.REFRESH_TRIES_SECONDS


def test_a_refusal_ends_the_lease_at_once(owner: Any, endpoint: Endpoint, held: actions.Leased) -> None:
    endpoint.status, endpoint.body = 400, b'{"error": "unauthorized_client"}'
    with pytest.raises(UpstreamFailed, match="unauthorized_client"):
        call(owner, READ)
    assert TokenLease.objects.get().end_reason == "refresh_failed"
    assert not Entry.objects.filter(action="token:postponed").exists()


def test_a_rejected_token_is_not_served_again_while_the_platform_is_away(owner: Any, endpoint: Endpoint) -> None:
    leased = call(owner, READ)
    endpoint.status, endpoint.body = 503, b""
    for _ in range(2):
        with pytest.raises(Unavailable):
            actions.replace_rejected(leased, leased.value)
    with pytest.raises(Unavailable):
        call(owner, READ)
    let_time_pass()
    back(endpoint)
    replaced = actions.replace_rejected(leased, leased.value)
    assert replaced is not None
    assert replaced.value == endpoint.issued[1]


def test_an_old_token_that_turns_up_again_is_not_served(owner: Any, endpoint: Endpoint, held: actions.Leased) -> None:
    """As when Redis was away while it was to be forgotten."""
    tasks.refresh()
    store.put(held.lease_id, generation=1, token=held.value, until=timezone.now() + timedelta(hours=1))
    with pytest.raises(Unavailable):
        call(owner, READ)
    let_time_pass()
    back(endpoint)
    assert call(owner, READ).value == endpoint.issued[1]


def test_a_token_that_expires_while_the_platform_is_away_ends_as_what_it_is(owner: Any, endpoint: Endpoint, held: actions.Leased) -> None:
    tasks.refresh()
    TokenLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert TokenLease.objects.get().end_reason == "refresh_failed"


def test_a_first_ask_is_not_put_off(owner: Any, endpoint: Endpoint) -> None:
    endpoint.status, endpoint.body = 503, b""
    with pytest.raises(Unavailable):
        take(owner)
    assert TokenLease.objects.get().end_reason == "token_unavailable"


def test_ending_a_lease_that_waits_for_its_next_try_is_final(owner: Any, endpoint: Endpoint, held: actions.Leased) -> None:
    tasks.refresh()
    actions.revoke(by=owner.caller, lease_id=held.lease_id)
    let_time_pass()
    back(endpoint)
    assert tasks.refresh() == 0
    assert len(endpoint.issued) == 1


@pytest.mark.django_db(transaction=True)
def test_many_that_wait_for_a_platform_that_is_away_are_one_exchange(owner: Any, endpoint: Endpoint, held: actions.Leased) -> None:
    endpoint.delay = 0.2
    asked, caller = len(endpoint.forms), owner.caller

    def ask() -> str:
        try:
            actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ])
        except PortalError as error:
            return error.code
        return "token"

    assert set(run_at_once(24, ask)) == {"token_unavailable"}
    assert len(endpoint.forms) == asked + 1


@pytest.fixture
def with_redis(settings: Settings) -> Iterator[redis.Redis]:
    settings.REDIS_URL = os.environ["PORTAL_TEST_REDIS_URL"]
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield client
    for key in client.scan_iter(f"{store.PREFIX}*"):
        client.delete(key)
    client.close()
    store._client(settings.REDIS_URL).close()
    store._client.cache_clear()


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["taken", "due", "rejected"])
def test_sixty_four_at_once_on_redis_are_one_exchange_and_all_get_it(
    owner: Any, endpoint: Endpoint, with_redis: redis.Redis, kind: str, everything_stored: Callable[[], str]
) -> None:
    caller, endpoint.delay = owner.caller, 0.3
    expected = 0
    if kind != "taken":
        leased = call(owner, READ)
        expected = 1
    if kind == "due":
        TokenLease.objects.update(refresh_at=timezone.now())

    def ask() -> Any:
        if kind == "rejected":
            return actions.replace_rejected(leased, leased.value)
        return actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ])

    results = run_at_once(64, ask)
    assert len(results) == 64
    assert len(endpoint.issued) == expected + 1
    values = {result.value for result in results}
    # While a due token is being replaced by one, the others may still use it: nobody has refused it.
    assert values <= set(endpoint.issued)
    assert endpoint.issued[-1] in values
    if kind != "due":
        assert values == {endpoint.issued[-1]}
    dump = b"".join(with_redis.get(key) or b"" for key in with_redis.scan_iter("*") if with_redis.type(key) == b"string")  # type: ignore[misc]
    assert not [token for token in endpoint.issued if token.encode() in dump or token in everything_stored()]
