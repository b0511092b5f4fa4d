"""Keys are changed while the portal runs: everything kept is encrypted anew, and then the old key can go."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db.models import BinaryField
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from harness.actions import endpoints as harness_endpoints
from harness.models import HookEndpoint, HookSecret
from identity import actions, resealing
from identity.encryption import SealBroken, resealed, seal, unseal
from identity.models import SsoSession
from tokens import store
from tokens.models import Revocation, SealedToken, TokenLease

pytestmark = pytest.mark.django_db


def rotate() -> str:
    said = io.StringIO()
    call_command("encryption", "rotate", stdout=said)
    return said.getvalue()


@pytest.fixture
def kept(owner: Any) -> TokenLease:
    """Something in every encrypted field."""
    actions.keep_provider_tokens(session_id=owner.sso_session.pk, refresh_token="the-refresh-token", id_token="the-id-token")
    lease = TokenLease.objects.create(
        session=owner.sso_session,
        platform="genesys",
        environment="staging",
        principal="default",
        scopes_digest="x",
        ends_at=timezone.now() + timedelta(hours=1),
    )
    SealedToken.objects.create(lease=lease, generation=1, sealed=seal(b"1:the-token"))
    Revocation.objects.create(
        lease_id=lease.pk,
        platform="genesys",
        environment="staging",
        principal="default",
        sealed=seal(b"the-old-token"),
        due_at=timezone.now(),
        until=timezone.now() + timedelta(hours=1),
    )
    harness_endpoints.create_endpoint(name="bench", profile="genesys", secret="a-webhook-secret-1234567890", debug=False, by=owner.caller)
    return lease


def everything() -> set[bytes]:
    """What every encrypted field says in clear, with the keys now listed."""
    return {
        unseal(bytes(value))
        for model, field in resealing.encrypted_fields()
        for value in model._base_manager.exclude(**{field: b""}).values_list(field, flat=True)
    }


def test_after_the_rotation_the_old_key_can_go(kept: TokenLease, settings: Settings) -> None:
    before = everything()
    assert {b"the-refresh-token", b"the-id-token", b"1:the-token", b"the-old-token", b"a-webhook-secret-1234567890"} <= before
    new = Fernet.generate_key().decode()
    settings.PORTAL_ENCRYPTION_KEYS = [new, *settings.PORTAL_ENCRYPTION_KEYS]
    assert everything() == before
    said = rotate()
    assert "identity.SsoSession refresh_token_encrypted: 1 encrypted anew, 0 were already" in said
    assert "the others can go" in said
    settings.PORTAL_ENCRYPTION_KEYS = [new]
    assert everything() == before
    assert "0 encrypted anew, 1 were already" in rotate()
    entries = list(Entry.objects.filter(action="encryption:rotated").order_by("id"))
    assert [entry.data["changed"] for entry in entries] == [6, 0]


def test_no_encrypted_field_is_forgotten() -> None:
    found = {(model._meta.label, field) for model, field in resealing.encrypted_fields()}
    assert found == {
        ("identity.SsoSession", "id_token_encrypted"),
        ("identity.SsoSession", "refresh_token_encrypted"),
        ("tokens.SealedToken", "sealed"),
        ("tokens.Revocation", "sealed"),
        ("harness.HookEndpoint", "token_encrypted"),
        ("harness.HookSecret", "value_encrypted"),
        ("harness.Delivery", "headers_sealed"),
    }
    assert all(isinstance(model._meta.get_field(field), BinaryField) for model, field in resealing.encrypted_fields())
    assert {HookEndpoint, HookSecret, SsoSession} <= {model for model, _ in resealing.encrypted_fields()}


def test_what_fits_no_key_is_said_and_left(kept: TokenLease, settings: Settings) -> None:
    lost = bytes(SealedToken.objects.get().sealed)
    settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    Revocation.objects.update(sealed=seal(b"readable"))
    with pytest.raises(CommandError, match="fits none of the keys"):
        rotate()
    assert bytes(SealedToken.objects.get().sealed) == lost
    entry = Entry.objects.get(action="encryption:rotated")
    assert (entry.outcome, entry.data["broken"], entry.data["current"]) == ("failed", 5, 1)


def test_a_row_that_is_written_meanwhile_keeps_what_was_written(
    kept: TokenLease, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.PORTAL_ENCRYPTION_KEYS]

    def overtaken(sealed: bytes) -> bytes | None:
        SealedToken.objects.update(sealed=seal(b"2:newer"))
        return resealed(sealed)

    monkeypatch.setattr(resealing, "resealed", overtaken)
    rotate()
    assert unseal(bytes(SealedToken.objects.get().sealed)) == b"2:newer"


def test_sealing_anew_is_only_done_where_needed(settings: Settings) -> None:
    first = seal(b"x")
    assert resealed(first) is None
    settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.PORTAL_ENCRYPTION_KEYS]
    fresh = resealed(first)
    assert fresh is not None
    assert unseal(fresh) == b"x"
    with pytest.raises(SealBroken):
        resealed(b"nonsense")


@pytest.mark.redis
def test_tokens_in_redis_are_encrypted_anew_and_end_when_they_would_have(
    kept: TokenLease, settings: Settings, everything_stored: Callable[[], str]
) -> None:
    settings.REDIS_URL = os.environ["PORTAL_TEST_REDIS_URL"]
    store.put(kept.pk, generation=1, token="in-redis", until=timezone.now() + timedelta(seconds=500))
    new = Fernet.generate_key().decode()
    settings.PORTAL_ENCRYPTION_KEYS = [new, *settings.PORTAL_ENCRYPTION_KEYS]
    assert "tokens in Redis: 1 encrypted anew" in rotate()
    settings.PORTAL_ENCRYPTION_KEYS = [new]
    assert store.get(kept.pk, generation=1) == "in-redis"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert 400 < client.ttl(f"{store.PREFIX}{kept.pk}") <= 500
    store.forget(kept.pk)
    store._client(settings.REDIS_URL).close()
    store._client.cache_clear()


def test_a_redis_that_is_away_is_said(kept: TokenLease, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    with pytest.raises(CommandError, match="keep the old key"):
        rotate()
    store._client.cache_clear()
