"""The Sync page: what was read from Git, what stood in the way, and reading it again."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from catalog import actions, selectors
from catalog.models import Branch, BranchFile, Finding, RulesRevision, Source, SyncRun
from identity.callers import SignedInRequest
from portal.web.pages import render_page
from portal.web.roles import for_role

RUNS_SHOWN = 5
FINDINGS_SHOWN = 5  # of one file
FILES_SHOWN = 200  # with trouble, of one source


@dataclass(slots=True)
class FileView:
    """A document that is not shown as Git has it."""

    file: BranchFile
    findings: list[Finding]
    in_force: str = ""  # commit of the last good revision, which is shown meanwhile


@dataclass(slots=True)
class BranchView:
    branch: Branch
    published: int = 0
    troubles: list[FileView] = field(default_factory=list)

    @property
    def tone(self) -> str:
        return {"fresh": "good", "never": "", "partial": "warning"}.get(self.branch.state, "bad")

    @property
    def word(self) -> str:
        words = {"fresh": "up to date", "never": "not read yet", "partial": "in part", "gone": "branch gone", "empty": "no documents"}
        return words.get(self.branch.state, self.branch.state)


@dataclass(slots=True)
class SourceView:
    source: Source
    running: SyncRun | None
    waiting: bool
    runs: list[SyncRun]
    branches: list[BranchView]

    @property
    def tone(self) -> str:
        return {"fresh": "good", "partial": "warning", "failed": "bad"}.get(self.source.state, "")

    @property
    def word(self) -> str:
        words = {"fresh": "up to date", "partial": "in part", "failed": "refused" if self.source.kind == "rules" else "not readable"}
        return words.get(self.source.state, "not read yet")


@for_role("platform")
@require_safe
def overview(request: SignedInRequest) -> HttpResponse:
    """Every source with its branches. Asked again by the page itself while something is being read."""
    return _page(request)


@for_role("platform")
@require_POST
def start(request: SignedInRequest, source: str) -> HttpResponse:
    """Make a source due now."""
    actions.request_sync(selectors.source(source), by=request.caller.actor)
    if getattr(request, "htmx", None):
        return _page(request)
    return HttpResponseRedirect(f"{reverse('sync')}#source-{source}")


def _page(request: SignedInRequest) -> HttpResponse:
    views = source_views()
    revisions = list(selectors.rules_revisions()[:1])
    context = {
        "sources": views,
        "busy": any(view.running or view.waiting for view in views),
        "in_force": selectors.current_rules(),
        "refused": revisions[0] if revisions and not revisions[0].sound else None,
        "warnings": _warnings(revisions),
    }
    return render_page(request, "catalog/sync.html", context, partial="catalog/_sync.html")


def _warnings(revisions: list[RulesRevision]) -> list[dict[str, object]]:
    return revisions[0].findings if revisions and revisions[0].sound else []


def source_views() -> list[SourceView]:
    """The sources as the page shows them, in a number of queries that does not grow with them."""
    sources, now = list(selectors.sources()), timezone.now()
    order = selectors.current_rules().environment_names
    branches = [branch for source in sources for branch in source.branches.all() if branch.active and branch.environment in order]
    runs = selectors.newest_runs(sources, RUNS_SHOWN)
    views = {branch.pk: BranchView(branch) for branch in branches}
    files = selectors.files_of(branches)
    troubled = [file for file in files if file.state != "published"][:FILES_SHOWN]
    found = selectors.errors_of([file.compilation_id for file in troubled if file.compilation_id], FINDINGS_SHOWN)
    for file in files:
        views[file.branch_id].published += file.state == "published"
    shown = selectors.commits_shown(branches)
    for file in troubled:
        in_force = shown.get((file.branch_id, file.path), "")
        views[file.branch_id].troubles.append(FileView(file, found.get(file.compilation_id or 0, []), in_force))
    return [
        SourceView(
            source=source,
            running=next(
                (run for run in runs[source.pk] if run.finished_at is None and source.lease_until and source.lease_until > now), None
            ),
            waiting=source.due_at <= now,
            runs=[run for run in runs[source.pk] if run.finished_at is not None],
            branches=sorted(
                (view for view in views.values() if view.branch.source_id == source.pk),
                key=lambda view: order.index(view.branch.environment),
            ),
        )
        for source in sources
    ]
