"""Pages of the catalog: APIs, one API, one operation, its schemas, search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from catalog import curl, drift_reading, operation_reading, outline, prose, selectors, try_it
from catalog.models import Document, Operation, Publication
from catalog.reading import Address, TreeBuilder, schema_name
from catalog.rules import Environment, PlatformAt
from identity.callers import SignedInRequest
from portal.errors import NotFound
from portal.web.pages import render_page

FINDINGS_SHOWN = 50
SEARCH_LIMIT = 30
PALETTE_LIMIT = 8
SEARCH_OTHERS = 6  # APIs and schemas beside the operations
NEARBY = 15  # operations before and after, in the document's order
TREE_CACHE = "private, max-age=31536000, immutable"  # the address carries the document's hash and that of its chips


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another environment that has what this one lacks."""

    name: str
    title: str
    url: str


def _environment(request: SignedInRequest, name: str) -> Environment:
    """Raises NotFound ``unknown_environment`` naming those that exist."""
    known = selectors.environments_for(request.caller.access)
    found = next((one for one in known if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in known) or "none yet"
        raise NotFound(f"There is no environment {name!r}. There are: {names}.", code="unknown_environment")
    return found


def _elsewhere(names: list[str], view: str, **arguments: str) -> list[Elsewhere]:
    rules = selectors.current_rules()
    titles = {one.name: one.title for one in rules.environments}
    return [Elsewhere(name, titles.get(name, name), reverse(view, kwargs={**arguments, "environment": name})) for name in names]


def _operations_of(document: Document, beside: drift_reading.Beside) -> list[outline.TagGroup]:
    return outline.by_tag(document, beside.mark(selectors.operations(document.pk)))


def _place(publication: Publication, environment: Environment) -> dict[str, Any]:
    """What every page inside an API needs."""
    target = _target(publication)
    return {
        "publication": publication,
        "api": publication.api,
        "document": publication.document,
        "environment": environment,
        "target": target,
        "target_url": _target_url(target),
        "beside": drift_reading.Beside(publication),
    }


def _target(publication: Publication) -> PlatformAt | None:
    return selectors.current_rules().platform_at(publication.api.platform, publication.environment)


def _target_url(target: PlatformAt | None) -> str:
    return "" if target is None or target.mock else target.base_url


@require_safe
@gzip_page
def apis(request: SignedInRequest) -> HttpResponse:
    """Every API, a cell per environment. Facets are in the query."""
    access = request.caller.access
    everything = selectors.apis(access)
    names = ("platform", "environment", "owner", "q")
    chosen = {name: request.GET.get(name, "").strip() for name in names}
    rows = selectors.apis(access, **chosen) if any(chosen.values()) else everything
    lifecycle = request.GET.get("lifecycle", "")
    if lifecycle:
        rows = [row for row in rows if row.lifecycle == lifecycle]
    environments = selectors.environments_for(access)
    preferred = chosen["environment"]
    for_count = [row.environments.get(preferred) or next(iter(row.environments.values())) for row in rows]
    return render_page(
        request,
        "catalog/apis.html",
        {
            "rows": [
                {
                    "api": row,
                    "environment": preferred if preferred in row.environments else next(iter(row.environments)),
                    "cells": [(environment, row.environments.get(environment.name)) for environment in environments],
                }
                for row in rows
            ],
            "environments": environments,
            "operation_count": sum(at.operations for at in for_count),
            "chosen": chosen | {"lifecycle": lifecycle},
            "filtered": any(chosen.values()) or bool(lifecycle),
            "facets": {
                "platform": sorted({row.platform for row in everything}),
                "owner": sorted({row.owner for row in everything if row.owner}),
                "lifecycle": sorted({row.lifecycle for row in everything if row.lifecycle}),
            },
        },
        partial="catalog/_apis.html",
    )


@require_safe
def api_anywhere(request: SignedInRequest, api: str) -> HttpResponse:
    """``/apis/{api}`` leads to the first environment that has it."""
    row = selectors.api_row(request.caller.access, api)
    return HttpResponseRedirect(reverse("api", kwargs={"api": api, "environment": next(iter(row.environments))}))


@require_safe
@gzip_page
def api(request: SignedInRequest, api: str, environment: str) -> HttpResponse:
    """One API in one environment: what it is, where it goes, what was found in its document, its operations."""
    place = _environment(request, environment)
    row = selectors.api_row(request.caller.access, api)
    if environment not in row.environments:
        return _missing(request, place, list(row.environments), "api", row.title or api, api=api)
    publication = selectors.api_in(environment, api)
    document = publication.document
    findings = selectors.findings_of(publication)
    context = _place(publication, place)
    context |= {
        "row": row,
        "at": row.environments[environment],
        "description": prose.render(str(document.info.get("description") or "")),
        "groups": _operations_of(document, context["beside"]),
        "findings": findings[:FINDINGS_SHOWN],
        "finding_count": len(findings),
        "schemes": _schemes(document),
        "tree_url": _tree_url(publication),
    }
    return render_page(request, "catalog/api.html", context)


def _schemes(document: Document) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """name, kind in words, scopes with their descriptions"""
    found = []
    for name, scheme in document.security_schemes.items():
        if not isinstance(scheme, dict):
            continue
        flows = scheme.get("flows")
        scopes: dict[str, str] = {}
        for flow in flows.values() if isinstance(flows, dict) else ():
            if isinstance(flow, dict) and isinstance(flow.get("scopes"), dict):
                scopes.update({str(scope): str(text) for scope, text in flow["scopes"].items()})
        kind = " ".join(str(scheme.get(part, "")) for part in ("type", "scheme", "in", "name") if scheme.get(part))
        found.append((name, kind, sorted(scopes.items())))
    return found


def _tree_url(publication: Publication) -> str:
    return reverse(
        "tree",
        kwargs={"api": publication.api.slug, "environment": publication.environment, "digest": publication.document.digest[:16]},
    )


@require_safe
@gzip_page
def tree(request: SignedInRequest, api: str, environment: str, digest: str) -> HttpResponse:
    """All operations of an API as one fragment, kept by the browser for as long as neither the document nor the chips change."""
    _environment(request, environment)
    publication = selectors.api_in(environment, api)
    beside = drift_reading.Beside(publication)
    asked = f"?drift={request.GET['drift']}" if "drift" in request.GET else ""
    if not publication.document.digest.startswith(digest) or len(digest) < 16 or asked != beside.tree_query:
        return HttpResponseRedirect(_tree_url(publication) + beside.tree_query)
    groups = _operations_of(publication.document, beside)
    context = {"groups": groups, "api": publication.api, "environment": environment, "document": publication.document}
    response = render_page(request, "catalog/_tree.html", context)
    response["Cache-Control"] = TREE_CACHE
    patch_vary_headers(response, ["Cookie"])
    return response


@require_safe
@gzip_page
def operation(request: SignedInRequest, api: str, environment: str, operation: str) -> HttpResponse:
    """One operation in one environment. Where it is missing, a page that says so and where it is."""
    place = _environment(request, environment)
    try:
        publication, found = selectors.operation_in(environment, api, operation)
    except NotFound as refusal:
        having = refusal.extra.get("environments") or []
        if not having:
            raise
        return _missing_operation(request, place, having, api, operation)
    access = request.caller.access
    reading = operation_reading.read(found, document=publication.document, access=access, platform=publication.api.platform)
    panel = try_it.panel(found, publication, environment=place, at=_target(publication), access=access, scopes=reading.scopes)
    context = _place(publication, place)
    context |= {
        "operation": found,
        "reading": reading,
        "nearby": context["beside"].mark(_nearby(publication.document, found)),
        "drift": context["beside"].notice(found),
        "tree_url": _tree_url(publication),
        "try_it": panel,
        "curl": curl.command(panel, method=found.method, path=found.path, portal=settings.PORTAL_PUBLIC_URL),
    }
    return render_page(request, "catalog/operation.html", context)


def _nearby(document: Document, operation: Operation) -> list[Operation]:
    """The operations around this one: what the left column shows until the whole tree is there, or without script."""
    window = (operation.position - NEARBY, operation.position + NEARBY)
    return list(selectors.operations(document.pk).filter(position__range=window))


def _missing_operation(request: SignedInRequest, place: Environment, having: list[str], api: str, key: str) -> HttpResponse:
    if selectors.environments_having(api, key=key):
        _, found = selectors.operation_in(having[0], api, key)
        what = found.summary or f"{found.method} {found.path}"
        return _missing(request, place, having, "operation", what, operation=found, api=api)
    title = selectors.api_in(having[0], api).api.title
    return _missing(request, place, having, "api", title or api, api=api)


def _missing(
    request: SignedInRequest, place: Environment, having: list[str], view: str, what: str, *, api: str, operation: Operation | None = None
) -> HttpResponse:
    """404, explained: never another environment's text under this one's name."""
    arguments = {"api": api, "operation": operation.key} if operation else {"api": api}
    here = place.name in selectors.environments_having(api)
    context = {
        "what": what,
        "kind": "operation" if view == "operation" else "API",
        "environment": place,
        "elsewhere": _elsewhere(having, view, **arguments),
        "operation": operation,
        "api_slug": api,
        "api_url": reverse("api", kwargs={"api": api, "environment": place.name}) if here else "",
        "drift_url": f"{reverse('api-drift', kwargs={'api': api, 'environment': place.name})}?{urlencode({'from': having[-1]})}"
        if here
        else "",
    }
    return render_page(request, "catalog/missing.html", context, status=404)


@require_safe
def operation_swagger(request: SignedInRequest, api: str, environment: str, operation: str) -> HttpResponse:
    """The operation's slice in Swagger UI, which sends through the gateway."""
    place = _environment(request, environment)
    publication, found = selectors.operation_in(environment, api, operation)
    return render_page(request, "catalog/swagger.html", _place(publication, place) | {"operation": found})


@require_safe
@gzip_page
def schemas(request: SignedInRequest, api: str, environment: str) -> HttpResponse:
    """One schema by its address, or the list of all. htmx gets only the rows below it."""
    place = _environment(request, environment)
    publication = selectors.api_in(environment, api)
    pointer, key = request.GET.get("pointer", ""), request.GET.get("operation", "")
    context = _place(publication, place) | {"tree_url": _tree_url(publication)}
    if not pointer:
        pointers = selectors.schema_pointers(publication.document_id)
        context["schemas"] = [(schema_name(one), Address(one).query) for one in pointers]
        return render_page(request, "catalog/schemas.html", context)
    found = selectors.operation_in(environment, api, key)[1] if key else None
    texts, schema, address = operation_reading.located(publication.document_id, found, Address(pointer, key))
    if schema is None:
        raise NotFound(f"There is no schema at {pointer} in {api} in {environment}.", code="unknown_schema")
    node = TreeBuilder(texts).tree(schema, address)
    context |= {
        "node": node,
        "operation": found,
        "pointer": address.pointer,
        "name": node.title or schema_name(address.pointer),
        "source": _source(schema),
    }
    return render_page(request, "catalog/schema.html", context, partial="catalog/_children.html")


def _source(schema: Any) -> str:
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()


# What the palette offers besides what is in the catalog: words, address.
ACTIONS = (
    ("Create a token", "/tokens"),
    ("Make an access key", "/keys"),
    ("My calls", "/calls"),
    ("Drift between environments", "/drift"),
    ("My quotas", "/quotas"),
    ("Create a webhook endpoint", "/webhooks"),
    ("My sign-ins", "/account"),
    ("Portal API", "/api/docs/"),
)


@require_safe
@gzip_page
def search(request: SignedInRequest) -> HttpResponse:
    """Operations, APIs and schemas for a few words: an ordinary page, and the rows of the palette."""
    text, environment = request.GET.get("q", "").strip()[:200], request.GET.get("environment", "")[:100]
    platform = request.GET.get("platform", "")[:100]
    palette = "palette" in request.GET
    access, limit = request.caller.access, PALETTE_LIMIT if palette else SEARCH_LIMIT
    words = text.lower().split()
    context = {
        "text": text,
        "palette": palette,
        "chosen": {"environment": environment, "platform": platform},
        "environments": selectors.environments_for(access),
        "operations": selectors.search_operations(access, text, environment=environment, platform=platform, limit=limit),
        "apis": [
            (row, environment or next(iter(row.environments)))
            for row in selectors.search_apis(access, text, environment, platform, SEARCH_OTHERS)
        ],
        "schemas": [
            (hit, schema_name(hit.pointer), Address(hit.pointer).query)
            for hit in selectors.search_schemas(access, text, environment=environment, platform=platform, limit=SEARCH_OTHERS)
        ],
        "actions": [action for action in ACTIONS if all(word in action[0].lower() for word in words)] if palette else [],
        "repeated_titles": selectors.repeated_titles(),
        "limit": limit,
    }
    return render_page(request, "catalog/search.html", context, partial="catalog/_results.html")
