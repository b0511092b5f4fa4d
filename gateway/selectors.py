"""Reading calls and limits. Whose they are is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet

from catalog import runtime
from catalog.rules import Rules
from catalog.selectors import current_rules, environments_having
from gateway.exchange import findings
from gateway.limits import DEFAULT_PER_MINUTE, person_window, platform_window
from gateway.models import Call
from identity.callers import Caller
from identity.selectors import grants
from portal.errors import NotFound
from quotas.actions import peek
from quotas.windows import Usage, Window
from specs.validate import Verdict

LIST_FIELDS = (
    "id",
    "at",
    "finished_at",
    "method",
    "environment",
    "api",
    "platform",
    "operation",
    "path",
    "query",
    "mocked",
    "state",
    "status",
    "origin",
    "code",
    "request_verdict",
    "response_verdict",
    "timings",
    "response_bytes",
)
PAGE = 50


# --- Calls -------------------------------------------------------------------------------------------------------------


def calls_of(caller: Caller, *, environment: str = "", api: str = "", state: str = "") -> QuerySet[Call]:
    """The caller's own calls, newest first."""
    rows = Call.objects.filter(account_id=caller.account_id).only(*LIST_FIELDS).order_by("-id")
    wanted = {"environment": environment, "api": api, "state": state}
    return rows.filter(**{name: value for name, value in wanted.items() if value})


def page_of(rows: QuerySet[Call], *, before: UUID | None, limit: int = PAGE) -> tuple[list[Call], UUID | None]:
    """Up to ``limit`` calls older than ``before``, and where the next page begins (None on the last)."""
    found = list((rows.filter(id__lt=before) if before else rows)[: limit + 1])
    return found[:limit], (found[limit - 1].id if len(found) > limit else None)


def call_for(caller: Caller, call_id: UUID) -> Call:
    """One call: the caller's own, or anybody's for the platform team. Raises NotFound ``unknown_call``."""
    found = Call.objects.select_related("account").filter(pk=call_id).first()
    if found is None or (found.account_id != caller.account_id and not caller.access.at_least("platform")):
        raise NotFound("There is no such call of yours.", code="unknown_call")
    return found


# --- Limits ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlatformLimit:
    """What everybody together has at one platform in one environment."""

    environment: str
    platform: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """A person's limits now. ``group`` names the group whose number won, "" for the default; ``candidates`` are all of theirs."""

    person: Usage
    group: str
    candidates: list[tuple[str, int]]
    platforms: list[PlatformLimit]
    local: bool  # Redis cannot be asked: these are this process's numbers

    @property
    def reason(self) -> str:
        if self.group:
            return f"The largest per-minute number of your groups; it comes from {self.group}."
        return f"None of your groups names a number, so the default of {DEFAULT_PER_MINUTE} holds."


def limits_of(caller: Caller) -> Limits:
    """What the caller may spend, what is left, and which rule decided. Spends nothing."""
    rules = current_rules()
    places = [(environment, platform) for environment, platform, _ in _limited(rules, caller)]
    windows: list[Window] = [person_window(caller.account_id, caller.access), *(window for _, _, window in _limited(rules, caller))]
    allowance = peek(windows)
    mine = [(grant.group, grant.per_minute) for grant in grants() if grant.group in caller.access.groups and grant.per_minute is not None]
    return Limits(
        person=allowance.usages[0],
        group=caller.access.quota_group,
        candidates=sorted(mine, key=lambda pair: (-pair[1], pair[0])),
        platforms=[
            PlatformLimit(environment, platform, usage) for (environment, platform), usage in zip(places, allowance.usages[1:], strict=True)
        ],
        local=allowance.local,
    )


def _limited(rules: Rules, caller: Caller) -> list[tuple[str, str, Window]]:
    found = []
    for environment in rules.environments:
        if not caller.access.may_read(environment.name):
            continue
        for platform in rules.platforms.values():
            place = platform.at.get(environment.name)
            window = platform_window(place) if place is not None else None
            if window is not None:
                found.append((environment.name, platform.name, window))
    return found


# --- Checking without calling ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wants checked. ``body`` is a JSON value; a text is taken as it is unless the content type is JSON."""

    part: str  # request or response
    status: int = 200
    path: dict[str, str] | None = None
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None


def check_message(environment: str, api: str, operation: str, message: Message) -> Verdict:
    """The verdict on a message that is not sent. Without ``path`` the path parameters are not judged.

    Raises NotFound ``unknown_api`` or ``unknown_operation``, saying where they exist.
    """
    published = runtime.published(environment, api)
    if published is None:
        having = environments_having(api)
        raise NotFound(f"There is no API {api!r} in {environment!r}.{exists_in(having)}", code="unknown_api", environments=having)
    try:
        found = runtime.operation(published.document_id, operation)
    except ObjectDoesNotExist:
        having = environments_having(api, key=operation)
        raise NotFound(
            f"{api} has no operation {operation!r} in {environment!r}.{exists_in(having)}", code="unknown_operation", environments=having
        ) from None
    headers, body = _encoded(message)
    if message.part == "response":
        return found.validator.response(status=message.status, headers=headers, body=body)
    verdict = found.validator.request(path_parameters=message.path or {}, query=message.query, headers=headers, body=body)
    if message.path is None:
        verdict.violations = [one for one in verdict.violations if one.location != "path"]
        if verdict.state == "invalid" and not any(one.level == "error" for one in verdict.violations):
            verdict.state = "unchecked" if verdict.notes else "valid"
    return verdict


def exists_in(environments: list[str]) -> str:
    return f" It exists in {', '.join(environments)}." if environments else ""


def _encoded(message: Message) -> tuple[list[tuple[str, str]], bytes]:
    headers = [(name.lower(), value) for name, value in message.headers]
    if message.body is None:
        return headers, b""
    content_type = next((value for name, value in headers if name == "content-type"), "")
    if not content_type:
        headers.append(("content-type", "application/json"))
    if isinstance(message.body, str) and content_type and "json" not in content_type.lower():
        return headers, message.body.encode()
    return headers, orjson.dumps(message.body)


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the API answers it."""
    return {"state": verdict.state, "malformed": verdict.malformed, "errors": findings(verdict), "notes": list(verdict.notes)}
