"""Deliveries: reading, verifying again, explaining."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from harness import selectors
from harness.actions import diagnosing, receiving
from harness.api.hooks import private
from harness.api.shapes import DeliveryList, DeliveryShown, DeliverySummary, DiagnosisShown, SearchShown
from harness.code import advice
from harness.diagnosis.diagnose import explained
from harness.diagnosis.values import Diagnosis, Finding
from harness.models import DeepSearch, Delivery, HookEndpoint
from harness.signatures.profile import Profile
from identity.callers import signed_in
from portal.errors import Conflict, Malformed

PAGE = 50


@extend_schema(operation_id="verifyDeliveryAgain", request=None, responses=DeliveryShown, tags=["webhooks"])
@api_view(["POST"])
def verify_again(request: Request, delivery_id: UUID) -> Response:
    """Judge a refused delivery with the secrets of now and the clock of when it arrived."""
    receiving.verify_again(by=signed_in(request), delivery_id=delivery_id)
    return private(DeliveryShown(selectors.delivery(signed_in(request).account_id, delivery_id)).data)


@extend_schema(
    operation_id="listDeliveries", parameters=[OpenApiParameter("cursor", OpenApiTypes.UUID)], responses=DeliveryList, tags=["webhooks"]
)
@api_view(["GET"])
def deliveries(request: Request, hook_id: UUID) -> Response:
    """What arrived at one webhook of yours, newest first."""
    of = selectors.endpoint(signed_in(request).account_id, hook_id)
    rows, more = selectors.deliveries(of, before=cursor_of(of, request.query_params.get("cursor", "")), size=PAGE)
    next_url = f"{settings.PORTAL_PUBLIC_URL}{request.path}?cursor={more.pk}" if more else None
    return private({"results": DeliverySummary(rows, many=True).data, "next": next_url})


@extend_schema(operation_id="getDelivery", responses=DeliveryShown, tags=["webhooks"])
@api_view(["GET"])
def delivery(request: Request, delivery_id: UUID) -> Response:
    """One delivery: verdict, headers, bytes, and the steps of its verification."""
    return private(DeliveryShown(selectors.delivery(signed_in(request).account_id, delivery_id)).data)


@extend_schema(methods=["GET"], operation_id="getDiagnosis", responses=DiagnosisShown, tags=["webhooks"])
@extend_schema(methods=["POST"], operation_id="diagnoseDelivery", request=None, responses=DiagnosisShown, tags=["webhooks"])
@api_view(["GET", "POST"])
def diagnosis(request: Request, delivery_id: UUID) -> Response:
    """Why a delivery was refused. POST also starts the longer search when nothing explains it at once; GET follows it."""
    if request.method == "POST":
        answer = diagnosing.request_diagnosis(by=signed_in(request), delivery_id=delivery_id)
        return private(explanation(answer.delivery, answer.diagnosis, answer.search))
    found = selectors.delivery(signed_in(request).account_id, delivery_id)
    if found.verdict != "refused":
        raise Conflict("Only a refused delivery can be explained.", code="not_refused")
    return private(explanation(found, selectors.diagnosis(found), selectors.deep_search(found)))


def explanation(delivery: Delivery, found: Diagnosis, search: DeepSearch | None) -> dict[str, Any]:
    """A diagnosis as its owner sees it: what was found at once, or what the longer search found."""
    profile = selectors.profile(delivery.endpoint)
    findings = findings_of(found, search)
    clear = any(not finding.id.startswith("hint.") for finding in findings)
    waiting = search is not None and search.due_at is not None
    return {
        "delivery": str(delivery.pk),
        "state": "explained" if clear else "searching" if waiting else "not_explained",
        "findings": [finding.as_dict() | {"lines": _lines(finding, profile)} for finding in findings],
        "search": SearchShown(search).data if search is not None else None,
    }


def findings_of(found: Diagnosis, search: DeepSearch | None) -> list[Finding]:
    """What was found at once, or else by the longer search."""
    if explained(found) or search is None or not search.findings:
        return list(found.findings)
    return [Finding(**(kept | {"changes": tuple(kept["changes"])})) for kept in search.findings]


def _lines(finding: Finding, profile: Profile) -> list[dict[str, str]]:
    return [
        {"language": line.language, "highlight": line.highlight, "id": line.id, "code": line.code, "why": line.why}
        for line in advice.lines(profile, finding)
    ]


def cursor_of(of: HookEndpoint, text: str) -> Delivery | None:
    """The delivery a page starts after; None for the first page. Raises Malformed."""
    if not text:
        return None
    try:
        found = of.deliveries.only("pk", "received_at").filter(pk=UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        raise Malformed("The cursor cannot be read, or its delivery is kept no longer. Start again without it.")
    return found
