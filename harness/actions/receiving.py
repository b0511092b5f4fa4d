"""Taking in what arrives, and verifying again what was refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from audit.actions import Actor, record
from audit.redaction import one_line
from harness import selectors
from harness.models import Delivery, HookEndpoint, Remembered
from harness.signatures.profile import Profile
from harness.signatures.values import Step, Verdict
from harness.signatures.verification import hidden, verify
from identity.callers import Caller
from identity.encryption import seal
from portal.errors import Conflict
from upstream.masking import MASK, mask_header

REMEMBERED_FOR = timedelta(hours=24)  # what was verified, whether or not the delivery itself is kept as long
# Of one endpoint: number and bytes. What is refused has room of its own, so that a stranger pushes out nothing that was verified.
KEPT_ACCEPTED = (400, 67_108_864)
KEPT_REFUSED = (100, 16_777_216)


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a sender sent: header names in lower case, in order, repetitions kept; the body as it arrived."""

    headers: tuple[tuple[str, str], ...]
    query: str
    body: bytes
    remote: str
    request_id: str = ""


@transaction.atomic
def receive(*, endpoint_id: UUID, incoming: Incoming, now: datetime | None = None) -> Delivery:
    """Verify, tell duplicates, store. The row is there before the sender is answered. Raises HookEndpoint.DoesNotExist when
    the endpoint was deleted meanwhile."""
    now = now or timezone.now()
    # The lock makes two deliveries of the same thing at the same moment come one after the other.
    endpoint = HookEndpoint.objects.select_for_update().get(pk=endpoint_id, deleted_at=None)
    profile = selectors.profile(endpoint)
    request = selectors.request_to(endpoint, headers=incoming.headers, query=incoming.query, body=incoming.body)
    verdict = verify(profile, selectors.secrets_for_verification(endpoint.pk, now), request, now.timestamp())
    delivery = Delivery(
        endpoint=endpoint,
        received_at=now,
        sender_id=one_line(request.value(profile.id_header))[:200],
        remote=incoming.remote[:64],
        query=one_line(incoming.query)[:2000],
        headers=[[name, one_line(_kept(profile, name, value, hidden(profile, request)))[:4000]] for name, value in incoming.headers],
        body=incoming.body,
        size=len(incoming.body),
        sha256=hashlib.sha256(incoming.body).hexdigest(),
    )
    _judge(delivery, verdict, profile, now)
    if delivery.verdict == "refused":
        delivery.headers_sealed = seal(orjson.dumps(incoming.headers))
    delivery.save(force_insert=True)
    if delivery.verdict == "verified":
        _remember(delivery, now)
    _record(delivery, by=Actor(name="sender", remote=incoming.remote), request_id=incoming.request_id)
    _trim(endpoint, refused=delivery.verdict == "refused")
    return delivery


def _kept(profile: Profile, name: str, value: str, api_key: str) -> str:
    # The signature is what the owner is here to look at; it opens nothing without the secret. A token may open something.
    value = value.replace(api_key, MASK) if api_key else value
    return value if name in profile.headers and profile.construction != "token" and name != "x-api-key" else mask_header(name, value)


def _judge(delivery: Delivery, verdict: Verdict, profile: Profile, now: datetime) -> None:
    """Put a verdict on a delivery, duplicates told."""
    delivery.verdict = "verified" if verdict.verified else "refused"
    delivery.reason, delivery.status = verdict.reason, verdict.status
    delivery.secret, delivery.skew = verdict.secret, verdict.skew
    steps = list(verdict.steps)
    if verdict.verified:
        steps.append(_tell_duplicate(delivery, profile, now))
    delivery.steps = [step.as_dict() for step in steps] if delivery.endpoint.debug else []


def _tell_duplicate(delivery: Delivery, profile: Profile, now: datetime) -> Step:
    """After the signature only, or a stranger could use up the ids of others."""
    known = Remembered.objects.filter(endpoint=delivery.endpoint, at__gt=now - REMEMBERED_FOR).order_by("at")
    same_id = known.filter(sender_id=delivery.sender_id).first() if delivery.sender_id else None
    if same_id is not None and same_id.sha256 != delivery.sha256:
        delivery.verdict, delivery.reason, delivery.status = "refused", "request_id_reused", 400
        return Step("Duplicate", "bad", f"The id {delivery.sender_id} was already used for another body.", _named(same_id))
    # An id inside the signature is the platform's word that this is something else.
    first = same_id or (None if profile.signs_id else known.filter(sha256=delivery.sha256).first())
    if first is None:
        said = "under this id" if delivery.sender_id else "with these bytes (the sender gave no id)"
        return Step("Duplicate", "good", f"Nothing was received {said} in the last 24 hours.")
    delivery.verdict, delivery.duplicate_of_id = "duplicate", first.first_id
    delivery.reason = "same_id" if same_id else "same_body"
    if first.first_id:
        Delivery.objects.filter(pk=first.first_id).update(repeats=F("repeats") + 1)
    text = (
        "The same id with the same body: a retry. It is answered like the first one."
        if same_id
        else "The same signed body under another id. The id is outside the signature: this is a retry that changed its id, or a replay."
    )
    return Step("Duplicate", "info", text, _named(first))


def _named(first: Remembered) -> tuple[tuple[str, str], ...]:
    return (("first", str(first.first_id or "kept no longer")), ("received", f"{first.at:%Y-%m-%d %H:%M:%S} UTC"))


def _remember(delivery: Delivery, now: datetime) -> None:
    Remembered.objects.create(endpoint=delivery.endpoint, sender_id=delivery.sender_id, sha256=delivery.sha256, at=now, first=delivery)


def _record(delivery: Delivery, *, by: Actor, request_id: str) -> None:
    refused = delivery.verdict == "refused"
    data: dict[str, Any] = _described(delivery) | {"size": delivery.size}
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


def _described(delivery: Delivery) -> dict[str, Any]:
    return {
        "name": delivery.endpoint.name,
        "profile": delivery.endpoint.profile,
        "delivery": str(delivery.pk),
        "sha256": delivery.sha256,
        "sender": delivery.sender_id,
    }


def _trim(endpoint: HookEndpoint, *, refused: bool) -> None:
    """Keep the newest deliveries within number and bytes."""
    most, most_bytes = KEPT_REFUSED if refused else KEPT_ACCEPTED
    kind = Q(verdict="refused") if refused else ~Q(verdict="refused")
    rows = endpoint.deliveries.filter(kind)
    have = rows.aggregate(number=Count("pk"), bytes=Sum("size"))
    if have["number"] <= most and (have["bytes"] or 0) <= most_bytes:
        return
    total = 0
    surplus: list[UUID] = []
    for position, (key, size) in enumerate(rows.order_by("-received_at", "-pk").values_list("pk", "size")):
        total += size
        if position >= most or (total > most_bytes and position > 0):
            surplus.append(key)
    Delivery.objects.filter(pk__in=surplus).delete()


@transaction.atomic
def verify_again(*, by: Caller, delivery_id: UUID) -> Delivery:
    """Judge a refused delivery with the secrets and settings of now, and the clock of when it arrived.

    The sender's answer stays what it was. Raises NotFound, and Conflict for what was not refused or was signed for an address that
    was replaced since.
    """
    found = selectors.delivery(by.account_id, delivery_id)
    endpoint = HookEndpoint.objects.select_for_update().get(pk=found.endpoint_id)
    delivery = Delivery.objects.select_for_update().get(pk=found.pk)
    delivery.endpoint = endpoint
    if delivery.verdict != "refused" or delivery.headers_sealed is None:
        raise Conflict("Only a refused delivery can be verified again.", code="not_refused")
    profile = selectors.profile(endpoint)
    if profile.signs_address and endpoint.rotated_at is not None and endpoint.rotated_at > delivery.received_at:
        raise Conflict("The address it was signed for was replaced since. Let the platform send it again.", code="address_replaced")
    answered, now = delivery.status, timezone.now()
    request = selectors.request_of(delivery)
    verdict = verify(profile, selectors.secrets_for_verification(endpoint.pk, now), request, delivery.received_at.timestamp())
    delivery.sender_id = one_line(request.value(profile.id_header))[:200]
    _judge(delivery, verdict, profile, now)
    delivery.status, delivery.rechecked_at = answered, now
    if delivery.verdict != "refused":
        delivery.headers_sealed = None
    delivery.save()
    if delivery.verdict == "verified":
        _remember(delivery, now)
    refused = delivery.verdict == "refused"
    record(
        "delivery:rechecked",
        by=by.actor,
        outcome="refused" if refused else "ok",
        subject=str(endpoint.pk),
        code=delivery.reason if refused else "",
        verdict=delivery.verdict,
        reason=delivery.reason,
        **_described(delivery),
    )
    return delivery
