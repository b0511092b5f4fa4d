"""One reading of one source: claimed by one worker, told on a run, ended with a sentence."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import timedelta

import orjson
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.actions import PORTAL, Actor, record
from catalog import git, layout
from catalog.actions.compile import compile_entry, refusal
from catalog.actions.drift import request_comparisons, tell_drift
from catalog.actions.progress import LEASE, LeaseLost, Listener, Progress
from catalog.actions.publish import Published, Read, keep_last_good, publish
from catalog.actions.rules import ensure_rules_source, read_rules
from catalog.models import Branch, Publication, Source, SyncRun
from catalog.rules import Rules
from catalog.selectors import current_rules
from specs import ENGINE_VERSION

logger = structlog.get_logger(__name__)

_LONGEST_PAUSE = timedelta(hours=1)
_KEPT_RUNS = 200  # per source


def request_sync(source: Source, *, by: Actor | None = None, trigger: str = "person") -> None:
    """Make the source due now. Many requests before a worker comes are one sync; one during a sync is one more."""
    asked = {"due_at": timezone.now(), "requested_by": by.name[:255] if by else "", "requested_trigger": trigger}
    with transaction.atomic():
        Source.objects.filter(pk=source.pk).update(**asked)
        if by is not None:
            record("sync:started", by=by, subject=source.name, source=source.name, via=trigger)


def request_sync_by_push(name: str, *, sender: str, remote: str) -> bool:
    """Make a source due now because its Git host says that something was pushed; False when it is due already.

    Many pushes before a worker comes are one sync and one entry, and who asked first stays who asked.
    """
    now = timezone.now()
    asked = {"due_at": now, "requested_by": sender, "requested_trigger": "push"}
    with transaction.atomic():
        made = bool(Source.objects.filter(name=name, active=True, due_at__gt=now).update(**asked))
        if made:
            record("sync:started", by=Actor(name=sender, remote=remote), subject=name, source=name, via="push")
    return made


def claim_due(*, names: Sequence[str] = (), even_if_not_due: bool = False) -> tuple[Source, str] | None:
    """Take one due source for this worker: (source, owner), or None. The rules come before the documents they name."""
    ensure_rules_source()
    now, owner = timezone.now(), uuid.uuid4().hex
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    takeable = Source.objects.filter(free, active=True)
    if not even_if_not_due:
        takeable = takeable.filter(due_at__lte=now)
    if names:
        takeable = takeable.filter(name__in=names)
    following = now + timedelta(seconds=settings.SYNC_INTERVAL_SECONDS)
    taken = {"lease_owner": owner, "lease_until": now + LEASE, "due_at": following, "requested_by": "", "requested_trigger": ""}
    for source in takeable.order_by("-kind", "due_at")[:50]:
        # The condition is repeated in the UPDATE: of two workers one changes the row and the other changes none.
        if takeable.filter(pk=source.pk).update(**taken):
            return source, owner  # with who asked for it; a request from now on is the next sync
    return None


def sync_now(name: str, *, by: Actor | None = None, listener: Listener | None = None) -> SyncRun | None:
    """Read one source in this process, due or not; None when another worker is reading it."""
    claimed = claim_due(names=[name], even_if_not_due=True)
    if claimed is None:
        return None
    source, owner = claimed
    source.requested_trigger, source.requested_by = "command", by.name if by else ""
    return run_claimed(source, owner, listener=listener)


def run_claimed(source: Source, owner: str, *, listener: Listener | None = None) -> SyncRun:
    """Read a claimed source and let it go. Anticipated failures end in the run's sentence; bugs are raised after it."""
    now = timezone.now()
    SyncRun.objects.filter(source=source, finished_at=None).update(
        finished_at=now, outcome="abandoned", sentence="The worker stopped before it was done."
    )
    run = SyncRun.objects.create(source=source, trigger=source.requested_trigger or "timer", requested_by=source.requested_by)
    progress = Progress(run, owner=owner, listener=listener)
    run.outcome, run.sentence = "failed", "The portal failed while reading; the error is in its log."
    try:
        run.outcome, run.sentence = read_rules(source, progress) if source.kind == "rules" else read_source(source, progress)
    except git.GitFailed as failed:
        run.outcome, run.sentence = "failed", failed.text[:1_000]
        if source.note != run.sentence:  # told once, not at every try
            with transaction.atomic():
                record(
                    "sync:failed",
                    by=PORTAL,
                    outcome="failed",
                    subject=source.name,
                    code=f"git_{failed.reason}",
                    source=source.name,
                    reason=run.sentence,
                    attempts=source.failures + 1,
                )
    except LeaseLost:
        run.outcome, run.sentence = "abandoned", "Another worker took over."
    finally:
        _finish(source, owner, run)
        if listener is not None:
            listener(run)
    return run


def _finish(source: Source, owner: str, run: SyncRun) -> None:
    run.finished_at, run.step, run.sentence = timezone.now(), "", run.sentence[:1_000]
    run.save()
    values: dict[str, object] = {"lease_owner": "", "lease_until": None}
    if run.outcome != "abandoned":
        values["state"], values["note"] = _state(source, run)
    if run.outcome == "failed":
        values |= {"failures": source.failures + 1}
    else:
        values |= {"failures": 0, "synced_at": run.finished_at}
    held = Source.objects.filter(pk=source.pk, lease_owner=owner)
    if run.outcome == "failed":
        pause = min(timedelta(seconds=settings.SYNC_INTERVAL_SECONDS) * 2 ** min(source.failures, 10), _LONGEST_PAUSE)
        # Somebody may have asked again in the meantime: then it is due, whatever the pause.
        held.filter(due_at__gt=run.finished_at).update(due_at=run.finished_at + pause)
    held.update(**values)
    newest = list(SyncRun.objects.filter(source=source).order_by("-pk").values_list("pk", flat=True)[_KEPT_RUNS:])
    SyncRun.objects.filter(pk__in=newest).delete()
    logger.info("sync_finished", source=source.name, outcome=run.outcome, sentence=run.sentence)


def _state(source: Source, run: SyncRun) -> tuple[str, str]:
    """How the source stands after this reading, and a sentence on what is wrong with it."""
    if run.outcome == "failed" or (source.kind == "rules" and run.outcome == "refused"):
        return "failed", run.sentence
    troubled = source.branches.filter(active=True).exclude(state="fresh").order_by("environment")
    notes = [f"{branch.environment}: {branch.note}" for branch in troubled]
    return ("partial", " ".join(notes)[:1_000]) if notes else ("fresh", "")


def read_source(source: Source, progress: Progress) -> tuple[str, str]:
    """Fetch a source and publish each environment. Returns outcome and sentence. Raises GitFailed."""
    rules = current_rules()
    order = {name: position for position, name in enumerate(rules.environment_names)}
    branches = sorted(source.branches.filter(active=True), key=lambda branch: order.get(branch.environment, 99))
    progress.step("Fetching")
    with git.Mirror(source.git, root=settings.PORTAL_HOME / "mirrors", production=not settings.DEVELOPMENT, beat=progress.beat) as mirror:
        heads = mirror.fetch([branch.name for branch in branches])
        progress.renew()
        told = [(branch, _read_branch(mirror, source, branch, heads[branch.name], rules, progress)) for branch in branches]
    if any(isinstance(result, Published) for _branch, result in told):
        request_comparisons()
        tell_drift()  # of what needs no comparison; the rest is told when it was compared
    return _outcome(told)


def _read_branch(
    mirror: git.Mirror, source: Source, branch: Branch, head: str | None, rules: Rules, progress: Progress
) -> Published | str | None:
    """What was published, a sentence on why nothing could be, or None when nothing changed."""
    if head is None:
        fate = "is gone; what it last published stays." if branch.published_at else "is not there."
        note = f"The branch {branch.name} {fate}"
        keep_last_good(branch, state="gone", note=note, head="")
        return note
    release, read_with = mirror.release(head), _read_with(source, rules)
    if (head, release, read_with) == (branch.head, branch.release, branch.read_with):
        return None
    progress.step(f"Reading {branch.environment}")
    entries = mirror.tree(head)
    published = set(Publication.objects.filter(branch=branch, current=True).values_list("path", flat=True))
    found = layout.candidates(entries, source.include, rules.platforms, mirror.read, mirror.limits.file_bytes, published=published)
    if not any(one.place for one in found) and published:
        note = f"The branch {branch.name} holds no document any more; what it last published stays."
        keep_last_good(branch, state="empty", note=note, head=head)
        return note
    rewritten = bool(branch.head) and branch.head != head and not mirror.follows(branch.head, head)
    reads = _compile(mirror, entries, found, branch, progress)
    progress.step(f"Publishing {branch.environment}")
    progress.renew()
    return publish(
        branch,
        commit=head,
        release=release,
        reads=reads,
        promotion=rules.environment_names,
        read_with=read_with,
        rewritten=rewritten,
    )


def _compile(
    mirror: git.Mirror, entries: Sequence[git.Entry], found: Sequence[layout.Candidate], branch: Branch, progress: Progress
) -> list[Read]:
    reads = []
    progress.add(len(found))
    for candidate in found:
        read = Read(candidate, reason=candidate.problem)
        if not candidate.problem:
            progress.step(f"{branch.environment}: {candidate.entry.path}")
            progress.renew()
            read.compilation = compile_entry(mirror, entries, candidate.entry)
            if read.compilation.document is None:
                read.reason = refusal(read.compilation)
        reads.append(read)
        progress.advance()
    return reads


def _read_with(source: Source, rules: Rules) -> str:
    return hashlib.sha256(orjson.dumps([ENGINE_VERSION, source.include, sorted(rules.platforms)])).hexdigest()


def _outcome(told: Sequence[tuple[Branch, Published | str | None]]) -> tuple[str, str]:
    words, outcomes = [], []
    for branch, result in told:
        if isinstance(result, str):
            words.append(f"{branch.environment}: {result}")
            outcomes.append("refused")
        elif result is not None:
            words.append(f"{branch.environment}: {_summary(result)}.")
            outcomes.append("refused" if result.refused else "published")
    if not outcomes:
        return "unchanged", "Nothing has changed."
    return "refused" if "refused" in outcomes else "published", " ".join(words)[:1_000]


def _summary(done: Published) -> str:
    parts = [
        f"{len(names)} {noun}"
        for names, noun in (
            (done.changed, "published"),
            (done.removed, "removed"),
            (done.refused, "refused"),
            (done.kept, "kept though no longer in Git"),
        )
        if names
    ]
    return ", ".join(parts) or "nothing changed"
