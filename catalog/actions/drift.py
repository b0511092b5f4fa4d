"""Standing comparisons: asked for when something was published, made by a worker, told to the log when neighbours drift."""

from __future__ import annotations

import datetime
import time
import zlib
from collections.abc import Callable
from datetime import timedelta

import orjson
import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.actions import PORTAL, record
from catalog.comparing import RULES_VERSION, Compared, ComparisonFailed, compare_in_child
from catalog.models import Comparison, DocumentPart, Drift
from catalog.selectors import current_rules, drift_matrix, neighbours, wanted_comparisons
from catalog.selectors.drift import CHANGED, FAILED, IN_SYNC, NEVER_SYNCED, WAITING, DriftCell, DriftRow
from specs.diff import LEVELS

logger = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)  # longer than the longest comparison
_RETRY = timedelta(days=1)  # what failed for want of time or memory may succeed on another day
_BATCH = 500


def request_comparisons() -> int:
    """Ask for every comparison that is missing, forget those nobody looks at any more; how many were asked for."""
    wanted = wanted_comparisons()
    with transaction.atomic():
        known = {
            (old, new): pk for pk, old, new in Comparison.objects.filter(rules=RULES_VERSION).values_list("pk", "old_digest", "new_digest")
        }
        now = timezone.now()
        missing = [
            Comparison(old_digest=old, new_digest=new, rules=RULES_VERSION, due_at=now) for old, new in wanted if (old, new) not in known
        ]
        Comparison.objects.bulk_create(missing, batch_size=_BATCH, ignore_conflicts=True)
        Comparison.objects.exclude(rules=RULES_VERSION).delete()
        surplus = [known[pair] for pair in set(known).difference(wanted)]
        for start in range(0, len(surplus), _BATCH):
            Comparison.objects.filter(pk__in=surplus[start : start + _BATCH]).delete()
    return len(missing)


def compare_due(*, seconds: float | None = None, listener: Callable[[int], None] | None = None) -> int:
    """Make the comparisons that are due, until none is or ``seconds`` have passed; how many. ``listener`` hears the number."""
    started, done = time.monotonic(), 0
    while (seconds is None or time.monotonic() - started < seconds) and (row := _claim()) is not None:
        _compare(row)
        done += 1
        if listener is not None:
            listener(done)
    if done:
        tell_drift()
    return done


def _claim() -> Comparison | None:
    now = timezone.now()
    due = Comparison.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), rules=RULES_VERSION, due_at__lte=now)
    for row in due.defer("body").order_by("due_at", "pk")[:20]:
        # The condition is repeated in the UPDATE: of two workers one changes the row and the other changes none.
        if due.filter(pk=row.pk).update(lease_until=now + LEASE):
            return row
    return None


def _compare(row: Comparison) -> None:
    started, now = time.monotonic(), timezone.now()
    values: dict[str, object]
    try:
        parts = DocumentPart.objects.filter(name="source.json", document__digest__in=(row.old_digest, row.new_digest))
        texts = {part.document.digest: part.text for part in parts.select_related("document")}
        if len(texts) < 2:
            raise ComparisonFailed("One of the documents is not stored any more.")
        values = _verdict(compare_in_child(texts[row.old_digest], texts[row.new_digest], now.date()))
    except ComparisonFailed as failed:
        values = {"state": "failed", "reason": failed.reason[:1_000], "due_at": now + _RETRY, "body": b"", **dict.fromkeys(LEVELS, 0)}
        logger.warning("comparison_failed", old=row.old_digest, new=row.new_digest, reason=failed.reason)
    values |= {"compared_at": now, "seconds": round(time.monotonic() - started, 3), "lease_until": None}
    Comparison.objects.filter(pk=row.pk).update(**values)


def _verdict(found: Compared) -> dict[str, object]:
    body = {"operations": found.operations, "changes": found.changes}
    again = found.judge_again
    due = datetime.datetime.combine(again, datetime.time(), datetime.UTC) if again else None
    return {"state": "compared", "reason": "", "body": zlib.compress(orjson.dumps(body), 3), "due_at": due, **found.counts}


def tell_drift() -> int:
    """Tell the log which APIs stand otherwise between neighbouring environments than it last heard; how many."""
    pairs = neighbours(current_rules().environment_names)
    known = {(one.api_id, one.old_environment, one.new_environment): one for one in Drift.objects.all()}
    return sum(
        _tell(row, cell, known.get((row.api_id, cell.old, cell.new)))
        for row in (drift_matrix(pairs) if pairs else ())
        for cell in row.cells
        if cell.state not in (WAITING, NEVER_SYNCED)
    )


def _tell(row: DriftRow, cell: DriftCell, before: Drift | None) -> bool:
    stand = {"state": cell.state, "breaking": cell.breaking, "warning": cell.warning, "info": cell.info}
    if before is not None and all(getattr(before, name) == value for name, value in stand.items()):
        return False
    with transaction.atomic():
        if before is None:
            place = {"api_id": row.api_id, "old_environment": cell.old, "new_environment": cell.new}
            _, first = Drift.objects.get_or_create(**place, defaults=stand)
            if not first or cell.state not in (CHANGED, FAILED):
                return False  # what begins without a difference is no news
        else:
            same = {name: getattr(before, name) for name in stand}
            if not Drift.objects.filter(pk=before.pk, **same).update(**stand):
                return False  # another worker was faster
        record(
            "drift:changed",
            by=PORTAL,
            outcome="failed" if cell.state == FAILED else "ok",
            subject=row.slug,
            api=row.slug,
            environment=cell.new,
            against=cell.old,
            summary=_words(cell),
            before=_counted(before.state, before.breaking, before.warning, before.info) if before else "",
            breaking=cell.breaking,
            warning=cell.warning,
            info=cell.info,
        )
    return True


def _words(cell: DriftCell) -> str:
    if cell.state == FAILED:
        return f"could not be compared: {cell.reason}"[:500]
    return f"missing in {cell.missing_in}" if cell.missing_in else _counted(cell.state, cell.breaking, cell.warning, cell.info)


def _counted(state: str, breaking: int, warning: int, info: int) -> str:
    if state == IN_SYNC:
        return "in sync"
    return f"{breaking} breaking, {warning} warning, {info} info" if state == CHANGED else state
