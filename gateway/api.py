"""``/api/v1/calls``, ``/api/v1/validate`` and ``/api/v1/quota``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.response import Response

from gateway import selectors
from gateway.comparison import document
from gateway.models import Call
from gateway.preparation import CONFIRM
from gateway.replay import run_again
from identity.callers import SignedInApiRequest
from portal.errors import Unavailable
from quotas.windows import Usage

STATES = (Call.SENT, Call.ANSWERED, Call.REFUSED, Call.FAILED, Call.UNKNOWN)


class CallSummary(serializers.ModelSerializer[Call]):
    """``status`` is what the caller got, ``origin`` who decided it; ``state`` is how far the call came."""

    class Meta:
        model = Call
        fields = selectors.LIST_FIELDS


class CallDetail(serializers.ModelSerializer[Call]):
    """Everything kept: headers masked, bodies redacted and cut. ``withheld`` names the headers that were not sent on,
    ``stopped`` those of the answer that were kept from the browser, ``timings`` are milliseconds."""

    person = serializers.CharField(source="account.name", default="", read_only=True)

    class Meta:
        model = Call
        fields = (
            *selectors.LIST_FIELDS,
            "person",
            "via",
            "request_id",
            "replay_of",
            "commit",
            "target",
            "detail",
            "request_findings",
            "response_findings",
            "notes",
            "scopes",
            "lease",
            "request_headers",
            "withheld",
            "request_body",
            "request_bytes",
            "response_headers",
            "stopped",
            "response_body",
            "truncated",
            "intent_entry",
            "outcome_entry",
        )


class CallList(serializers.Serializer[Any]):
    results = CallSummary(many=True)
    next = serializers.URLField(allow_null=True)


class CallQuery(serializers.Serializer[Any]):
    environment = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    api = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    state = serializers.ChoiceField(STATES, required=False, default="", allow_blank=True)
    cursor = serializers.UUIDField(required=False, default=None)
    limit = serializers.IntegerField(required=False, default=selectors.PAGE, min_value=1, max_value=200)


class ReplayRequest(serializers.Serializer[Any]):
    environment = serializers.CharField(max_length=200)


class StatusPair(serializers.Serializer[Any]):
    original = serializers.IntegerField(allow_null=True)
    replay = serializers.IntegerField(allow_null=True)


class HeaderDifference(serializers.Serializer[Any]):
    name = serializers.CharField()
    change = serializers.ChoiceField(["added", "removed", "changed"])
    original = serializers.CharField()
    replay = serializers.CharField()


class BodyDifference(serializers.Serializer[Any]):
    """``pointer`` is a JSON pointer in which ``*`` stands for every item of an array; ``original`` and ``replay`` name the types there."""

    pointer = serializers.CharField()
    change = serializers.ChoiceField(["added", "removed", "type"])
    original = serializers.CharField()
    replay = serializers.CharField()


class ReplayAnswer(serializers.Serializer[Any]):
    """``equal``: status, header names, content type and the shape of the body agree, and all of them could be compared."""

    original = CallSummary()
    replay = CallSummary()
    equal = serializers.BooleanField()
    status = StatusPair()
    headers = HeaderDifference(many=True)
    body = BodyDifference(many=True)
    notes = serializers.ListField(child=serializers.CharField(), help_text="What could not be compared or was not sent again, in words.")


class FindingShape(serializers.Serializer[Any]):
    location = serializers.CharField()
    pointer = serializers.CharField()
    keyword = serializers.CharField()
    message = serializers.CharField()
    expected = serializers.CharField()
    got = serializers.CharField()
    schema = serializers.CharField()
    level = serializers.CharField()


class ValidateRequest(serializers.Serializer[Any]):
    """``path`` and ``query`` map names to values; without ``path`` the path parameters are not judged."""

    environment = serializers.CharField(max_length=200)
    api = serializers.CharField(max_length=200)
    operation = serializers.CharField(max_length=400)
    part = serializers.ChoiceField(["request", "response"])
    status = serializers.IntegerField(required=False, default=200, min_value=100, max_value=599)
    path = serializers.DictField(child=serializers.CharField(), required=False, default=None, allow_null=True)
    query = serializers.DictField(required=False, default=dict, help_text="Values are texts or lists of texts.")
    headers = serializers.DictField(child=serializers.CharField(), required=False, default=dict)
    body = serializers.JSONField(required=False, default=None, allow_null=True)


class ValidateAnswer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["valid", "invalid", "unchecked"])
    malformed = serializers.BooleanField()
    errors = FindingShape(many=True)  # type: ignore[assignment]  # the contract's name; this shape is never asked for its own
    notes = serializers.ListField(child=serializers.CharField())


class LimitShape(serializers.Serializer[Any]):
    limit = serializers.IntegerField()
    seconds = serializers.IntegerField()
    used = serializers.IntegerField()
    remaining = serializers.IntegerField()
    reset = serializers.FloatField(help_text="Seconds until the oldest call leaves the window.")


class RaisedShape(serializers.Serializer[Any]):
    per_minute = serializers.IntegerField()
    until = serializers.DateTimeField()
    approved_by = serializers.CharField()


class PersonLimitShape(LimitShape):
    group = serializers.CharField(help_text="The group whose number won; empty for the default.")
    reason = serializers.CharField()
    candidates = serializers.ListField(child=serializers.DictField())
    raised = RaisedShape(allow_null=True, help_text="The elevation that decides instead of the groups, while it lasts.")


class PlatformLimitShape(LimitShape):
    environment = serializers.CharField()
    platform = serializers.CharField()


class QuotaAnswer(serializers.Serializer[Any]):
    person = PersonLimitShape()
    platforms = PlatformLimitShape(many=True)
    local = serializers.BooleanField()


@extend_schema(
    operation_id="listCalls",
    parameters=[CallQuery],
    responses=CallList,
    tags=["calls"],
)
@api_view(["GET"])
def calls(request: SignedInApiRequest) -> Response:
    """What you sent, and what you tried to send; newest first."""
    query = CallQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    wanted = query.validated_data
    filters = {name: wanted[name] for name in ("environment", "api", "state")}
    rows, following = selectors.page_of(selectors.calls_of(request.caller, **filters), before=wanted["cursor"], limit=wanted["limit"])
    kept = {name: value for name, value in filters.items() if value}
    address = f"{settings.PORTAL_PUBLIC_URL}{reverse('api-calls')}?"
    following_url = address + urlencode(kept | {"limit": wanted["limit"], "cursor": following}) if following else None
    return _no_store(Response({"results": CallSummary(rows, many=True).data, "next": following_url}))


@extend_schema(operation_id="getCall", responses=CallDetail, tags=["calls"])
@api_view(["GET"])
def call(request: SignedInApiRequest, call_id: UUID) -> Response:
    """One call of yours: findings, timings, masked headers, bodies, the entries of the log. The platform team reads any."""
    return _no_store(Response(CallDetail(selectors.call_for(request.caller, call_id)).data))


@extend_schema(operation_id="replayCall", request=ReplayRequest, responses=ReplayAnswer, tags=["calls"])
@api_view(["POST"])
def replay(request: SignedInApiRequest, call_id: UUID) -> Response:
    """Send a call of yours again in another environment and compare the answers; only what changes nothing, and as a call like any other."""
    original = selectors.own_call(request.caller, call_id)
    wanted = ReplayRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    confirm = request.headers.get(CONFIRM, "")
    done = run_again(original, wanted.validated_data["environment"], by=request.caller, confirm=confirm)
    if done.error is not None:
        done.error.extra["call"] = str(done.id)
        raise done.error
    if done.call is None or done.comparison is None:
        raise Unavailable(f"The platform answered, but the record comes late. Look at call {done.id} in a moment.", call=str(done.id))
    summaries = {"original": CallSummary(original).data, "replay": CallSummary(done.call).data}
    answer = _no_store(Response(summaries | document(done.comparison)))
    answer["X-Portal-Call"] = str(done.id)
    return answer


@extend_schema(operation_id="validateMessage", request=ValidateRequest, responses=ValidateAnswer, tags=["calls"])
@api_view(["POST"])
def validate(request: SignedInApiRequest) -> Response:
    """Check a request or a response against the document without calling anything."""
    wanted = ValidateRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    data = wanted.validated_data
    message = selectors.Message(
        part=data["part"],
        status=data["status"],
        path=data["path"],
        query=urlencode(data["query"], doseq=True),
        headers=tuple(data["headers"].items()),
        body=data["body"],
    )
    verdict = selectors.check_message(data["environment"], data["api"], data["operation"], message)
    return _no_store(Response(selectors.verdict_document(verdict)))


@extend_schema(
    operation_id="getQuota",
    parameters=[OpenApiParameter("environment", str, description="Only the platforms of this environment.")],
    responses=QuotaAnswer,
    tags=["calls"],
)
@api_view(["GET"])
def quota(request: SignedInApiRequest) -> Response:
    """Your limits, what is left of them, and which rule decided."""
    limits = selectors.limits_of(request.caller)
    chosen = request.query_params.get("environment", "")
    platforms = [one for one in limits.platforms if chosen in {"", one.environment}]
    person = _usage(limits.person) | {
        "group": limits.group,
        "reason": limits.reason,
        "candidates": [{"group": group, "per_minute": number} for group, number in limits.candidates],
        "raised": RaisedShape(limits.raised).data if limits.raised else None,
    }
    return _no_store(
        Response(
            {
                "person": person,
                "platforms": [{"environment": one.environment, "platform": one.platform} | _usage(one.usage) for one in platforms],
                "local": limits.local,
            }
        )
    )


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "limit": usage.window.limit,
        "seconds": usage.window.seconds,
        "used": usage.used,
        "remaining": usage.remaining,
        "reset": round(usage.reset, 3),
    }


def _no_store(response: Response) -> Response:
    response["Cache-Control"] = "no-store"
    return response
