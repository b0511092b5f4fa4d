"""What a repository thinks of the rules: other levels, accepted changes, and how long something must stay deprecated.

Read from ``.portal-diff.yaml`` at the top of its tree::

    levels: {request-property-removed: breaking, api-tag-added: off}
    accept:
      - {rule: api-removed-without-deprecation, operation: "DELETE /v1/*", reason: Nobody called it., until: 2027-01-31}
    deprecation: {stable: 180, beta: 31}
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from specs.diff.changes import Change, sort_changes
from specs.diff.lifecycle import STABILITY
from specs.diff.registry import LEVELS, Level
from specs.diff.rules import REGISTRY
from specs.errors import DocumentRefused, UsageWrong
from specs.load import load

FILE_NAME = ".portal-diff.yaml"
MAX_BYTES = 1 << 20
Off = Literal["off"]
OFF: Off = "off"
_LEVELS: dict[str, Level | Off] = {**{level: level for level in LEVELS}, OFF: OFF}
_MEMBERS = frozenset(("levels", "accept", "deprecation"))
_ACCEPT_MEMBERS = frozenset(("rule", "operation", "location", "reason", "until"))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Changes that somebody decided to live with. ``operation`` and ``location`` may hold ``*`` for any text; empty is any."""

    rule: str
    reason: str
    until: datetime.date
    operation: str = ""
    location: str = ""

    def covers(self, change: Change) -> bool:
        """Whether the change is one of them."""
        return change.rule == self.rule and _fits(self.operation, change.operation) and _fits(self.location, change.location)

    def words(self) -> str:
        """What it is about, for a sentence."""
        return " ".join(part for part in (self.rule, self.operation, self.location) if part)


@dataclass(frozen=True, slots=True)
class Policy:
    """``levels``: rule → level or ``off``; ``days``: level of stability → days from deprecation to sunset."""

    levels: dict[str, Level | Off] = field(default_factory=dict)
    accept: tuple[Acceptance, ...] = ()
    days: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``changes`` with the policy's levels, less what is ``accepted``; ``notes``: what people should know of the policy."""

    changes: list[Change]
    accepted: list[tuple[Change, Acceptance]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def apply(policy: Policy, changes: Sequence[Change], today: datetime.date) -> Outcome:
    """Judge the changes as the policy wants. An acceptance holds through the day it names."""
    kept: list[Change] = []
    accepted: list[tuple[Change, Acceptance]] = []
    used: set[Acceptance] = set()
    for change in changes:
        level = policy.levels.get(change.rule, change.level)
        if level == OFF:
            continue
        judged = change if level == change.level else replace(change, level=level)
        covering = [one for one in policy.accept if one.covers(change)]
        used.update(covering)
        holding = next((one for one in covering if one.until >= today), None)
        if holding is None:
            kept.append(judged)
        else:
            accepted.append((judged, holding))
    notes = [
        f"The acceptance of {one.words()} ended on {one.until} and no longer holds."
        if one.until < today
        else f"The acceptance of {one.words()} fits no change; it can go."
        for one in policy.accept
        if one.until < today or one not in used
    ]
    return Outcome(sort_changes(kept), accepted, notes)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def _fits(pattern: str, text: str) -> bool:
    return not pattern or _pattern(pattern).fullmatch(text) is not None


def read_policy(data: bytes, shown: str) -> Policy:
    """The policy in a file. Raises UsageWrong with everything that is wrong with it."""
    if len(data) > MAX_BYTES:
        raise UsageWrong(f"{shown} has {len(data):,} bytes; {MAX_BYTES:,} are allowed.")
    try:
        value = load(data, shown).value
    except DocumentRefused as refused:
        raise UsageWrong("\n".join(finding.sentence() for finding in refused.findings)) from None
    reader = _Reader()
    policy = reader.policy(value)
    if reader.wrong:
        raise UsageWrong("\n".join([f"{shown} cannot be used:", *(f"  {text}" for text in reader.wrong)]))
    return policy


class _Reader:
    def __init__(self) -> None:
        self.wrong: list[str] = []

    def policy(self, value: Any) -> Policy:
        members = self.members(value, "the file", _MEMBERS)
        listed = members.get("accept", [])
        if not isinstance(listed, list):
            self.wrong.append("accept: this is a list.")
            listed = []
        accepted = [self.acceptance(one, f"accept {number}") for number, one in enumerate(listed, start=1)]
        return Policy(
            self.levels(members.get("levels", {})), tuple(one for one in accepted if one), self.days(members.get("deprecation", {}))
        )

    def members(self, value: Any, where: str, known: frozenset[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.wrong.append(f"{where}: this is an object with {', '.join(sorted(known))}.")
            return {}
        self.wrong.extend(f"{where}: {name[:60]!r} is not one of {', '.join(sorted(known))}." for name in value if name not in known)
        return value

    def rule(self, name: Any, where: str) -> str:
        if not isinstance(name, str) or name not in REGISTRY.rules:
            self.wrong.append(f"{where}: there is no rule {str(name)[:80]!r}; specs rules diff lists them.")
        return str(name)

    def levels(self, value: Any) -> dict[str, Level | Off]:
        if not isinstance(value, dict):
            self.wrong.append("levels: this is an object of rules and levels.")
            return {}
        found: dict[str, Level | Off] = {}
        for name, written in value.items():
            rule = self.rule(name, "levels")
            level = _LEVELS.get(written) if isinstance(written, str) else None
            if level is None:
                self.wrong.append(f"levels: {rule} is {str(written)[:40]!r}, which is none of {', '.join(_LEVELS)}.")
            else:
                found[rule] = level
        return found

    def days(self, value: Any) -> dict[str, int]:
        members = self.members(value, "deprecation", frozenset(STABILITY))
        for name, days in members.items():
            if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 36_500:
                self.wrong.append(f"deprecation: {name[:40]} is a number of days.")
        return {name: days for name, days in members.items() if isinstance(days, int)}

    def acceptance(self, value: Any, where: str) -> Acceptance | None:
        before = len(self.wrong)
        members = self.members(value, where, _ACCEPT_MEMBERS)
        rule = self.rule(members.get("rule"), where)
        texts = {name: members.get(name, "") for name in ("operation", "location", "reason")}
        self.wrong.extend(f"{where}: {name} is text." for name, text in texts.items() if not isinstance(text, str))
        if not texts["reason"]:
            self.wrong.append(f"{where}: reason is missing: why is this acceptable?")
        try:
            until = datetime.date.fromisoformat(str(members.get("until")))
        except ValueError:
            self.wrong.append(f"{where}: until is a day, as in 2027-01-31.")
            return None
        return Acceptance(rule, texts["reason"], until, texts["operation"], texts["location"]) if len(self.wrong) == before else None
