"""Was the log altered, shortened or cut off? Every entry against its seal, every seal against the one before and the checkpoints."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import DatabaseError
from django.utils import timezone

from audit.merkle import HASH_BYTES, tree_hash
from audit.models import Entry, Seal, Verification
from audit.sealing import (
    BEFORE_THE_FIRST,
    ENTRY_FIELDS,
    checkpoint_lines,
    covered,
    entry_leaf,
    ids_in_ranges,
    keys,
    read_checkpoints,
    seal_hash,
    seal_mac,
)

MOST_PROBLEMS = 200
SEALS_AT_ONCE = 50
# What reading raises where a tampering hand wrote what a column cannot hold: SQLite takes anything anywhere.
UNREADABLE = (DatabaseError, ValueError, TypeError, AttributeError, OverflowError)
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Problem:
    """``kind`` is stable: entry_altered, entry_removed, entry_unsealed, seal_forged, seal_missing, chain_broken, tail_cut,
    checkpoints_damaged, key_unknown."""

    kind: str
    text: str
    entry: int | None = None
    seal: int | None = None


@dataclass(slots=True)
class Result:
    """``entries`` were compared, up to ``sealed_to``; ``waiting`` are not sealed yet. ``notes`` are no problems."""

    entries: int = 0
    sealed_to: int = 0
    waiting: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def add(self, problem: Problem) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "entries": self.entries,
            "sealed_to": self.sealed_to,
            "waiting": self.waiting,
            "problems": [asdict(problem) for problem in self.problems],
            "notes": self.notes,
        }


def verify(progress: Callable[[int], None] = lambda done: None) -> Result:
    """Check the whole log. ``progress`` is called with the number of entries compared so far."""
    result = Result()
    checkpoints = {checkpoint["number"]: checkpoint for checkpoint in read_checkpoints()}
    known_keys = keys()
    unknown_key: Seal | None = None
    before: Seal | None = None
    passed_over: list[list[int]] = []
    late: set[int] = set()
    for seal in _seals(result):
        _check_link(seal, before, result)
        _check_checkpoint(seal, checkpoints.pop(seal.number, None), result)
        if seal_hash(seal) != seal.hash:
            # Nothing it says can be believed, not even how many entries there are to look at.
            result.add(Problem("seal_forged", f"Seal {seal.number} is not what its hash says.", seal=seal.number))
            before = seal
            continue
        unknown_key = _check_authenticity(seal, known_keys, unknown_key, result)
        _check_entries(seal, result)
        passed_over += seal.missing
        late.update(seal.late)
        before, result.sealed_to = seal, max(result.sealed_to, seal.last_entry)
        progress(result.entries)
    if unknown_key is not None:
        result.add(
            Problem("key_unknown", f"Seal {unknown_key.number} was made with a key that is not listed any more.", seal=unknown_key.number)
        )
    _check_tail(before, checkpoints, result)
    for number in _unsealed(passed_over, late):
        result.add(Problem("entry_unsealed", f"Entry {number} appeared after the seals had passed it.", entry=number))
    return result


def _unsealed(passed_over: list[list[int]], late: set[int]) -> Iterator[int]:
    """Entries where the seals say that none is: in their gaps, and before the first number there can be."""
    yield from Entry.objects.filter(id__lt=1).order_by("id").values_list("id", flat=True)[:MOST_PROBLEMS]
    yield from (number for number in ids_in_ranges(passed_over) if number not in late)


def _seals(result: Result) -> Iterator[Seal]:
    """Every seal; one that cannot even be read is named and left out."""
    numbers = list(Seal.objects.order_by("number").values_list("number", flat=True))
    for start in range(0, len(numbers), SEALS_AT_ONCE):
        some = numbers[start : start + SEALS_AT_ONCE]
        try:
            yield from list(Seal.objects.filter(number__in=some).order_by("number"))
        except UNREADABLE:
            for number in some:
                try:
                    seal = Seal.objects.get(number=number)
                except UNREADABLE:
                    result.add(Problem("seal_forged", f"Seal {number} holds what no seal can hold.", seal=number))
                else:
                    yield seal


def verify_and_keep(progress: Callable[[int], None] = lambda done: None) -> Result:
    """``verify``, and write down what it found for the Audit page."""
    result = verify(progress)
    found = result.as_dict()
    Verification.objects.create(
        at=timezone.now(), ok=result.ok, entries=result.entries, sealed_to=result.sealed_to, problems=found["problems"]
    )
    return result


def _check_link(seal: Seal, before: Seal | None, result: Result) -> None:
    expected_number = before.number + 1 if before else 1
    if seal.number != expected_number:
        result.add(Problem("seal_missing", f"Seal {expected_number} is missing before seal {seal.number}.", seal=expected_number))
    elif seal.previous != (before.hash if before else BEFORE_THE_FIRST):
        result.add(Problem("chain_broken", f"Seal {seal.number} does not continue the seal before it.", seal=seal.number))
    elif seal.first_entry != (before.last_entry + 1 if before else 1):
        result.add(Problem("chain_broken", f"Seal {seal.number} does not begin where the seal before it ended.", seal=seal.number))


def _check_authenticity(seal: Seal, known: dict[str, bytes], unknown: Seal | None, result: Result) -> Seal | None:
    """The seal that still lacks proof: a later seal made with a listed key vouches for all before it through the chain."""
    key = known.get(seal.key_id)
    if key is None:
        return seal
    if not hmac.compare_digest(seal_mac(key, seal.hash).encode(), str(seal.mac).encode()):
        result.add(Problem("seal_forged", f"Seal {seal.number} is not authentic: somebody without the key wrote it.", seal=seal.number))
        return unknown
    return None


def _check_checkpoint(seal: Seal, checkpoint: dict[str, Any] | None, result: Result) -> None:
    if checkpoint is not None and checkpoint.get("hash") != seal.hash:
        result.add(Problem("seal_forged", f"Seal {seal.number} differs from the checkpoint kept outside the database.", seal=seal.number))


def _check_entries(seal: Seal, result: Result) -> None:
    held: Any = seal.leaves  # a tampering hand can put any type into a column of SQLite
    stored = bytes(held) if isinstance(held, bytes | bytearray | memoryview) else b""
    leaves = [stored[i : i + HASH_BYTES] for i in range(0, len(stored), HASH_BYTES)]
    expected = covered(seal)
    if tree_hash(leaves).hex() != seal.root or len(leaves) != len(expected) or seal.count != len(expected):
        result.add(Problem("seal_forged", f"Seal {seal.number} does not hold the entries it says it holds.", seal=seal.number))
        return
    seen = _leaves(seal, expected)
    for number, leaf in zip(expected, leaves, strict=True):
        result.entries += 1
        found = seen.get(number)
        if found is None:
            result.add(Problem("entry_removed", f"Entry {number} was removed after it was sealed.", entry=number, seal=seal.number))
        elif found != leaf:
            result.add(Problem("entry_altered", f"Entry {number} was altered after it was sealed.", entry=number, seal=seal.number))


def _leaves(seal: Seal, expected: Sequence[int]) -> dict[int, bytes]:
    """The leaf hash of each entry as it is now; empty, so that it matches nothing, where somebody wrote what cannot be read."""
    try:
        return {row["id"]: entry_leaf(row) for row in _rows(seal)}
    except UNREADABLE:
        return {number: leaf for number in expected if (leaf := _leaf(number)) is not None}


def _leaf(number: int) -> bytes | None:
    try:
        row = Entry.objects.filter(pk=number).values(*ENTRY_FIELDS).first()
        return entry_leaf(row) if row is not None else None
    except UNREADABLE:
        return b""


def _rows(seal: Seal) -> Iterator[dict[str, Any]]:
    yield from Entry.objects.filter(id__range=(seal.first_entry, seal.last_entry)).values(*ENTRY_FIELDS).iterator(chunk_size=CHUNK)
    for start in range(0, len(seal.late), CHUNK):
        yield from Entry.objects.filter(id__in=seal.late[start : start + CHUNK]).values(*ENTRY_FIELDS)


def _check_tail(last: Seal | None, outside: dict[int, dict[str, Any]], result: Result) -> None:
    cut = sorted(number for number in outside if last is None or number > last.number)
    if cut:
        to = max(outside[number]["last_entry"] for number in cut)
        result.add(
            Problem(
                "tail_cut",
                f"The log was cut off: checkpoints outside the database reach seal {cut[-1]} and entry {to}.",
                entry=to,
                seal=cut[-1],
            )
        )
    elif not read_checkpoints() and any(line.strip() for line in checkpoint_lines()):
        text = "None of the checkpoints on this machine can be read: somebody wrote over them. A cut could not be seen from here."
        result.add(Problem("checkpoints_damaged", text))
    elif not read_checkpoints():
        result.notes.append("There are no checkpoints on this machine: a cut at the end of the log could not be seen from here.")
    result.waiting = Entry.objects.filter(id__gt=result.sealed_to).count()
