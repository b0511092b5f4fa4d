"""Everybody's tokens, and who holds what of one API: for architects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from catalog.selectors import current_rules
from identity.callers import SignedInRequest
from identity.selectors import page_number
from portal.web.pages import render_page
from portal.web.roles import for_role
from tokens import actions, holders

PAGE = 50
FACETS = ("platform", "environment", "who")
IMPACT_LEASES = 1_000  # counted for an API


@for_role("architect")
@require_safe
def everybody(request: SignedInRequest) -> HttpResponse:
    """``/tokens/everybody?platform=&environment=&who=&api=&page=``"""
    query = {name: request.GET.get(name, "").strip()[:200] for name in (*FACETS, "api")}
    of_api = holders.api_holders(query["api"]) if query["api"] else None
    asked = {name: query[name] for name in FACETS} | ({"platform": of_api.platform} if of_api else {})
    page = page_number(request.GET.get("page", ""))
    found = holders.everybodys_leases(**asked)
    leases = list(found[(page - 1) * PAGE : page * PAGE + 1])
    rules = current_rules()
    here = {name: value for name, value in query.items() if value}
    context: dict[str, Any] = {
        "query": query,
        "filtered": bool(here),
        "platforms": sorted(rules.platforms),
        "environments": rules.environment_names,
        "rows": [(lease, of_api.reach(lease) if of_api else None) for lease in leases[:PAGE]],
        "of_api": of_api,
        "scopes": of_api.scopes(list(found[:IMPACT_LEASES]), environment=query["environment"]) if of_api else [],
        "next_url": f"?{urlencode(here | {'page': page + 1})}" if len(leases) > PAGE else "",
        "previous_url": f"?{urlencode(here | {'page': page - 1})}" if page > 1 else "",
        "here": request.get_full_path(),
    }
    response = render_page(request, "tokens/everybody.html", context)
    response["Cache-Control"] = "no-store"
    return response


@for_role("architect")
@require_POST
def revoke_anybodys(request: SignedInRequest, lease_id: UUID) -> HttpResponse:
    """End somebody's token."""
    lease = actions.revoke_anybodys(by=request.caller, lease_id=lease_id)
    messages.success(request, f"The token of {lease.session.account} for {lease.platform} in {lease.environment} is over.")
    back = request.POST.get("back", "")
    inside = back.startswith("/tokens/everybody") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return HttpResponseRedirect(back if inside else "/tokens/everybody")
