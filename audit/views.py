"""The Audit page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from audit import selectors
from audit.api import read_cursor
from audit.verification import verify_and_keep
from audit.vocabulary import ACTIONS, OUTCOMES
from portal.errors import Malformed
from portal.web.pages import render_page
from portal.web.roles import for_role

PAGE = 50
OUTCOME_WORDS = {"ok": "ok", "refused": "refused", "failed": "failed", "intent": "intent", selectors.OPEN: "no outcome yet"}
OUTCOME_TONES = {"ok": "good", "refused": "warning", "failed": "bad", "intent": "", selectors.OPEN: "bad"}
PROBLEM_LIMIT = 20
LABELS = {
    "actor": "Actor",
    "action": "Action",
    "outcome": "Outcome",
    "environment": "Environment",
    "api": "API",
    "since": "From (UTC)",
    "until": "Before (UTC)",
    "request_id": "Request id",
}


@for_role("platform")
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Entries newest first; facets, page and the opened entry are all in the address."""
    error: Malformed | None = None
    try:
        facets = selectors.facets_from(request.GET)
        found, cursor = selectors.page(facets, before=read_cursor(request.GET.get("cursor", "")), size=PAGE)
    except Malformed as refused:
        facets, found, cursor, error = selectors.Facets(), [], None, refused
    query = facets.as_query()
    here = query | ({"cursor": request.GET["cursor"]} if request.GET.get("cursor") else {})
    context = {
        "rows": [_row(item, here) for item in selectors.described(found)],
        "error": error,
        "values": {name: request.GET.get(name, "") for name in (*selectors.TEXT_FACETS, "since", "until")},
        "actions": _choices(),
        "apis": selectors.known_apis(),
        "error_texts": [_labelled(finding) for finding in error.errors] if error else [],
        "outcomes": [(name, OUTCOME_WORDS[name]) for name in (*OUTCOMES, selectors.OPEN)],
        "filtered": bool(query),
        "next_url": f"?{urlencode(query | {'cursor': str(cursor)})}" if cursor else "",
        "first_url": f"?{urlencode(query)}" if request.GET.get("cursor") else "",
        "export_query": urlencode(query),
        "opened": _opened(request.GET.get("entry", ""), here),
        "sealed_to": selectors.sealed_to(),
        "verification": selectors.last_verification(),
    }
    return render_page(request, "audit/index.html", context, partial="audit/_log.html", status=400 if error else 200)


def _choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every noun with its actions, each in the words of its sentence."""
    nouns: dict[str, list[tuple[str, str]]] = {}
    for name, action in sorted(ACTIONS.items()):
        nouns.setdefault(name.split(":")[0], []).append((name, action.words))
    return list(nouns.items())


def _labelled(finding: Mapping[str, Any]) -> str:
    """A finding about a facet, which is called here as the page labels it."""
    name = str(finding.get("pointer", "")).lstrip("/")
    message = str(finding["message"])
    return message.replace(name, LABELS[name], 1) if name in LABELS and message.startswith(name) else message


def _row(item: dict[str, Any], here: dict[str, str]) -> dict[str, Any]:
    return item | {
        "url": f"?{urlencode(here | {'entry': str(item['id'])})}",
        "outcome_words": OUTCOME_WORDS[item["outcome"]],
        "tone": OUTCOME_TONES[item["outcome"]],
    }


def _opened(text: str, here: dict[str, str]) -> dict[str, Any] | None:
    number = read_cursor(text) if text.isdigit() else None
    if number is None:
        return None
    entry = selectors.entry(number)
    (item,) = selectors.described([entry])
    return {
        "item": _row(item, here),
        "data": orjson.dumps(item["data"], option=orjson.OPT_INDENT_2).decode() if item["data"] else "",
        "related": [_row(other, here) for other in selectors.described(selectors.same_request(entry))],
        "close_url": f"?{urlencode(here)}",
    }


@for_role("platform")
@require_POST
def verify_now(request: HttpRequest) -> HttpResponse:
    """Compare the whole log with its seals now, and say what was found."""
    result = verify_and_keep()
    if result.ok:
        messages.success(request, f"Nothing was altered: {result.entries:,} entries compared, sealed to entry {result.sealed_to:,}.")
    else:
        messages.error(request, f"{len(result.problems)} problems found. They are listed below.")
    return HttpResponseRedirect("/audit")
