"""One file of a tree → a Compilation. The same file with the same neighbours is never compiled twice."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db import transaction

from catalog import git
from catalog.actions.store import findings_rows, store
from catalog.models import Compilation, Finding
from specs import ENGINE_VERSION
from specs.errors import DocumentRefused
from specs.sandbox import compile_in_child

_PASSING = ("limit-time", "limit-crash", "limit-memory", "engine-broken")


def compile_entry(mirror: git.Mirror, entries: Sequence[git.Entry], entry: git.Entry) -> Compilation:
    """What the engine says about ``entry``; its ``document`` is None when it was refused."""
    known = _known(entries, entry)
    if known is not None:
        return known
    used: dict[str, str | None] = {entry.path: entry.blob}
    started = time.monotonic()
    try:
        compiled = compile_in_child(git.reader(mirror, entries, used), entry.path)
        document, findings = store(compiled), compiled.findings
    except DocumentRefused as refused:
        document, findings = None, refused.findings
    rows = findings_rows(findings)
    with transaction.atomic():
        compilation = Compilation.objects.create(
            root_path=entry.path,
            root_blob=entry.blob,
            engine=ENGINE_VERSION,
            inputs=used,
            document=document,
            seconds=round(time.monotonic() - started, 3),
            error_count=sum(row["level"] == "error" for row in rows),
            warning_count=sum(row["level"] == "warning" for row in rows),
        )
        Finding.objects.bulk_create([Finding(compilation=compilation, **row) for row in rows], batch_size=500)
    return compilation


def _known(entries: Sequence[git.Entry], entry: git.Entry) -> Compilation | None:
    found = list(Compilation.objects.filter(root_blob=entry.blob, root_path=entry.path, engine=ENGINE_VERSION).select_related("document"))
    if not found:
        return None
    blobs = {one.path: one.blob for one in entries if one.regular}
    return next((one for one in found if all(blobs.get(path) == blob for path, blob in one.inputs.items())), None)


def refusal(compilation: Compilation) -> str:
    """Why it was refused, in one sentence with its place."""
    first = Finding.objects.filter(compilation=compilation, level="error").order_by("pk").first()
    if first is None:
        return "The document was refused."
    place = ":".join(str(part) for part in (first.file or compilation.root_path, first.line) if part)
    return f"{place}: {first.text}"[:1_000]
