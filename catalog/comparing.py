"""Two stored documents → what changed between them, found out behind a wall: a child process with limits.

The child (``catalog/comparing_child.py``) is a fresh interpreter without the parent's environment, started by its path.
It gets both documents on its standard input and leaves its answer in a file whose size the kernel bounds.
"""

from __future__ import annotations

import datetime
import hashlib
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson

from specs import ENGINE_VERSION
from specs.diff import LEVELS, REGISTRY
from specs.diff.phrases import PHRASES
from specs.sandbox import START, write_frame

CHILD = Path(__file__).resolve().parent / "comparing_child.py"
_RULES = [[one.id, one.level, one.direction, one.part, one.kind, one.area] for one in REGISTRY.rules.values()]
RULES_VERSION = hashlib.sha256(orjson.dumps([ENGINE_VERSION, _RULES, PHRASES])).hexdigest()[:16]
"""Part of every comparison's address: another engine, table of rules or wording judges every pair anew."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one comparison. ``changes``: those that are kept with their sentences, the worst first; all are counted."""

    memory_bytes: int = 3 << 29
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    answer_bytes: int = 16 << 20
    changes: int = 2_000


DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Compared:
    """``counts``: level → all changes. ``operations``: ``METHOD /path`` → [breaking, warning, info], "" for the document
    as a whole. ``changes``: ``{rule, level, operation, location, text}``, the worst first, at most ``Limits.changes``.
    ``judge_again``: the first day on which a sunset may change the verdict; None when no day does."""

    counts: dict[str, int]
    operations: dict[str, list[int]] = field(default_factory=dict)
    changes: list[dict[str, str]] = field(default_factory=list)
    judge_again: datetime.date | None = None


class ComparisonFailed(Exception):
    """The two could not be compared; ``reason`` says why in a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def compare_in_child(old: bytes, new: bytes, today: datetime.date, *, limits: Limits = DEFAULT) -> Compared:
    """Compare two documents, each as JSON with references inside itself only. Raises ComparisonFailed."""
    asked = BytesIO()
    write_frame(asked, START, orjson.dumps({**asdict(limits), "today": today.isoformat()}))
    for document in (old, new):
        write_frame(asked, START, document)
    with tempfile.TemporaryFile() as answer:
        try:
            done = subprocess.run(  # noqa: S603 (our own interpreter and file, no text from outside)
                [sys.executable, "-I", "-X", "utf8", str(CHILD)],
                input=asked.getvalue(),
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env={"LANG": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
                timeout=limits.wall_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ComparisonFailed(f"Comparing took more than {limits.wall_seconds:g} seconds.") from None
        if done.returncode:
            raise ComparisonFailed(_ending(done.returncode, limits))
        answer.seek(0)
        return _compared(answer.read(), limits)


def _ending(code: int, limits: Limits) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"Comparing took more than {limits.cpu_seconds} seconds of processor time, or the machine ran out of memory."
    reason = signal.strsignal(-code) if code < 0 else f"exit {code}"
    return f"The comparing process died ({reason})."


def _compared(answer: bytes, limits: Limits) -> Compared:
    """What the child said, taken as text from outside."""
    try:
        told = orjson.loads(answer)
        if "failed" in told:
            raise ComparisonFailed(str(told["failed"])[:1_000])
        day = told["judge_again"]
        return Compared(
            counts={level: int(told["counts"][level]) for level in LEVELS},
            operations={str(name): [int(count) for count in counts][:3] for name, counts in told["operations"].items()},
            changes=[_change(one) for one in told["changes"][: limits.changes]],
            judge_again=datetime.date.fromisoformat(day) if day else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ComparisonFailed(f"The comparing process answered what it may not ({type(error).__name__}).") from None


def _change(told: dict[str, Any]) -> dict[str, str]:
    return {name: str(told[name]) for name in ("rule", "level", "operation", "location", "text")}
