"""Making, changing and deleting webhooks."""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings as configuration
from django.db import transaction
from django.utils import timezone

from audit.actions import record
from harness import selectors
from harness.models import HookEndpoint, HookSecret
from harness.signatures.keys import key_bytes
from harness.signatures.registry import PROFILES, profile_of, setting_errors
from identity.callers import Caller
from identity.encryption import seal
from portal.errors import Conflict, Invalid, NotFound

MOST_ENDPOINTS = 50  # of one person
SECRET_BYTES = (8, 512)
OVERLAP = timedelta(hours=24)  # how long the secret before stays live when a new one is set
LONGEST_LIFE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Stands for "leave it" where None means "none"."""


UNCHANGED = Unchanged()


def fingerprint(secret: bytes) -> str:
    """Eight hex digits that tell secrets apart. Keyed, so that a short secret cannot be guessed from it."""
    return hmac.new(configuration.SECRET_KEY.encode(), b"hook secret fingerprint" + secret, hashlib.sha256).hexdigest()[:8]


@transaction.atomic
def create_endpoint(
    *,
    by: Caller,
    name: str,
    profile: str,
    secret: str,
    debug: bool,
    settings: Mapping[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> HookEndpoint:
    """Make an address for a platform to send to. Raises Invalid naming each field, Conflict at MOST_ENDPOINTS."""
    settings = dict(settings or {})
    _check(_name_errors(name) + _profile_errors(profile, settings) + _expiry_errors(expires_at) + _secret_errors(profile, settings, secret))
    if HookEndpoint.objects.filter(owner_id=by.account_id, deleted_at=None).count() >= MOST_ENDPOINTS:
        raise Conflict(f"You have {MOST_ENDPOINTS} webhooks. Delete one first.", code="too_many_hooks")
    token = randomness.token_urlsafe(32)
    made = HookEndpoint.objects.create(
        owner_id=by.account_id,
        name=name.strip(),
        profile=profile,
        settings=settings,
        debug=debug,
        expires_at=expires_at,
        token_hash=selectors.hash_of_token(token),
        token_encrypted=seal(token.encode()),
    )
    _add_secret(made, secret)
    record("hook:created", by=by.actor, subject=str(made.pk), name=made.name, profile=profile, debug=debug)
    return made


@transaction.atomic
def change_endpoint(
    *,
    by: Caller,
    endpoint_id: UUID,
    name: str | None = None,
    profile: str | None = None,
    settings: Mapping[str, Any] | None = None,
    secret: str | None = None,
    debug: bool | None = None,
    expires_at: datetime | None | Unchanged = UNCHANGED,
) -> HookEndpoint:
    """Change what is given. A new secret counts at once; the one before it counts for another day, so that the platform
    can be switched over; older ones are forgotten. Raises NotFound, Invalid."""
    endpoint = selectors.endpoint(by.account_id, endpoint_id)
    whole = profile if profile is not None else endpoint.profile
    chosen = dict(settings) if settings is not None else endpoint.settings if whole == endpoint.profile else {}
    errors = (_name_errors(name) if name is not None else []) + _profile_errors(whole, chosen)
    if not isinstance(expires_at, Unchanged):
        errors += _expiry_errors(expires_at)
    if secret is not None:
        errors += _secret_errors(whole, chosen, secret)
    elif not errors and (whole, chosen) != (endpoint.profile, endpoint.settings):
        errors += _kept_secret_errors(endpoint, whole, chosen)
    _check(errors)
    given: dict[str, Any] = {"name": name.strip() if name is not None else endpoint.name, "profile": whole, "settings": chosen}
    given |= {"debug": endpoint.debug if debug is None else debug}
    given |= {} if isinstance(expires_at, Unchanged) else {"expires_at": expires_at}
    changed = {field: value for field, value in given.items() if value != getattr(endpoint, field)}
    for field, value in changed.items():
        setattr(endpoint, field, value)
    if changed:
        endpoint.save(update_fields=list(changed))
    if secret is not None:
        HookSecret.objects.filter(endpoint=endpoint, retires_at__isnull=False).delete()
        HookSecret.objects.filter(endpoint=endpoint).update(retires_at=timezone.now() + OVERLAP)
        _add_secret(endpoint, secret)
    fields = sorted(changed) + (["secret"] if secret is not None else [])
    if fields:
        record(
            "hook:changed",
            by=by.actor,
            subject=str(endpoint.pk),
            name=endpoint.name,
            profile=endpoint.profile,
            debug=endpoint.debug,
            fields=fields,
        )
    return endpoint


@transaction.atomic
def retire_secret(*, by: Caller, endpoint_id: UUID, secret: str) -> HookEndpoint:
    """Forget the live secret with this fingerprint at once. Raises NotFound, and Conflict for the only one."""
    endpoint = selectors.endpoint(by.account_id, endpoint_id)
    live = list(selectors.live_secrets(endpoint.pk))
    chosen = next((row for row in live if row.fingerprint == secret), None)
    if chosen is None:
        raise NotFound("There is no live secret with this fingerprint.", code="unknown_secret")
    if len(live) == 1:
        raise Conflict("This is the only live secret. Add the next one first.", code="last_secret")
    chosen.delete()
    # Whichever stays is the one: it does not end by itself any more.
    HookSecret.objects.filter(endpoint=endpoint).update(retires_at=None)
    record("hook_secret:retired", by=by.actor, subject=str(endpoint.pk), name=endpoint.name, profile=endpoint.profile, fingerprint=secret)
    return endpoint


@transaction.atomic
def rotate_address(*, by: Caller, endpoint_id: UUID) -> HookEndpoint:
    """Give the endpoint another address. The one before answers 404 at once. Raises NotFound."""
    endpoint = selectors.endpoint(by.account_id, endpoint_id)
    token = randomness.token_urlsafe(32)
    endpoint.token_hash, endpoint.token_encrypted = selectors.hash_of_token(token), seal(token.encode())
    endpoint.rotated_at = timezone.now()
    endpoint.save(update_fields=["token_hash", "token_encrypted", "rotated_at"])
    record("hook:rotated", by=by.actor, subject=str(endpoint.pk), name=endpoint.name, profile=endpoint.profile)
    return endpoint


@transaction.atomic
def delete_endpoint(*, by: Caller, endpoint_id: UUID) -> None:
    """Forget secrets and deliveries at once; the address answers 410 for a day and 404 after. Raises NotFound."""
    endpoint = selectors.endpoint(by.account_id, endpoint_id)
    count = endpoint.deliveries.count()
    endpoint.remembered.all().delete()
    endpoint.sendings.all().delete()
    endpoint.deliveries.all().delete()
    endpoint.secrets.all().delete()
    endpoint.deleted_at = timezone.now()
    endpoint.save(update_fields=["deleted_at"])
    record("hook:deleted", by=by.actor, subject=str(endpoint.pk), name=endpoint.name, profile=endpoint.profile, deliveries=count)


def _add_secret(endpoint: HookEndpoint, secret: str) -> None:
    value = secret.encode()
    HookSecret.objects.create(endpoint=endpoint, value_encrypted=seal(value), fingerprint=fingerprint(value), length=len(value))


def _check(errors: list[dict[str, Any]]) -> None:
    if errors:
        raise Invalid("The webhook cannot be made like this.", errors=errors)


def _name_errors(name: str) -> list[dict[str, Any]]:
    return [] if 0 < len(name.strip()) <= 100 and name.isprintable() else [_wrong("name", "1 to 100 printable characters")]


def _profile_errors(profile: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    if profile not in PROFILES:
        return [_wrong("profile", f"one of {', '.join(PROFILES)}")]
    return [_wrong(f"settings/{field}", expected) for field, expected in setting_errors(profile, settings).items()]


def _expiry_errors(expires_at: datetime | None) -> list[dict[str, Any]]:
    now = timezone.now()
    sound = expires_at is None or now < expires_at <= now + LONGEST_LIFE
    return [] if sound else [_wrong("expires_at", f"a time within the next {LONGEST_LIFE.days} days, or null")]


def _secret_errors(profile: str, settings: Mapping[str, Any], secret: str) -> list[dict[str, Any]]:
    least, most = SECRET_BYTES
    if not least <= len(secret.encode("utf-8", "surrogatepass")) <= most or not secret.isprintable():
        # HMAC pads keys with NUL: "key" and "key\0" would be the same secret.
        return [_wrong("secret", f"{least} to {most} bytes of printable text")]
    if profile not in PROFILES or setting_errors(profile, settings):
        return []
    try:
        key_bytes(profile_of(profile, settings), secret.encode())
    except ValueError as error:
        return [_wrong("secret", str(error).removeprefix("It must be ").rstrip("."))]
    return []


def _kept_secret_errors(endpoint: HookEndpoint, profile: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        for secret in selectors.secrets_for_verification(endpoint.pk, timezone.now()):
            key_bytes(profile_of(profile, settings), secret.value)
    except ValueError:
        return [_wrong("secret", f"given too: the one there is cannot be used with {PROFILES[profile].title}")]
    return []


def _wrong(field: str, expected: str) -> dict[str, Any]:
    return {
        "location": "body",
        "pointer": f"/{field}",
        "keyword": "format",
        "message": f"{field.rpartition('/')[2]} must be {expected}.",
        "expected": expected,
    }
