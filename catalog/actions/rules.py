"""The rules repository: a sound commit is put in force whole; an unsound one is refused whole, with reasons."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.actions import PORTAL, record
from catalog import git, rules_check
from catalog.actions.progress import Progress
from catalog.models import Branch, Publication, RulesRevision, Source
from catalog.rules import FILES, Rules
from identity.actions import publish_grants

RULES_SOURCE = rules_check.RESERVED_SOURCE
_FILE_BYTES = 262_144


def rules_place(value: str) -> tuple[str, str]:
    """``PORTAL_RULES`` as (address, branch); branch "" is the one the repository's HEAD names. A path is made absolute."""
    address, _, branch = value.partition("#")
    if "://" not in address and "@" not in address:
        address = str(Path(address).expanduser().resolve())
    return address, branch


def ensure_rules_source() -> None:
    """The row that makes the rules due. It follows ``PORTAL_RULES``."""
    if not settings.PORTAL_RULES:
        return
    address, _ = rules_place(settings.PORTAL_RULES)
    row, made = Source.objects.get_or_create(name=RULES_SOURCE, defaults={"kind": "rules", "git": address})
    if not made and (row.git, row.active) != (address, True):
        Source.objects.filter(pk=row.pk).update(git=address, active=True, due_at=timezone.now())


def read_rules(source: Source, progress: Progress) -> tuple[str, str]:
    """Fetch and judge the rules. Returns outcome (published, unchanged, refused) and a sentence. Raises GitFailed."""
    address, branch = rules_place(settings.PORTAL_RULES)
    production = not settings.DEVELOPMENT
    progress.step("Fetching the rules")
    with git.Mirror(address, root=settings.PORTAL_HOME / "mirrors", production=production, beat=progress.beat) as mirror:
        branch = branch or mirror.remote().default
        commit = mirror.fetch([branch])[branch] if branch else None
        if commit is None:
            raise git.GitFailed("missing", f"The rules repository has no branch {branch!r}.")
        files = _files(mirror, commit)
    progress.step("Checking the rules")
    reading = rules_check.read(files, commit=commit, production=production)
    if not reading.sound:
        return _refuse(source, commit, files, reading)
    return _put_in_force(commit, files, reading)


def _files(mirror: git.Mirror, commit: str) -> dict[str, str]:
    entries = {entry.path: entry for entry in mirror.tree(commit) if entry.path in FILES and entry.regular}
    too_large = [name for name, entry in entries.items() if entry.size > _FILE_BYTES]
    if too_large:
        raise git.GitFailed("too_large", f"{too_large[0]} has more than {_FILE_BYTES} bytes.")
    return {name: mirror.read(entry).decode("utf-8", "replace").replace("\0", "\ufffd") for name, entry in entries.items()}


def _digest(files: dict[str, str]) -> str:
    return hashlib.sha256("\0".join(f"{name}\0{files[name]}" for name in sorted(files)).encode()).hexdigest()


def _refuse(source: Source, commit: str, files: dict[str, str], reading: rules_check.Reading) -> tuple[str, str]:
    findings = [one.as_dict() for one in reading.findings]
    errors = [one for one in reading.findings if one.level == "error"]
    first = f"{errors[0].file}:{errors[0].line}: {errors[0].text}" if errors[0].line else f"{errors[0].text}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    sentence = f"The rules at {commit[:12]} are refused: {first}{more}"
    last = RulesRevision.objects.order_by("-pk").first()
    if last is None or (last.commit, last.findings) != (commit, findings):
        with transaction.atomic():
            RulesRevision.objects.create(commit=commit, digest=_digest(files), files=files, sound=False, findings=findings)
            record(
                "rules:refused",
                by=PORTAL,
                outcome="refused",
                subject=source.name,
                code="rules_unsound",
                commit=commit,
                reason=f"{first}{more}",
                errors=len(errors),
                file=errors[0].file,
                line=errors[0].line,
            )
    return "refused", sentence


def _put_in_force(commit: str, files: dict[str, str], reading: rules_check.Reading) -> tuple[str, str]:
    rules, digest = reading.rules, _digest(files)
    current = RulesRevision.objects.filter(current=True).first()
    newest = RulesRevision.objects.order_by("-pk").first()
    counts = f"{len(rules.environments)} environments, {len(rules.platforms)} platforms, {len(rules.sources)} sources, {len(rules.grants)} groups"
    sentence = f"The rules at {commit[:12]} are in force: {counts}."
    if current is not None and current == newest and (current.commit, current.digest) == (commit, digest):
        return "unchanged", sentence
    with transaction.atomic():
        RulesRevision.objects.filter(current=True).update(current=False)
        RulesRevision.objects.create(
            commit=commit, digest=digest, files=files, sound=True, current=True, findings=[one.as_dict() for one in reading.findings]
        )
        changed = _follow_sources(rules)
        publish_grants(rules.grants, commit=commit)
        record(
            "rules:published",
            by=PORTAL,
            subject=RULES_SOURCE,
            commit=commit,
            before=current.commit if current else "",
            sources=changed[:200],
        )
    return "published", sentence


def _follow_sources(rules: Rules) -> list[str]:
    """Make the rows of sources and branches say what the rules say. Names of sources that are now due."""
    now, changed = timezone.now(), []
    for name, wanted in rules.sources.items():
        row, made = Source.objects.get_or_create(name=name, defaults={"git": wanted.git, "include": list(wanted.include)})
        differs = made or (row.git, row.include, row.active) != (wanted.git, list(wanted.include), True)
        differs = _follow_branches(row, wanted.branches) or differs
        if differs:
            Source.objects.filter(pk=row.pk).update(git=wanted.git, include=list(wanted.include), active=True)
            changed.append(name)
    gone = Source.objects.filter(active=True).exclude(name__in=[*rules.sources, RULES_SOURCE])
    for row in gone:
        _follow_branches(row, {})
    gone.update(active=False)
    # New platforms can make documents readable that were not: every source is looked at again.
    Source.objects.filter(active=True, kind="documents").update(due_at=now)
    return changed


def _follow_branches(source: Source, wanted: Mapping[str, str]) -> bool:
    branches = dict(wanted)
    changed = False
    for row in source.branches.all():
        name = branches.pop(row.environment, None)
        if name is None and row.active:
            # The rules took the environment away from this source: what it showed there goes.
            Publication.objects.filter(branch=row, current=True).update(current=False, superseded_at=timezone.now())
            Branch.objects.filter(pk=row.pk).update(active=False, head="", read_with="", state="never")
            changed = True
        elif name is not None and (row.name != name or not row.active):
            Branch.objects.filter(pk=row.pk).update(name=name, active=True, head="", read_with="", rewritten_from="")
            changed = True
    made = [Branch(source=source, environment=environment, name=name) for environment, name in branches.items()]
    Branch.objects.bulk_create(made)
    return changed or bool(made)
