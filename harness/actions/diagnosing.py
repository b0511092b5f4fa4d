"""Asking why a delivery was refused, and searching longer in a worker."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.actions import record
from harness import selectors
from harness.diagnosis.diagnose import explained
from harness.diagnosis.values import Diagnosis
from harness.models import DeepSearch, Delivery
from identity.callers import Caller
from portal.errors import Conflict

logger = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # a search takes seconds; a worker that was killed gives it up after this
MOST_ATTEMPTS = 3
MOST_AT_ONCE = 4  # of one sweep


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found at once, and the longer search when that was not enough."""

    delivery: Delivery
    diagnosis: Diagnosis
    search: DeepSearch | None


@transaction.atomic
def request_diagnosis(*, by: Caller, delivery_id: UUID) -> Answer:
    """Explain a refusal at once where that can be done, else let a worker search longer. Asking again starts an ended search anew,
    with the secrets of then. Raises NotFound, and Conflict for what was not refused."""
    delivery = selectors.delivery(by.account_id, delivery_id)
    if delivery.verdict != "refused":
        raise Conflict("Only a refused delivery can be explained.", code="not_refused")
    found = selectors.diagnosis(delivery)
    search = selectors.deep_search(delivery)
    if not explained(found) and (search is None or search.due_at is None):
        now = timezone.now()
        fresh: dict[str, Any] = {"state": DeepSearch.QUEUED, "requested_at": now, "due_at": now, "attempts": 0, "progress": 0, "tried": 0}
        fresh |= {"level": 0, "whole": True, "findings": [], "finished_at": None, "lease_owner": ""}
        search, _made = DeepSearch.objects.update_or_create(delivery=delivery, defaults=fresh)
    record(
        "delivery:diagnosed",
        by=by.actor,
        subject=str(delivery.endpoint_id),
        name=delivery.endpoint.name,
        profile=delivery.endpoint.profile,
        delivery=str(delivery.pk),
        findings=[finding.id for finding in found.findings],
        search=search.state if search is not None else "",
    )
    return Answer(delivery, found, search)


def run_due() -> int:
    """Run the searches that are due; how many."""
    done = 0
    while done < MOST_AT_ONCE and (claimed := _claim()) is not None:
        _run(*claimed)
        done += 1
    return done


def _claim() -> tuple[DeepSearch, str] | None:
    now, owner = timezone.now(), uuid.uuid4().hex
    due = DeepSearch.objects.filter(due_at__lte=now)
    due.filter(attempts__gte=MOST_ATTEMPTS).update(state=DeepSearch.FAILED, due_at=None, finished_at=now)
    for key in due.order_by("due_at").values_list("pk", flat=True)[:10]:
        # The condition is repeated in the UPDATE: of two workers one changes the row and the other changes none.
        taken = {"state": DeepSearch.RUNNING, "due_at": now + LEASE, "lease_owner": owner, "attempts": F("attempts") + 1}
        if due.filter(pk=key).update(**taken):
            return DeepSearch.objects.select_related("delivery__endpoint").get(pk=key), owner
    return None


def _run(search: DeepSearch, owner: str) -> None:
    mine = DeepSearch.objects.filter(pk=search.pk, lease_owner=owner)
    told = 0

    def progress(share: float) -> None:
        nonlocal told
        percent = int(share * 100)
        if percent >= told + 5:
            told = percent
            mine.update(progress=percent, due_at=timezone.now() + LEASE)

    found = selectors.diagnosis(search.delivery, deep=True, progress=progress)
    logger.info("searched_for_mistakes", tried=found.tried, hashed=found.hashed, findings=len(found.findings))
    mine.update(
        state=DeepSearch.DONE,
        due_at=None,
        finished_at=timezone.now(),
        progress=100,
        tried=found.tried,
        level=found.level,
        whole=found.whole,
        findings=[finding.as_dict() for finding in found.findings],
    )
