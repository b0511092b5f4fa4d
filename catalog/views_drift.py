"""Pages of drift: every API between neighbouring environments, and what changed for one."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from catalog import drift_reading, selectors
from catalog.selectors.drift import CHANGED, FAILED, MISSING, NEVER_SYNCED, WAITING
from identity.callers import SignedInRequest
from portal.web.pages import render_page
from specs.diff import LEVELS

CHANGES_SHOWN = 500
# What the matrix can be narrowed to: value of ``show`` → words.
SHOWN = {"": "everything", "different": "what differs", "breaking": "breaking changes", "missing": "missing somewhere"}


@require_safe
@gzip_page
def matrix(request: SignedInRequest) -> HttpResponse:
    """APIs × neighbouring environments. What is shown is in the query."""
    environments = selectors.environments_for(request.caller.access)
    titles = {one.name: one.title for one in environments}
    pairs = selectors.neighbours([one.name for one in environments])
    everything = selectors.drift_matrix(pairs) if pairs else []
    chosen = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "platform", "show")}
    rows = [row for row in everything if _chosen(row, **chosen)]
    context = {
        "rows": [(row, [(cell, _missing(cell, titles)) for cell in row.cells]) for row in rows],
        "pairs": [(old, titles[old], new, titles[new]) for old, new in pairs],
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "platforms": sorted({row.platform for row in everything}),
        "shown": SHOWN,
        "breaking": sum(1 for row in rows if any(cell.breaking for cell in row.cells)),
    }
    return render_page(request, "catalog/drift.html", context, partial="catalog/_drift.html")


def _missing(cell: selectors.DriftCell, titles: Mapping[str, str]) -> str:
    """Where the API is not, in words."""
    missing = [titles[name] for name in (cell.old, cell.new) if name in cell.missing_in.split(", ")]
    return " or ".join(missing)


def _chosen(row: selectors.DriftRow, *, q: str, platform: str, show: str) -> bool:
    words = f"{row.slug} {row.title}".lower()
    if q.lower() not in words or (platform and platform != row.platform):
        return False
    states = {cell.state for cell in row.cells}
    if show == "breaking":
        return any(cell.breaking for cell in row.cells)
    if show == "missing":
        return bool(states & {MISSING, NEVER_SYNCED})
    return show != "different" or bool(states & {CHANGED, MISSING, NEVER_SYNCED, WAITING, FAILED})


@require_safe
@gzip_page
def drift(request: SignedInRequest, api: str, environment: str) -> HttpResponse:
    """What changed for one API from ``?from=``, else from its neighbour, to ``environment``, by operation."""
    titles = {one.name: one.title for one in selectors.environments_for(request.caller.access)}
    names, asked = list(titles), request.GET.get("from", "")
    # Whoever switched to the environment that was compared with means the one beside it.
    pair = selectors.pair_of(names, asked if asked and asked != environment else selectors.beside(names, environment), environment)
    detail = selectors.drift_of(api, pair)
    level = request.GET.get("level", "")
    level = level if level in LEVELS else ""
    changes = [one for one in detail.changes if level in ("", one["level"])]
    pages = [(side.environment, selectors.operation_keys(side.document_id)) for side in (detail.new, detail.old)] if changes else []
    counts: dict[str, int] = {name: getattr(detail.cell, name) for name in LEVELS}
    context = {
        "api": detail.new.api,
        "detail": detail,
        "cell": detail.cell,
        "old": (detail.old, titles[pair[0]]),
        "new": (detail.new, titles[pair[1]]),
        "groups": drift_reading.by_operation(changes[:CHANGES_SHOWN], pages),
        "level": level,
        "levels": _levels(request.path, pair[0], level, counts),
        "left_out": (counts[level] if level else detail.cell.total) - len(changes[:CHANGES_SHOWN]),
        "others": _other_pairs(api, pair, titles),
        "same_document": detail.old.document_id == detail.new.document_id,
    }
    return render_page(request, "catalog/api_drift.html", context, partial="catalog/_api_drift.html")


def _levels(path: str, old: str, level: str, counts: Mapping[str, int]) -> list[tuple[str, str, int, bool]]:
    """words, address, number, chosen"""
    every = [("", "All", sum(counts.values()))] + [(name, name.capitalize(), count) for name, count in counts.items()]
    return [
        (words, f"{path}?{urlencode({'from': old} | ({'level': name} if name else {}))}", count, name == level)
        for name, words, count in every
    ]


def _other_pairs(api: str, pair: tuple[str, str], titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """words and address of the other pairs: the same one backwards, and this environment against the rest that show the API"""
    old, new = pair
    wanted = [(new, old), *((name, new) for name in reversed(selectors.environments_having(api)) if name not in pair)]
    return [
        (
            f"{titles[before]} → {titles[after]}",
            f"{reverse('api-drift', kwargs={'api': api, 'environment': after})}?{urlencode({'from': before})}",
        )
        for before, after in wanted
    ]
