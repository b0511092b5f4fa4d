"""Making what was read visible: one environment of one source at a time, all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.actions import PORTAL, record
from catalog.layout import Candidate
from catalog.models import Api, Branch, BranchFile, Compilation, Document, Publication
from catalog.prose import first_sentence


@dataclass(slots=True)
class Read:
    """One file as read: its candidate, and what came of it. ``reason`` is "" for what can be published."""

    candidate: Candidate
    compilation: Compilation | None = None
    reason: str = ""

    @property
    def slug(self) -> str:
        return self.candidate.place.slug if self.candidate.place else ""


@dataclass(slots=True)
class Published:
    """What one publication did: slugs by what happened to them."""

    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # paths
    kept: list[str] = field(default_factory=list)  # shown though Git has them no longer


def publish(
    branch: Branch, *, commit: str, release: str, reads: Sequence[Read], promotion: Sequence[str], read_with: str, rewritten: bool
) -> Published:
    """Show ``reads`` in the branch's environment. What was refused keeps its last good revision, marked stale; what an
    ordinary commit removed goes; what vanished in a rewritten history stays, marked stale."""
    with transaction.atomic():
        branch = Branch.objects.select_for_update().select_related("source").get(pk=branch.pk)
        current = {row.api.slug: row for row in Publication.objects.filter(branch=branch, current=True).select_related("api")}
        taken = _taken_elsewhere(branch, reads)
        for read in reads:
            if not read.reason and read.slug in taken:
                read.reason = taken[read.slug]
        done = Published(refused=[read.candidate.entry.path for read in reads if read.reason and read.candidate.place])
        _show(branch, [read for read in reads if not read.reason], current, commit=commit, release=release, promotion=promotion, done=done)
        _keep_stale(current, {read.slug: read.reason for read in reads if read.reason and read.slug})
        _withdraw(current, {read.slug for read in reads}, rewritten=rewritten, done=done)
        _list_files(branch, reads, commit)
        previous, branch.head = branch.head, commit
        branch.last_good = commit if not done.refused else branch.last_good
        branch.state = "partial" if done.refused or done.kept else "fresh"
        branch.note = _note(done, previous if rewritten else "")
        branch.release, branch.read_with = release, read_with
        branch.rewritten_from = previous if rewritten else ""
        branch.published_at = timezone.now()
        branch.save()
        _tell(branch, done, previous=previous, rewritten=rewritten)
    return done


def _taken_elsewhere(branch: Branch, reads: Sequence[Read]) -> dict[str, str]:
    """Slugs this branch may not publish: another source shows them here, or another place spells the same slug."""
    places = {read.slug: read.candidate.place for read in reads if read.candidate.place and not read.reason}
    refused = {}
    for api in Api.objects.filter(slug__in=places):
        place = places[api.slug]
        if (api.platform, api.name, api.version) != (place.platform, place.name, place.version):
            refused[api.slug] = f"{api.platform}/{api.name}/{api.version} has the same address {api.slug}."
    others = Publication.objects.filter(api__slug__in=places, environment=branch.environment, current=True).exclude(branch=branch)
    for slug, name in others.values_list("api__slug", "branch__source__name"):
        refused[slug] = f"The source {name} already publishes {slug} in {branch.environment}."
    return refused


def _show(
    branch: Branch,
    reads: Sequence[Read],
    current: Mapping[str, Publication],
    *,
    commit: str,
    release: str,
    promotion: Sequence[str],
    done: Published,
) -> None:
    apis = _apis(branch, reads, promotion)
    fresh = []
    for read in reads:
        compilation, entry = read.compilation, read.candidate.entry
        if compilation is None or compilation.document is None:
            raise AssertionError("Only compiled documents are shown.")
        named = str(_portal_fields(compilation.document).get("release") or release)[:255]
        old = current.get(read.slug)
        if old is not None and (old.document_id, old.blob, old.path) == (compilation.document_id, entry.blob, entry.path):
            old.commit, old.release, old.stale, old.stale_reason, old.compilation = commit, named, False, "", compilation
            old.save(update_fields=["commit", "release", "stale", "stale_reason", "compilation"])
            continue
        if old is not None:
            old.current, old.superseded_at = False, timezone.now()
            old.save(update_fields=["current", "superseded_at"])
        fresh.append(
            Publication(
                api=apis[read.slug],
                environment=branch.environment,
                branch=branch,
                document=compilation.document,
                compilation=compilation,
                commit=commit,
                blob=entry.blob,
                path=entry.path,
                release=named,
            )
        )
        done.changed.append(read.slug)
    Publication.objects.bulk_create(fresh, batch_size=500)


def _apis(branch: Branch, reads: Sequence[Read], promotion: Sequence[str]) -> dict[str, Api]:
    """The Api rows of ``reads``. Their words follow the most promoted environment that shows the API."""
    here = promotion.index(branch.environment) if branch.environment in promotion else 0
    slugs = [read.slug for read in reads]
    known = {api.slug: api for api in Api.objects.filter(slug__in=slugs)}
    later = set(
        Publication.objects.filter(api__slug__in=slugs, current=True, environment__in=promotion[here + 1 :]).values_list(
            "api__slug", flat=True
        )
    )
    for read in reads:
        place, compilation = read.candidate.place, read.compilation
        if place is None or compilation is None or compilation.document is None or (read.slug in known and read.slug in later):
            continue
        fixed = {"platform": place.platform, "name": place.name, "version": place.version}
        known[read.slug], _ = Api.objects.update_or_create(slug=read.slug, defaults=fixed | _words(compilation.document))
    return known


def _portal_fields(document: Document) -> dict[str, Any]:
    fields = document.info.get("x-portal")
    return fields if isinstance(fields, dict) else {}


def _words(document: Document) -> dict[str, Any]:
    """Title, owner and the rest from ``info`` and ``info.x-portal``; anything that is not text is left out."""
    info, fields = document.info, _portal_fields(document)
    contact = info.get("contact") if isinstance(info.get("contact"), dict) else {}
    tags = fields.get("tags")

    def text(value: object, limit: int) -> str:
        return value.strip()[:limit] if isinstance(value, str) else ""

    summary = text(info.get("summary"), 1_000) or first_sentence(text(info.get("description"), 4_000))
    return {
        "title": text(info.get("title"), 300),
        "summary": summary,
        "owner": text(fields.get("owner"), 200),
        "contact": text(fields.get("contact"), 300) or text(contact.get("email") or contact.get("url") or contact.get("name"), 300),
        "lifecycle": text(fields.get("lifecycle"), 60),
        "tags": [text(tag, 60) for tag in tags if isinstance(tag, str)][:20] if isinstance(tags, list) else [],
    }


def _keep_stale(current: Mapping[str, Publication], reasons: Mapping[str, str]) -> None:
    for slug, reason in reasons.items():
        row = current.get(slug)
        if row is not None:
            row.stale, row.stale_reason = True, f"Git has something newer that was refused: {reason}"[:1_000]
            row.save(update_fields=["stale", "stale_reason"])


def _withdraw(current: Mapping[str, Publication], present: set[str], *, rewritten: bool, done: Published) -> None:
    for slug, row in current.items():
        if slug in present:
            continue
        if rewritten:
            row.stale, row.stale_reason = True, "It vanished when the branch's history was rewritten."
            done.kept.append(slug)
        else:
            row.current, row.superseded_at = False, timezone.now()
            done.removed.append(slug)
        row.save(update_fields=["stale", "stale_reason", "current", "superseded_at"])


def _list_files(branch: Branch, reads: Sequence[Read], commit: str) -> None:
    BranchFile.objects.filter(branch=branch).delete()
    rows = [
        BranchFile(
            branch=branch,
            path=read.candidate.entry.path,
            blob=read.candidate.entry.blob,
            commit=commit,
            slug=read.slug,
            state="published" if not read.reason else "refused" if read.candidate.place else "skipped",
            reason=read.reason[:1_000],
            compilation=read.compilation,
        )
        for read in reads
    ]
    BranchFile.objects.bulk_create(rows, batch_size=500)


def _note(done: Published, rewritten_from: str) -> str:
    said = []
    if rewritten_from:
        said.append(f"The history was rewritten; it was at {rewritten_from[:12]}.")
    if done.refused:
        said.append(f"{_count(len(done.refused), 'document')} refused.")
    if done.kept:
        said.append(f"{_count(len(done.kept), 'API')} no longer in Git and kept.")
    return " ".join(said)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _tell(branch: Branch, done: Published, *, previous: str, rewritten: bool) -> None:
    """Entries of what was published and of what was refused."""
    source, commit = branch.source.name, branch.head
    place = {"source": source, "branch": branch.name, "commit": commit}
    if done.changed or done.removed or rewritten:
        record(
            "sync:published",
            by=PORTAL,
            subject=source,
            environment=branch.environment,
            **place,
            before=previous,
            apis=done.changed[:200],
            removed=done.removed[:200],
            refused=done.refused[:200],
            release=branch.release,
            rewritten=rewritten,
        )
    if done.refused:
        reason = f"{_count(len(done.refused), 'document')} refused"
        record(
            "sync:refused",
            by=PORTAL,
            outcome="refused",
            subject=source,
            environment=branch.environment,
            code="document_refused",
            **place,
            reason=reason,
            documents=done.refused[:200],
        )


def keep_last_good(branch: Branch, *, state: str, note: str, head: str) -> bool:
    """The branch is gone or empty: everything it published stays, marked stale. False when that was known already."""
    with transaction.atomic():
        branch = Branch.objects.select_for_update().select_related("source").get(pk=branch.pk)
        if (branch.state, branch.note) == (state, note):
            return False
        Publication.objects.filter(branch=branch, current=True).update(stale=True, stale_reason=note)
        BranchFile.objects.filter(branch=branch).update(state="gone", reason=note)
        branch.state, branch.note, branch.read_with = state, note, ""
        branch.save(update_fields=["state", "note", "read_with"])
        record(
            "sync:refused",
            by=PORTAL,
            outcome="refused",
            subject=branch.source.name,
            environment=branch.environment,
            code=f"branch_{state}",
            source=branch.source.name,
            branch=branch.name,
            commit=head or branch.head,
            reason=note,
        )
    return True
