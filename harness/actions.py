"""Making webhooks, and taking in what arrives."""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.actions import Actor, record
from audit.redaction import one_line
from harness import selectors
from harness.models import Delivery, HookEndpoint, HookSecret
from harness.profiles import PROFILES
from harness.verification import Step, verify
from identity.callers import Caller
from identity.encryption import seal
from portal.errors import Conflict, Invalid
from upstream.masking import mask_header

MOST_ENDPOINTS = 50  # of one person
SECRET_BYTES = (8, 512)
DUPLICATE_WITHIN = timedelta(hours=24)
OVERLAP = timedelta(hours=24)  # how long the secret before stays live when a new one is set
KEPT_FOR = timedelta(days=7)
KEPT_DELIVERIES, KEPT_BYTES = 500, 67_108_864  # of one endpoint


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a sender sent: header names in lower case, in order, repetitions kept; the body as it arrived."""

    headers: tuple[tuple[str, str], ...]
    query: str
    body: bytes
    remote: str
    request_id: str = ""


def fingerprint(secret: bytes) -> str:
    """Eight hex digits that tell secrets apart. Keyed, so that a short secret cannot be guessed from it."""
    return hmac.new(settings.SECRET_KEY.encode(), b"hook secret fingerprint" + secret, hashlib.sha256).hexdigest()[:8]


def _checked(*, name: str | None = None, profile: str | None = None, secret: str | None = None) -> None:
    errors: list[dict[str, Any]] = []
    if name is not None and not (0 < len(name.strip()) <= 100 and name.isprintable()):
        errors.append(_wrong("name", "1 to 100 printable characters"))
    if profile is not None and profile not in PROFILES:
        errors.append(_wrong("profile", f"one of {', '.join(PROFILES)}"))
    least, most = SECRET_BYTES
    if secret is not None and (not least <= len(secret.encode("utf-8", "surrogatepass")) <= most or not secret.isprintable()):
        # HMAC pads keys with NUL: "key" and "key\0" would be the same secret.
        errors.append(_wrong("secret", f"{least} to {most} bytes of printable text"))
    if errors:
        raise Invalid("The webhook cannot be made like this.", errors=errors)


def _wrong(field: str, expected: str) -> dict[str, Any]:
    return {
        "location": "body",
        "pointer": f"/{field}",
        "keyword": "format",
        "message": f"{field} must be {expected}.",
        "expected": expected,
    }


@transaction.atomic
def create_endpoint(*, by: Caller, name: str, profile: str, secret: str, debug: bool) -> HookEndpoint:
    """Make an address for a platform to send to. Raises Invalid naming each field, Conflict at MOST_ENDPOINTS."""
    _checked(name=name, profile=profile, secret=secret)
    if HookEndpoint.objects.filter(owner_id=by.account_id, deleted_at=None).count() >= MOST_ENDPOINTS:
        raise Conflict(f"You have {MOST_ENDPOINTS} webhooks. Delete one first.", code="too_many_hooks")
    token = randomness.token_urlsafe(32)
    made = HookEndpoint.objects.create(
        owner_id=by.account_id,
        name=name.strip(),
        profile=profile,
        debug=debug,
        token_hash=selectors.hash_of_token(token),
        token_encrypted=seal(token.encode()),
    )
    _add_secret(made, secret)
    record("hook:created", by=by.actor, subject=str(made.pk), name=made.name, profile=profile, debug=debug)
    return made


def _add_secret(endpoint: HookEndpoint, secret: str) -> None:
    value = secret.encode()
    HookSecret.objects.create(endpoint=endpoint, value_encrypted=seal(value), fingerprint=fingerprint(value), length=len(value))


@transaction.atomic
def change_endpoint(
    *,
    by: Caller,
    endpoint_id: UUID,
    name: str | None = None,
    profile: str | None = None,
    secret: str | None = None,
    debug: bool | None = None,
) -> HookEndpoint:
    """Change what is given. A new secret counts at once; the one before it counts for another day, so that the platform
    can be switched over; older ones are forgotten. Raises NotFound, Invalid."""
    endpoint = selectors.endpoint(by.account_id, endpoint_id)
    _checked(name=name, profile=profile, secret=secret)
    given = {"name": name.strip() if name is not None else None, "profile": profile, "debug": debug}
    changed = {field: value for field, value in given.items() if value is not None and value != getattr(endpoint, field)}
    for field, value in changed.items():
        setattr(endpoint, field, value)
    if changed:
        endpoint.save(update_fields=list(changed))
    if secret is not None:
        now = timezone.now()
        HookSecret.objects.filter(endpoint=endpoint, retires_at__isnull=False).delete()
        HookSecret.objects.filter(endpoint=endpoint).update(retires_at=now + OVERLAP)
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
def delete_endpoint(*, by: Caller, endpoint_id: UUID) -> None:
    """Forget secrets and deliveries at once; the address answers 410 for a day and 404 after. Raises NotFound."""
    endpoint = selectors.endpoint(by.account_id, endpoint_id)
    count = endpoint.deliveries.count()
    endpoint.deliveries.all().delete()
    endpoint.secrets.all().delete()
    endpoint.deleted_at = timezone.now()
    endpoint.save(update_fields=["deleted_at"])
    record("hook:deleted", by=by.actor, subject=str(endpoint.pk), name=endpoint.name, profile=endpoint.profile, deliveries=count)


@transaction.atomic
def receive(*, endpoint_id: UUID, incoming: Incoming, now: datetime | None = None) -> Delivery:
    """Verify, tell duplicates, store. The row is there before the sender is answered. Raises HookEndpoint.DoesNotExist when
    the endpoint was deleted meanwhile."""
    now = now or timezone.now()
    # The lock makes two deliveries of the same thing at the same moment come one after the other.
    endpoint = HookEndpoint.objects.select_for_update().get(pk=endpoint_id, deleted_at=None)
    profile = PROFILES[endpoint.profile]
    verdict = verify(profile, selectors.secrets_for_verification(endpoint.pk, now), incoming.headers, incoming.body)
    sender_id = next((one_line(value)[:200] for name, value in incoming.headers if name == profile.id_header), "")
    digest = hashlib.sha256(incoming.body).hexdigest()
    delivery = Delivery(
        endpoint=endpoint,
        received_at=now,
        verdict="verified" if verdict.verified else "refused",
        reason=verdict.reason,
        status=verdict.status,
        sender_id=sender_id,
        remote=incoming.remote[:64],
        query=one_line(incoming.query)[:2000],
        headers=[[name, one_line(_kept(profile.header, name, value))[:4000]] for name, value in incoming.headers],
        body=incoming.body,
        size=len(incoming.body),
        sha256=digest,
        secret=verdict.secret,
    )
    steps = list(verdict.steps)
    if verdict.verified:
        steps.append(_tell_duplicate(delivery, now))
    if endpoint.debug:
        delivery.steps = [step.as_dict() for step in steps]
    delivery.save(force_insert=True)
    _record(delivery, by=Actor(name="sender", remote=incoming.remote), request_id=incoming.request_id)
    _trim(endpoint)
    return delivery


def _kept(signature_header: str, name: str, value: str) -> str:
    # The signature is what the owner is here to look at; it opens nothing without the secret.
    return value if name == signature_header else mask_header(name, value)


def _tell_duplicate(delivery: Delivery, now: datetime) -> Step:
    """After the signature only, or a stranger could use up the ids of others."""
    known = Delivery.objects.filter(endpoint=delivery.endpoint, verdict="verified", received_at__gt=now - DUPLICATE_WITHIN).order_by(
        "received_at"
    )
    same_id = known.filter(sender_id=delivery.sender_id).first() if delivery.sender_id else None
    if same_id is not None and same_id.sha256 != delivery.sha256:
        delivery.verdict, delivery.reason, delivery.status = "refused", "request_id_reused", 400
        return Step("Duplicate", "bad", f"The id {delivery.sender_id} was already used for another body.", (("first", str(same_id.pk)),))
    first = same_id or known.filter(sha256=delivery.sha256).first()
    if first is None:
        said = "under this id" if delivery.sender_id else "with these bytes (the sender gave no id)"
        return Step("Duplicate", "good", f"Nothing was received {said} in the last 24 hours.")
    delivery.verdict, delivery.duplicate_of = "duplicate", first
    delivery.reason = "same_id" if same_id else "same_body"
    text = (
        "The same id with the same body: a retry. It is answered like the first one."
        if same_id
        else "The same signed body under another id. The id is outside the signature: this is a retry that changed its id, or a replay."
    )
    return Step("Duplicate", "info", text, (("first", str(first.pk)),))


def _record(delivery: Delivery, *, by: Actor, request_id: str) -> None:
    refused = delivery.verdict == "refused"
    data: dict[str, Any] = {
        "name": delivery.endpoint.name,
        "profile": delivery.endpoint.profile,
        "delivery": str(delivery.pk),
        "size": delivery.size,
        "sha256": delivery.sha256,
        "sender": delivery.sender_id,
    }
    data |= {"reason": delivery.reason, "status": delivery.status} if refused else {"duplicate": delivery.verdict == "duplicate"}
    record(
        "delivery:refused" if refused else "delivery:verified",
        by=by,
        outcome="refused" if refused else "ok",
        subject=str(delivery.endpoint_id),
        code=delivery.reason if refused else "",
        request_id=request_id,
        **data,
    )


def _trim(endpoint: HookEndpoint) -> None:
    """Keep the newest deliveries within number and bytes."""
    total = 0
    surplus: list[UUID] = []
    for position, (key, size) in enumerate(endpoint.deliveries.order_by("-received_at", "-pk").values_list("pk", "size")):
        total += size
        if position >= KEPT_DELIVERIES or (total > KEPT_BYTES and position > 0):
            surplus.append(key)
    if surplus:
        Delivery.objects.filter(pk__in=surplus).delete()


@transaction.atomic
def forget_old(now: datetime) -> int:
    """Remove deliveries after KEPT_FOR, secrets that retired, and endpoints a day after their deletion; how many rows."""
    old, _ = Delivery.objects.filter(received_at__lt=now - KEPT_FOR).delete()
    retired, _ = HookSecret.objects.filter(retires_at__lt=now).delete()
    gone, _ = HookEndpoint.objects.filter(deleted_at__lt=now - selectors.GONE_FOR).delete()
    return old + retired + gone
