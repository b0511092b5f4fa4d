"""Sources, their branches and runs, and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from catalog.models import Branch, BranchFile, Finding, Publication, Source, SyncRun
from catalog.selectors.rules import storable
from portal.errors import NotFound


def sources() -> QuerySet[Source]:
    """Every source the rules name, the rules themselves first, with their branches."""
    return Source.objects.filter(active=True).prefetch_related("branches").order_by("-kind", "name")


def troubles_of(sources: Iterable[Source]) -> dict[int, list[BranchFile]]:
    """Branch id → its documents that are not published as they are now in Git. One query."""
    rows = BranchFile.objects.filter(branch__source__in=list(sources)).exclude(state="published").order_by("branch", "path")
    found: dict[int, list[BranchFile]] = {}
    for row in rows:
        found.setdefault(row.branch_id, []).append(row)
    return found


def source(name: str) -> Source:
    """Raises NotFound ``unknown_source``."""
    found = Source.objects.filter(active=True, name=name).first() if storable(name) else None
    if found is None:
        raise NotFound(f"There is no source {name!r}.", code="unknown_source")
    return found


def findings_of(publication: Publication) -> list[Finding]:
    """What the engine found in a published document, errors first."""
    return _graded(Finding.objects.filter(compilation_id=publication.compilation_id))


def files_of(branches: Sequence[Branch]) -> list[BranchFile]:
    """The documents of these branches as last seen, those with trouble first, findings at hand."""
    rows = (
        BranchFile.objects.filter(branch__in=branches).select_related("compilation").annotate(finding_count=Count("compilation__findings"))
    )
    order = {"refused": 0, "gone": 1, "skipped": 2, "published": 3}
    return sorted(rows, key=lambda row: (order.get(row.state, 9), row.path))


def commits_shown(branches: Sequence[Branch]) -> dict[tuple[int, str], str]:
    """(branch id, path) → commit of what these branches show now. One query."""
    rows = Publication.objects.filter(branch__in=branches, current=True).values_list("branch_id", "path", "commit")
    return {(branch, path): commit for branch, path, commit in rows}


def _graded(rows: Iterable[Finding]) -> list[Finding]:
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(rows, key=lambda row: (order.get(row.level, 9), row.file, row.line or 0))


def newest_runs(sources: Iterable[Source], count: int) -> dict[int, list[SyncRun]]:
    """The last ``count`` readings of each source, newest first. One query."""
    ranked = SyncRun.objects.annotate(rank=Window(RowNumber(), partition_by=F("source_id"), order_by=F("pk").desc()))
    found: dict[int, list[SyncRun]] = {source.pk: [] for source in sources}
    for run in ranked.filter(source_id__in=list(found), rank__lte=count).order_by("-pk"):
        found[run.source_id].append(run)
    return found


def errors_of(compilations: Iterable[int], count: int) -> dict[int, list[Finding]]:
    """The first ``count`` errors of each refused compilation. One query."""
    ranked = Finding.objects.annotate(rank=Window(RowNumber(), partition_by=F("compilation_id"), order_by=F("pk").asc()))
    found: dict[int, list[Finding]] = {}
    for finding in ranked.filter(compilation_id__in=set(compilations), level="error", rank__lte=count).order_by("pk"):
        found.setdefault(finding.compilation_id or 0, []).append(finding)
    return found


def running_sources() -> set[int]:
    """Ids of the sources a worker is reading now."""
    return set(Source.objects.filter(lease_until__gt=timezone.now()).values_list("pk", flat=True))


def runs(source: Source) -> QuerySet[SyncRun]:
    """The readings of a source, newest first."""
    return SyncRun.objects.filter(source=source).order_by("-pk")
