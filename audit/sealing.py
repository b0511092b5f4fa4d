"""Sealing: batches of entries are hashed, chained and authenticated after the fact, and the result is kept outside too."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from audit.merkle import canonical, leaf_hash, tree_hash
from audit.models import Entry, Seal

logger = structlog.get_logger(__name__)

BATCH = 5_000  # entries
BEFORE_THE_FIRST = "0" * 64
# How long an id may stay uncommitted before its absence is taken for a rollback. Transactions here last milliseconds;
# an entry that comes later than this stays unsealed and ``audit verify`` names it.
LATEST = timedelta(hours=1)
RANGES_A_QUERY = 100
ENTRY_FIELDS = (
    "id", "at", "action", "outcome", "actor", "actor_name", "session", "subject", "api", "environment", "code", "request_id", "remote", "data",
)  # fmt: skip


def entry_leaf(values: dict[str, Any]) -> bytes:
    """The leaf hash of one entry, given as a row of ``ENTRY_FIELDS``."""
    return leaf_hash(canonical(values))


def seal_hash(seal: Seal) -> str:
    """What is chained and authenticated: everything the seal says about its entries and its place."""
    said = {
        "number": seal.number,
        "at": seal.at,
        "first_entry": seal.first_entry,
        "last_entry": seal.last_entry,
        "missing": seal.missing,
        "late": seal.late,
        "count": seal.count,
        "root": seal.root,
        "previous": seal.previous,
    }
    return hashlib.sha256(canonical(said)).hexdigest()


def keys() -> dict[str, bytes]:
    """Key id to key, the signing one first: derived from PORTAL_ENCRYPTION_KEYS, so that rotating those rotates these."""
    derived = [hmac.digest(key.encode(), b"portal audit seal 1", "sha256") for key in settings.PORTAL_ENCRYPTION_KEYS]
    return {hashlib.sha256(key).hexdigest()[:16]: key for key in derived}


def seal_mac(key: bytes, sealed: str) -> str:
    return hmac.new(key, sealed.encode(), "sha256").hexdigest()


def covered(seal: Seal) -> list[int]:
    """The ids a seal speaks of, rising. Walks its ranges: an id that jumped far ahead costs nothing."""
    numbers = list(seal.late)
    start = seal.first_entry
    for first, last in [*seal.missing, [seal.last_entry + 1, seal.last_entry + 1]]:
        numbers.extend(range(start, first))
        start = last + 1
    return sorted(numbers)


def in_ranges(ranges: Sequence[Sequence[int]]) -> Iterator[dict[str, Any]]:
    """Rows of entries whose id lies in one of ``ranges``."""
    for chunk in (ranges[i : i + RANGES_A_QUERY] for i in range(0, len(ranges), RANGES_A_QUERY)):
        yield from Entry.objects.filter(_in(chunk)).order_by("id").values(*ENTRY_FIELDS)[:BATCH]


def ids_in_ranges(ranges: Sequence[Sequence[int]]) -> Iterator[int]:
    """The ids of entries in one of ``ranges``, whatever else stands in their rows."""
    for chunk in (ranges[i : i + RANGES_A_QUERY] for i in range(0, len(ranges), RANGES_A_QUERY)):
        yield from Entry.objects.filter(_in(chunk)).order_by("id").values_list("id", flat=True)[:BATCH]


def _in(ranges: Sequence[Sequence[int]]) -> Q:
    wanted = Q()
    for first, last in ranges:
        wanted |= Q(id__range=(first, last))
    return wanted


def gaps(first: int, numbers: Sequence[int]) -> list[list[int]]:
    """Ranges from ``first`` on that rising ``numbers`` leave out, up to the last of them."""
    found: list[list[int]] = []
    expected = first
    for number in numbers:
        if number > expected:
            found.append([expected, number - 1])
        expected = number + 1
    return found


def seal_next(*, now: datetime | None = None) -> Seal | None:
    """Seal the next batch; None when there is nothing to seal or another process was faster."""
    try:
        with transaction.atomic():
            return _seal(now or timezone.now())
    except IntegrityError:
        return None


def _seal(now: datetime) -> Seal | None:
    before = Seal.objects.select_for_update().order_by("-number").first()
    start = before.last_entry + 1 if before else 1
    rows = list(Entry.objects.filter(id__gte=start).order_by("id").values(*ENTRY_FIELDS)[:BATCH])
    late = _late_rows(now)
    if not rows and not late:
        return None
    numbers = [row["id"] for row in rows]
    everything = sorted(late + rows, key=lambda row: row["id"])
    leaves = [entry_leaf(row) for row in everything]
    key_id, key = next(iter(keys().items()))
    seal = Seal(
        number=before.number + 1 if before else 1,
        at=now,
        first_entry=start,
        last_entry=numbers[-1] if numbers else start - 1,
        missing=gaps(start, numbers),
        late=[row["id"] for row in late],
        count=len(everything),
        leaves=b"".join(leaves),
        root=tree_hash(leaves).hex(),
        previous=before.hash if before else BEFORE_THE_FIRST,
        key_id=key_id,
    )
    seal.hash = seal_hash(seal)
    seal.mac = seal_mac(key, seal.hash)
    seal.save(force_insert=True)
    return seal


def _late_rows(now: datetime) -> list[dict[str, Any]]:
    """Entries whose id an earlier seal passed over because their transaction was still open (PostgreSQL)."""
    ranges: list[Sequence[int]] = []
    taken: set[int] = set()
    for missing, late in Seal.objects.filter(at__gte=now - LATEST).order_by("number").values_list("missing", "late"):
        ranges += missing
        taken.update(late)
    return sorted((row for row in in_ranges(ranges) if row["id"] not in taken), key=lambda row: row["id"])


def due(now: datetime) -> bool:
    """Is it time: a full batch, or an entry that has waited a few seconds?"""
    last = Seal.objects.order_by("-number").values_list("last_entry", flat=True).first() or 0
    waiting = Entry.objects.filter(id__gt=last).order_by("id")
    oldest = waiting.values_list("at", flat=True).first()
    if oldest is None:
        return False
    return oldest <= now - timedelta(seconds=settings.AUDIT_SEAL_SECONDS) or waiting[BATCH - 1 : BATCH].exists()


# --- Outside the database --------------------------------------------------------------------------------------------


def checkpoint_file() -> Path:
    return Path(settings.PORTAL_HOME) / "audit-checkpoints.jsonl"


def checkpoint_of(seal: Seal) -> dict[str, Any]:
    return {
        "number": seal.number,
        "at": seal.at.isoformat(),
        "last_entry": seal.last_entry,
        "hash": seal.hash,
        "key_id": seal.key_id,
        "mac": seal.mac,
    }


def read_checkpoints() -> list[dict[str, Any]]:
    """Every checkpoint of this machine, oldest first; a line cut off by a crash is left out."""
    return [checkpoint for line in checkpoint_lines() if (checkpoint := _checkpoint(line)) is not None]


def checkpoint_lines() -> list[bytes]:
    """The lines of the file, readable or not."""
    try:
        return checkpoint_file().read_bytes().splitlines()
    except FileNotFoundError:
        return []


def _checkpoint(line: bytes) -> dict[str, Any] | None:
    try:
        checkpoint = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    whole = isinstance(checkpoint, dict) and all(type(checkpoint.get(name)) is int for name in ("number", "last_entry"))
    return checkpoint if whole else None


def write_checkpoints() -> int:
    """Append the checkpoints this machine does not have yet; how many that were. Safe beside other processes."""
    path = checkpoint_file()
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known = _last_number(path)
        written = 0
        for seal in Seal.objects.filter(number__gt=known).order_by("number").defer("leaves").iterator(chunk_size=500):
            file.write(orjson.dumps(checkpoint_of(seal)) + b"\n")
            written += 1
        if written:
            file.flush()
            os.fsync(file.fileno())
    return written


def _last_number(path: Path) -> int:
    """The number of the last whole line; a half-written one is ended so that the next begins on a line of its own."""
    with path.open("rb+") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 4096))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.seek(0, 2)
            file.write(b"\n")
    for line in reversed(tail.splitlines()):
        try:
            return int(orjson.loads(line)["number"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue
    return 0
