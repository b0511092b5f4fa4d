"""What a token endpoint may answer, how many times it is asked, and what happens when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.actions import PORTAL
from audit.models import Entry
from audit.redaction import RedactingFilter
from identity import actions as identity_actions
from portal.errors import Conflict, PortalError, Unauthenticated, Unavailable, UpstreamFailed
from tests.tokens.conftest import Endpoint
from tests.tokens.test_leases import READ, call, take
from tokens import actions, exchange, holding, selectors, store, tasks
from tokens.models import Revocation, TokenLease
from tokens.secrets import SecretUnavailable, secret
from upstream.messages import Answer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scope": None}, "scope_narrower_than_asked"),
        ({"scope": ""}, "scope_narrower_than_asked"),
        ({"scope": "another:read"}, "scope_narrower_than_asked"),
        ({"scope": "integration:read webhook:manage"}, "scope_wider_than_asked"),
        ({"scope": ["integration:read"]}, "scope_narrower_than_asked"),
        ({"token_type": "mac"}, "type_unusable"),
        ({"token_type": None}, "type_unusable"),
        ({"expires_in": None}, "lifetime_unknown"),
        ({"expires_in": "soon"}, "lifetime_unknown"),
        ({"expires_in": True}, "lifetime_unknown"),
        ({"expires_in": 86400}, "lifetime_too_long"),
        ({"expires_in": "86400"}, "lifetime_too_long"),
        ({"expires_in": 60}, "lifetime_too_short"),
        ({"expires_in": -1}, "lifetime_too_short"),
        ({"access_token": None}, "answer_unusable"),
        ({"access_token": ""}, "answer_unusable"),
        ({"access_token": "two words"}, "answer_unusable"),
        ({"access_token": "line\nbreak"}, "answer_unusable"),
        ({"access_token": "x" * 20_000}, "answer_unusable"),
        ({"access_token": {"value": "x"}}, "answer_unusable"),
    ],
    ids=str,
)
def test_an_answer_that_is_not_what_was_asked_is_refused_and_revoked(
    owner: Any, endpoint: Endpoint, change: dict[str, Any], reason: str
) -> None:
    endpoint.answer = change
    with pytest.raises(UpstreamFailed) as refused:
        take(owner)
    assert (refused.value.code, refused.value.status, refused.value.extra["reason"]) == ("token_refused", 502, reason)
    lease = TokenLease.objects.get()
    assert (lease.generation, lease.end_reason) == (0, reason)
    tasks.sweep()
    assert endpoint.revoked == ([] if reason == "answer_unusable" else endpoint.issued)
    entry = Entry.objects.get(action="token:refused")
    assert (entry.outcome, entry.code, entry.data["reason"]) == ("refused", "token_refused", reason)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, b'{"error": "invalid_scope", "error_description": "call +1 900"}', "token_refused"),
        (403, b"<html>no</html>", "token_refused"),
        (302, b"", "token_refused"),
        (200, b"<html>sign in</html>", "token_refused"),
        (200, b'["token"]', "token_refused"),
        (200, b"", "token_refused"),
        (429, b"{}", "token_unavailable"),
        (500, b"{}", "token_unavailable"),
        (503, b"", "token_unavailable"),
    ],
)
def test_a_refusing_endpoint_is_502_and_a_failing_one_503(owner: Any, endpoint: Endpoint, status: int, body: bytes, code: str) -> None:
    endpoint.status, endpoint.body, endpoint.headers = status, body, {"Retry-After": "7"}
    with pytest.raises(PortalError) as failed:
        take(owner)
    assert failed.value.code == code
    assert failed.value.status == (502 if code == "token_refused" else 503)
    assert "+1 900" not in failed.value.detail
    if code == "token_unavailable":
        assert failed.value.headers["Retry-After"] == "7"
    assert Entry.objects.get(action="token:refused").outcome == ("refused" if code == "token_refused" else "failed")


def test_an_endpoint_that_is_not_there_is_503(owner: Any, rules: Callable[..., None]) -> None:
    rules(
        "          {{grant: client_credentials, url: 'http://127.0.0.1:8098/token', client_id: c, secret: env:GENESYS_STAGING_SECRET, scopes: [integration:read]}}"
    )
    with pytest.raises(Unavailable) as failed:
        take(owner)
    assert failed.value.code == "token_unavailable"
    assert failed.value.headers["Retry-After"].isdigit()


@given(
    body=st.binary(max_size=300) | st.from_regex(rb'\{"access_token": ?"[a-z]{1,9}"[^}]{0,80}\}', fullmatch=True),
    status=st.integers(200, 599),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_whatever_is_answered_is_a_token_or_one_of_two_errors(body: bytes, status: int) -> None:
    at = selectors.place("genesys", "staging")
    answer = Answer(status=status, headers=[], body=body, truncated=False, connect_ms=0, first_byte_ms=0, total_ms=0)
    try:
        issued = exchange.judge(answer, at=at, scopes=READ)
    except PortalError as error:
        assert error.code in {"token_refused", "token_unavailable"}
    else:
        assert status == 200
        assert exchange.MIN_LEFT < issued.lifetime <= 7200


@given(lifetime=st.integers(61, 7200))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_token_is_replaced_when_a_fifth_of_its_life_is_left(lifetime: int) -> None:
    now = timezone.now()
    left = lifetime - (holding.refresh_moment(now, lifetime) - now).total_seconds()
    ahead = min(max(0.2 * lifetime, 30), 900)
    assert ahead - 0.001 <= left <= ahead + 0.05 * lifetime + 0.001


PASSWORD = """
          grant: password
          url: {url}/token
          client_id: portal-staging
          client_authentication: post
          secret: env:GENESYS_STAGING_SECRET
          username: key-id
          password: env:CXONE_KEY_SECRET
          scopes: [integration:read]
          scopes_bound_by: portal
"""


def test_the_password_grant_sends_the_access_key(
    owner: Any, endpoint: Endpoint, rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXONE_KEY_SECRET", "key-secret")
    rules(PASSWORD)
    endpoint.answer = {"scope": "openid"}
    assert take(owner).principal == "default"
    (form,) = endpoint.forms
    assert (form["grant_type"], form["username"], form["password"]) == ("password", "key-id", "key-secret")
    assert (form["client_id"], form["client_secret"], form.get("scope")) == ("portal-staging", "machine-secret-9d2c41", None)


def test_a_refresh_token_is_thrown_away_and_said(owner: Any, endpoint: Endpoint, everything_stored: Callable[[], str]) -> None:
    endpoint.answer = {"refresh_token": "long-lived-7f21"}
    take(owner)
    assert "long-lived-7f21" not in everything_stored()
    assert Entry.objects.get(action="token:discarded").data["reason"] == "refresh_token"


def test_a_rejected_token_is_replaced_once_for_everybody_who_was_rejected(owner: Any, endpoint: Endpoint) -> None:
    leased = call(owner, READ)
    first = actions.replace_rejected(leased, leased.value)
    second = actions.replace_rejected(leased, leased.value)
    assert first is not None
    assert second is not None
    assert first.value == second.value != leased.value
    assert len(endpoint.issued) == 2


def test_a_platform_that_rejects_every_token_is_not_asked_for_more(owner: Any, endpoint: Endpoint) -> None:
    leased = call(owner, READ)
    replaced = actions.replace_rejected(leased, leased.value)
    assert replaced is not None
    assert actions.replace_rejected(replaced, replaced.value) is None
    again = call(owner, READ)
    assert actions.replace_rejected(again, again.value) is None
    assert len(endpoint.issued) == 2


def test_a_failed_replacement_ends_the_lease_and_the_old_token_is_not_served(owner: Any, endpoint: Endpoint) -> None:
    leased = call(owner, READ)
    endpoint.status, endpoint.error = 400, {"error": "invalid_client_metadata"}
    with pytest.raises(UpstreamFailed):
        actions.replace_rejected(leased, leased.value)
    with pytest.raises(UpstreamFailed):
        call(owner, READ)
    assert set(TokenLease.objects.values_list("end_reason", flat=True)) == {"refresh_failed", "endpoint_refused"}
    assert store.get(leased.lease_id, generation=1) is None
    tasks.sweep()
    assert endpoint.revoked == [leased.value]


def test_a_token_with_less_than_a_minute_is_never_handed_out(owner: Any, endpoint: Endpoint) -> None:
    leased = call(owner, READ)
    TokenLease.objects.update(expires_at=timezone.now() + timedelta(seconds=59))
    assert call(owner, READ).value == endpoint.issued[1] != leased.value


def test_a_due_token_is_replaced_at_use_and_the_old_one_revoked_a_minute_later(owner: Any, endpoint: Endpoint) -> None:
    old = call(owner, READ).value
    TokenLease.objects.update(refresh_at=timezone.now())
    assert call(owner, READ).value != old
    assert Revocation.objects.get().due_at > timezone.now() + timedelta(seconds=50)
    assert Entry.objects.filter(action="token:refreshed").count() == 1


def test_the_worker_replaces_what_is_used_and_lets_the_rest_run_out(owner: Any, endpoint: Endpoint) -> None:
    call(owner, READ)
    take(owner, ["webhook:manage"])
    TokenLease.objects.update(refresh_at=timezone.now())
    assert actions.refresh_due_leases() == 1
    assert endpoint.forms[-1]["scope"] == "integration:read"


def test_replacing_by_hand_makes_a_new_generation(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    assert actions.refresh(by=owner.caller, lease_id=lease.pk).generation == 2
    assert len(endpoint.issued) == 2


def test_a_lost_token_is_asked_for_again(owner: Any, endpoint: Endpoint) -> None:
    leased = call(owner, READ)
    store.forget(leased.lease_id)
    assert call(owner, READ).value == endpoint.issued[1]


def test_a_token_sealed_with_a_lost_key_is_asked_for_again(owner: Any, endpoint: Endpoint, settings: Any) -> None:
    from cryptography.fernet import Fernet

    call(owner, READ)
    old = settings.PORTAL_ENCRYPTION_KEYS
    settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *old]
    assert call(owner, READ).value == endpoint.issued[0]
    settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert call(owner, READ).value == endpoint.issued[1]


def test_a_sign_in_that_ends_during_the_exchange_gets_nothing(owner: Any, endpoint: Endpoint) -> None:
    caller = owner.caller
    real, asked = exchange.exchange, []

    def slow(*args: Any, **kwargs: Any) -> exchange.Issued:
        issued = real(*args, **kwargs)
        asked.append(issued.token)
        identity_actions.end_session(session_id=owner.sso_session.pk, reason="test", by=PORTAL)
        return issued

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holding, "exchange", slow)
        with pytest.raises(Unauthenticated):
            actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ])
    tasks.sweep()
    assert endpoint.revoked == asked
    assert store.get(TokenLease.objects.get().pk, generation=1) is None


def test_secrets_are_read_from_files_again_when_they_change(
    tmp_path: Path, owner: Any, endpoint: Endpoint, rules: Callable[..., None]
) -> None:
    path = tmp_path / "secret"
    path.write_text("machine-secret-9d2c41\n")
    rules(
        f"          {{{{grant: client_credentials, url: '{{url}}/token', client_id: c, secret: 'file:{path}', scopes: [integration:read]}}}}"
    )
    call(owner, READ)
    endpoint.secret = "rotated-secret-55aa"
    path.write_text("rotated-secret-55aa")
    actions.refresh(by=owner.caller, lease_id=TokenLease.objects.get().pk)
    assert endpoint.clients[-1][1] == "rotated-secret-55aa"


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/secret", "vault:a/b", "plain-secret", "file:/", "env:"])
def test_a_secret_that_cannot_be_read_is_503_by_name(reference: str) -> None:
    with pytest.raises(SecretUnavailable) as failed:
        secret(reference)
    assert (failed.value.status, failed.value.code) == (503, "secret_unavailable")
    assert "plain-secret" not in failed.value.detail


def test_no_token_and_no_secret_is_logged_or_stored_in_clear(
    owner: Any, endpoint: Endpoint, everything_stored: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with caplog.filtering(RedactingFilter()):  # as on every handler of the portal, whichever of them a record reaches first
        leased = call(owner, READ)
        actions.replace_rejected(leased, leased.value)
        lease = take(owner, ["webhook:manage"])
        owner.client.post(f"/api/v1/tokens/{lease.pk}/reveal")
        endpoint.answer = {"scope": "else", "refresh_token": "a-refresh-token"}
        with pytest.raises(UpstreamFailed):
            actions.refresh(by=owner.caller, lease_id=lease.pk)
        identity_actions.end_session(session_id=owner.sso_session.pk, reason="test", by=PORTAL)
        tasks.sweep()
    kept = everything_stored() + caplog.text
    assert len(endpoint.issued) == 4
    for hidden in (*endpoint.issued, "machine-secret-9d2c41", "a-refresh-token"):
        assert hidden not in kept
    assert set(endpoint.issued) - {leased.value} <= set(endpoint.revoked) | {leased.value}


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_one_exchange(owner: Any, endpoint: Endpoint) -> None:
    endpoint.delay = 0.2
    caller = owner.caller
    results = run_at_once(24, lambda: actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ]))
    assert {result.value for result in results} == {endpoint.issued[0]}
    assert len(endpoint.issued) == 1


@pytest.mark.django_db(transaction=True)
def test_many_rejected_at_once_are_one_exchange(owner: Any, endpoint: Endpoint) -> None:
    leased = call(owner, READ)
    endpoint.delay = 0.2
    results = run_at_once(24, lambda: actions.replace_rejected(leased, leased.value))
    assert {result.value for result in results} == {endpoint.issued[1]}
    assert len(endpoint.issued) == 2


@pytest.mark.django_db(transaction=True)
def test_many_refused_at_once_are_one_exchange(owner: Any, endpoint: Endpoint) -> None:
    endpoint.delay, endpoint.status, endpoint.error = 0.2, 400, {"error": "invalid_scope"}
    caller = owner.caller

    def ask() -> str:
        try:
            actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ])
        except (UpstreamFailed, Conflict) as error:
            return error.code
        return "token"

    assert set(run_at_once(24, ask)) == {"token_refused"}
    assert len(endpoint.forms) == 1


def run_at_once(number: int, work: Callable[[], Any]) -> list[Any]:
    results: list[Any] = []
    barrier = threading.Barrier(number)

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001  (shown by the assertion)
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results
