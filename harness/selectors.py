"""Reading webhooks and deliveries: the owner's, and nobody else's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from harness.diagnosis.diagnose import diagnose
from harness.diagnosis.search import Progress
from harness.diagnosis.values import Diagnosis
from harness.models import DeepSearch, Delivery, HookEndpoint, HookSecret, Sending
from harness.signatures.profile import Profile
from harness.signatures.registry import profile_of
from harness.signatures.values import Request, Secret
from identity.encryption import unseal
from portal.errors import Gone, NotFound

GONE_FOR = timedelta(hours=24)
OTHER_SECRETS = 40  # of the owner's other webhooks, tried when a signature does not fit


@dataclass(frozen=True, slots=True)
class Opened:
    """An endpoint a sender found."""

    id: UUID
    name: str


def hash_of_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def endpoint_for_sender(token: str) -> Opened:
    """The endpoint at ``/in/{token}``. Raises NotFound (also once it expired), or Gone for a day after it was deleted."""
    row = HookEndpoint.objects.filter(token_hash=hash_of_token(token)).only("id", "name", "expires_at", "deleted_at").first()
    now = timezone.now()
    if (
        row is None
        or (row.deleted_at is not None and row.deleted_at < now - GONE_FOR)
        or (row.expires_at is not None and row.expires_at <= now)
    ):
        raise NotFound("There is nothing at this address.", code="unknown_hook")
    if row.deleted_at is not None:
        raise Gone("This address is no longer used.", code="hook_deleted")
    return Opened(row.pk, row.name)


def endpoints(owner: UUID) -> QuerySet[HookEndpoint]:
    """The owner's endpoints, newest first, with ``received``, ``refused`` and ``last_at``."""
    return (
        HookEndpoint.objects.filter(owner_id=owner, deleted_at=None)
        .annotate(
            received=Count("deliveries"),
            refused=Count("deliveries", filter=Q(deliveries__verdict="refused")),
            last_at=Max("deliveries__received_at"),
        )
        .order_by("-created_at")
    )


def endpoint(owner: UUID, endpoint_id: UUID) -> HookEndpoint:
    """One of the owner's endpoints. Raises NotFound for anybody else's."""
    found = endpoints(owner).filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound("There is no such webhook of yours.", code="unknown_hook")
    return found


def address(of: HookEndpoint) -> str:
    """Where the platform must send to."""
    return f"{settings.PORTAL_PUBLIC_URL}/in/{unseal(bytes(of.token_encrypted)).decode()}"


def profile(of: HookEndpoint) -> Profile:
    """How this endpoint's deliveries are signed, with its owner's settings."""
    return profile_of(of.profile, of.settings)


def request_to(of: HookEndpoint, *, headers: Sequence[tuple[str, str]], query: str, body: bytes) -> Request:
    """A delivery as the verification reads it. The address is only made out where the profile signs it: it is stored encrypted."""
    url = (address(of) + (f"?{query}" if query else "")) if profile(of).signs_address else ""
    return Request(headers, body, "POST", url)


def request_of(delivery: Delivery) -> Request:
    """A kept delivery as it arrived, with the headers unmasked where they were kept."""
    kept = delivery.headers if delivery.headers_sealed is None else orjson.loads(unseal(bytes(delivery.headers_sealed)))
    return request_to(delivery.endpoint, headers=[(name, value) for name, value in kept], query=delivery.query, body=bytes(delivery.body))


def live_secrets(endpoint_id: UUID, now: datetime | None = None) -> QuerySet[HookSecret]:
    """The secrets that count now, newest first."""
    live = Q(retires_at=None) | Q(retires_at__gt=now or timezone.now())
    return HookSecret.objects.filter(live, endpoint_id=endpoint_id).order_by("-added_at", "-pk")


def secrets_for_verification(endpoint_id: UUID, now: datetime) -> list[Secret]:
    return [Secret(unseal(bytes(row.value_encrypted)), row.fingerprint) for row in live_secrets(endpoint_id, now)]


def deliveries(
    of: HookEndpoint, *, before: Delivery | None = None, size: int = 50, verdict: str = ""
) -> tuple[list[Delivery], Delivery | None]:
    """The newest deliveries (without their bytes) older than ``before``, and where the next page starts."""
    found = of.deliveries.defer("body", "steps", "headers", "headers_sealed").order_by("-received_at", "-pk")
    if verdict:
        found = found.filter(verdict=verdict)
    if before is not None:
        found = found.filter(Q(received_at__lt=before.received_at) | Q(received_at=before.received_at, pk__lt=before.pk))
    rows = list(found[: size + 1])
    return rows[:size], (rows[size - 1] if len(rows) > size else None)


def delivery(owner: UUID, delivery_id: UUID) -> Delivery:
    """One delivery to one of the owner's endpoints. Raises NotFound for anybody else's."""
    found = Delivery.objects.select_related("endpoint").filter(pk=delivery_id, endpoint__owner_id=owner, endpoint__deleted_at=None).first()
    if found is None:
        raise NotFound("There is no such delivery of yours.", code="unknown_delivery")
    return found


def other_secrets(of: HookEndpoint, now: datetime) -> list[tuple[str, Secret]]:
    """Live secrets of the same owner's other webhooks, with the names of these. Nobody else's are ever tried."""
    live = Q(retires_at=None) | Q(retires_at__gt=now)
    rows = (
        HookSecret.objects.filter(live, endpoint__owner_id=of.owner_id, endpoint__deleted_at=None)
        .exclude(endpoint_id=of.pk)
        .select_related("endpoint")
        .order_by("-added_at", "-pk")[:OTHER_SECRETS]
    )
    return [(row.endpoint.name, Secret(unseal(bytes(row.value_encrypted)), row.fingerprint)) for row in rows]


def diagnosis(of: Delivery, *, deep: bool = False, progress: Progress | None = None) -> Diagnosis:
    """Why it was refused, with the secrets of now: at once, or deep in a worker."""
    now = timezone.now()
    return diagnose(
        profile(of.endpoint),
        secrets_for_verification(of.endpoint_id, now),
        request_of(of),
        reason=of.reason,
        skew=of.skew,
        others=other_secrets(of.endpoint, now),
        deep=deep,
        progress=progress,
    )


def deep_search(of: Delivery) -> DeepSearch | None:
    """The longer search, if one was asked for."""
    return DeepSearch.objects.filter(delivery=of).first()


def sendings(of: HookEndpoint, size: int = 50) -> QuerySet[Sending]:
    """What the bench sent for this endpoint, newest first."""
    return of.sendings.order_by("-at", "-pk")[:size]
