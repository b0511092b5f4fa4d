"""How an API differs between environments. Nothing is compared here: what a worker found out is looked up.

A pair of environments is read from the old side to the new one: what changes for who knows the old side and meets the
new. Neighbours are read against the promotion, from production to staging: what comes with the next promotion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalog.comparing import RULES_VERSION
from catalog.models import Api, Branch, Comparison, Operation, Publication
from catalog.selectors.apis import api_in, current_publications
from catalog.selectors.rules import current_rules
from portal.errors import Malformed, NotFound

Pair = tuple[str, str]  # names of the old and the new environment
IN_SYNC, CHANGED, MISSING, NEVER_SYNCED, WAITING, FAILED = "in_sync", "changed", "missing", "never_synced", "not_compared", "failed"


@dataclass(frozen=True, slots=True)
class DriftCell:
    """One API in one pair of environments. ``missing_in``: the environment that does not show it; ``reason``: why there
    is no verdict, in a sentence. Counts are 0 where there is none."""

    old: str
    new: str
    state: str
    breaking: int = 0
    warning: int = 0
    info: int = 0
    missing_in: str = ""
    reason: str = ""

    @property
    def total(self) -> int:
        return self.breaking + self.warning + self.info


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One API of the matrix, a cell for each pair that was asked for."""

    slug: str
    title: str
    platform: str
    api_id: int
    cells: list[DriftCell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DriftDetail:
    """What changed for one API from one environment to another. ``operations`` and ``changes`` as ``catalog.comparing``
    says; the worst first."""

    old: Publication
    new: Publication
    cell: DriftCell
    operations: dict[str, list[int]] = field(default_factory=dict)
    changes: list[dict[str, str]] = field(default_factory=list)


def neighbours(names: Sequence[str]) -> list[Pair]:
    """The pairs of neighbouring environments, what is nearest to production first."""
    return [(names[place], names[place - 1]) for place in range(len(names) - 1, 0, -1)]


def neighbour_of(names: Sequence[str], environment: str) -> Pair | None:
    """The pair an environment is looked at in: with the one it is promoted to, the last with the one before it."""
    pairs = neighbours(names)
    return next((pair for pair in pairs if pair[1] == environment), next((pair for pair in pairs if pair[0] == environment), None))


def pair_of(names: Sequence[str], old: str, new: str) -> Pair:
    """The pair that was asked for, of the environments ``names``; what is left open is the last one and the one before it.

    Raises NotFound ``unknown_environment``, Malformed for an environment and itself.
    """
    for name in (old, new):
        if name and name not in names:
            raise NotFound(f"There is no environment {name!r}. There are: {', '.join(names) or 'none yet'}.", code="unknown_environment")
    if len(names) < 2:
        raise NotFound("Drift needs two environments; the rules name fewer.", code="unknown_environment")
    old = old or next(name for name in reversed(names) if name != new)
    new = new or beside(names, old)
    if old == new:
        raise Malformed(f"from and to are both {old}: name two environments.")
    return old, new


def beside(names: Sequence[str], environment: str) -> str:
    """The other environment of its pair; "" where there is none."""
    return next((name for name in neighbour_of(names, environment) or () if name != environment), "")


def drift_matrix(pairs: Sequence[Pair]) -> list[DriftRow]:
    """Every API that one of the environments shows, by title, with a cell for each pair. Three queries whatever their number."""
    names = {name for pair in pairs for name in pair}
    rows = Publication.objects.filter(current=True, environment__in=names).select_related("api", "document", "branch")
    shown: dict[int, dict[str, Publication]] = {}
    for row in rows.only(*_SIDE):
        shown.setdefault(row.api_id, {})[row.environment] = row
    comparisons = {(one.old_digest, one.new_digest): one for one in Comparison.objects.filter(rules=RULES_VERSION).defer("body")}
    unread = _never_read(names)
    found = []
    for sides in shown.values():
        api: Api = next(iter(sides.values())).api
        cells = [_cell(pair, sides, comparisons, unread) for pair in pairs]
        found.append(DriftRow(api.slug, api.title, api.platform, api.pk, cells))
    return sorted(found, key=lambda row: (row.title.casefold(), row.slug))


_SIDE = ("environment", "branch__source", "document__digest", "document", "branch", "api", "api__slug", "api__title", "api__platform")


def _never_read(names: Iterable[str]) -> set[tuple[int, str]]:
    """(source id, environment) of branches nothing was ever published from."""
    rows = Branch.objects.filter(active=True, published_at=None, environment__in=names)
    return set(rows.values_list("source_id", "environment"))


def _cell(pair: Pair, sides: dict[str, Publication], comparisons: dict[Pair, Comparison], unread: set[tuple[int, str]]) -> DriftCell:
    old, new = (sides.get(name) for name in pair)
    if old is not None and new is not None:
        return _judged(pair, old, new, comparisons.get((old.document.digest, new.document.digest)))
    missing = [name for name, side in zip(pair, (old, new), strict=True) if side is None]
    sources = {side.branch.source_id for side in sides.values()}
    unseen = any((source, name) in unread for source in sources for name in missing)
    return DriftCell(*pair, NEVER_SYNCED if unseen else MISSING, missing_in=", ".join(missing))


def _judged(pair: Pair, old: Publication, new: Publication, comparison: Comparison | None) -> DriftCell:
    if old.document.digest == new.document.digest:
        return DriftCell(*pair, IN_SYNC)
    if comparison is None or comparison.state == "waiting":
        return DriftCell(*pair, WAITING, reason="A worker has not compared these two yet.")
    if comparison.state == "failed":
        return DriftCell(*pair, FAILED, reason=comparison.reason)
    counts = comparison.breaking, comparison.warning, comparison.info
    return DriftCell(*pair, CHANGED if any(counts) else IN_SYNC, *counts)


def drift_of(slug: str, pair: Pair) -> DriftDetail:
    """What changed for one API. Three queries; two when both sides show the same document. Raises NotFound ``unknown_api``."""
    old, new = (api_in(name, slug) for name in pair)
    return _detail(pair, old, new)


def drift_beside(publication: Publication, names: Sequence[str]) -> DriftDetail | None:
    """How what an environment shows differs from its neighbour; None where the neighbour does not show the API.
    ``names``: the environments in promotion order. Two queries at most."""
    pair = neighbour_of(names, publication.environment)
    if pair is None:
        return None
    other = current_publications(beside(names, publication.environment)).filter(api_id=publication.api_id).first()
    if other is None:
        return None
    sides = (publication, other) if pair[0] == publication.environment else (other, publication)
    return _detail(pair, *sides)


def _detail(pair: Pair, old: Publication, new: Publication) -> DriftDetail:
    digests = old.document.digest, new.document.digest
    same = digests[0] == digests[1]
    comparison = None if same else Comparison.objects.filter(old_digest=digests[0], new_digest=digests[1], rules=RULES_VERSION).first()
    value = comparison.value if comparison else {}
    return DriftDetail(old, new, _judged(pair, old, new, comparison), **value)


def wanted_comparisons() -> list[Pair]:
    """The digests of every two different documents that two environments show of one API, in both directions;
    those of neighbours, as they are shown most, first. Two queries."""
    names = current_rules().environment_names
    shown: dict[int, dict[str, str]] = {}
    rows = Publication.objects.filter(current=True, environment__in=names)
    for api, environment, digest in rows.values_list("api_id", "environment", "document__digest"):
        shown.setdefault(api, {})[environment] = digest
    first = neighbours(names)
    order = [*first, *((old, new) for old in names for new in names if old != new and (old, new) not in first)]
    pairs = ((sides.get(old), sides.get(new)) for old, new in order for sides in shown.values())
    return list(dict.fromkeys((old, new) for old, new in pairs if old and new and old != new))


def operation_keys(document_id: int) -> dict[str, tuple[str, str]]:
    """``METHOD /path`` → (key, summary) of a document's operations. One query."""
    rows = Operation.objects.filter(document_id=document_id).values_list("method", "path", "key", "summary")
    return {f"{method} {path}": (key, summary) for method, path, key, summary in rows}
