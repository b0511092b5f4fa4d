"""The pages and addresses of the shell itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from catalog import selectors as catalog
from catalog.selectors import ApiRow
from gateway import selectors as gateway
from identity.access import Access
from identity.callers import Caller, SignedInRequest
from portal.web.pages import render_page
from tokens import selectors as tokens

CALLS_SHOWN = 8
LEASES_SHOWN = 5
CALLS_COUNTED = 200  # the newest calls that say which APIs are mine
APIS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class MyApi:
    """An API on the home page: one I call, or one that was published lately (``calls`` 0)."""

    api: ApiRow
    environment: str
    calls: int


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """Home: search, my APIs, my tokens, my last calls."""
    caller = request.caller
    rows = catalog.apis(caller.access)
    mine = _mine(caller, rows)
    context = {
        "mine": mine,
        "newest": _newest(rows, without={one.api.slug for one in mine}) if len(mine) < APIS_SHOWN else [],
        "calls": list(gateway.calls_of(caller)[:CALLS_SHOWN]),
        "leases": list(tokens.held_leases(caller)[:LEASES_SHOWN]),
        "api_count": len(rows),
        "operation_count": sum(max(at.operations for at in row.environments.values()) for row in rows),
        "repeated_titles": {title for title, times in Counter(row.title for row in rows).items() if times > 1},
        "scopes": _scopes(caller.access),
    }
    return render_page(request, "home.html", context)


def _mine(caller: Caller, rows: list[ApiRow]) -> list[MyApi]:
    """The APIs of my newest calls, the most called first, each in the environment I called it in most."""
    pairs = gateway.calls_of(caller).values_list("api", "environment")[:CALLS_COUNTED]
    counts = Counter(pairs)
    totals = Counter[str]()
    for (api, _), number in counts.items():
        totals[api] += number
    known = {row.slug: row for row in rows}
    found = []
    for slug, number in totals.most_common():
        row = known.get(slug)
        if row is not None:
            most = max(row.environments, key=lambda name: counts[slug, name])
            found.append(MyApi(row, most, number))
    return found[:APIS_SHOWN]


def _newest(rows: list[ApiRow], *, without: set[str]) -> list[MyApi]:
    def published(row: ApiRow) -> float:
        return max(at.published_at.timestamp() for at in row.environments.values())

    others = sorted((row for row in rows if row.slug not in without), key=published, reverse=True)
    return [MyApi(row, next(iter(row.environments)), 0) for row in others[: APIS_SHOWN - len(without)]]


def _scopes(access: Access) -> list[tuple[str, list[str]]]:
    """What I may ask for, by platform."""
    return sorted((platform, sorted(scopes)) for platform, scopes in access.scopes.items() if scopes)


@login_not_required
def signed_out(request: HttpRequest) -> HttpResponse:
    return render_page(request, "signed_out.html")


@require_safe
def api_documentation(request: HttpRequest) -> HttpResponse:
    """The portal's own document in Swagger UI."""
    return render_page(request, "api_documentation.html")
