"""A comparison as text, JSON, Markdown or SARIF."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from specs import ENGINE_VERSION
from specs.diff.changes import Change, count_levels
from specs.diff.policy import Outcome
from specs.diff.registry import LEVELS
from specs.diff.rules import REGISTRY
from specs.diff.words import cut

_SARIF_LEVELS = {"breaking": "error", "warning": "warning", "info": "note"}
_HEADINGS = {"breaking": "Breaking", "warning": "Warnings", "info": "Other changes"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """``old`` and ``new`` as they were named; ``file`` is the new document's path in its tree."""

    old: str
    new: str
    file: str
    outcome: Outcome

    @property
    def changes(self) -> list[Change]:
        """What counts."""
        return self.outcome.changes

    def summary(self) -> str:
        """``2 breaking, 1 warning, 0 info``."""
        counts = count_levels(self.changes)
        warnings = "warning" if counts["warning"] == 1 else "warnings"
        accepted = f", {len(self.outcome.accepted)} accepted" if self.outcome.accepted else ""
        return f"{counts['breaking']} breaking, {counts['warning']} {warnings}, {counts['info']} info{accepted}"


def as_text(comparison: Comparison) -> str:
    """One line for each change, ``level: operation: sentence [rule]``, what the policy left to say, and a summary."""
    lines = [
        f"{change.level}: {f'{cut(change.operation)}: ' if change.operation else ''}{change.text} [{change.rule}]"
        for change in comparison.changes
    ]
    lines += [
        f"accepted until {acceptance.until}: {cut(change.operation)}: {change.text} [{change.rule}] {cut(acceptance.reason)}"
        for change, acceptance in comparison.outcome.accepted
    ]
    lines += [f"note: {note}" for note in comparison.outcome.notes]
    return "\n".join([*lines, f"{comparison.old} → {comparison.new}: {comparison.summary()}"]) + "\n"


def as_json(comparison: Comparison) -> str:
    """``{breaking, warning, info, changes: [{rule, level, operation, location, text}], accepted: […], notes: […]}``."""
    accepted = [
        {**change.as_dict(), "reason": acceptance.reason, "until": acceptance.until.isoformat()}
        for change, acceptance in comparison.outcome.accepted
    ]
    report: dict[str, Any] = {
        **count_levels(comparison.changes),
        "changes": [change.as_dict() for change in comparison.changes],
        "accepted": accepted,
        "notes": comparison.outcome.notes,
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def as_markdown(comparison: Comparison) -> str:
    """For a comment on a pull request: a table for each level, the harmless ones folded away."""
    parts = [f"### API changes: {comparison.summary()}", f"`{cut(comparison.old)}` → `{cut(comparison.new)}`"]
    for level in LEVELS:
        rows = [change for change in comparison.changes if change.level == level]
        if not rows:
            continue
        table = ["| operation | change | rule |", "|---|---|---|"]
        table += [f"| {_code(change.operation)} | {_cell(change.text)} | `{change.rule}` |" for change in rows]
        heading = f"{_HEADINGS[level]} ({len(rows)})"
        if level == "info":
            parts += [f"<details><summary>{heading}</summary>", "\n".join(table), "</details>"]
        else:
            parts += [f"#### {heading}", "\n".join(table)]
    if comparison.outcome.accepted:
        listed = [
            f"- {_code(change.operation)} {_cell(change.text)} Until {acceptance.until}: {_code(acceptance.reason)}"
            for change, acceptance in comparison.outcome.accepted
        ]
        parts += [f"#### Accepted ({len(listed)})", "\n".join(listed)]
    parts += [f"> {_cell(note)}" for note in comparison.outcome.notes]
    if not comparison.changes:
        parts.append("Nothing that a client or server would notice.")
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    """Sentences carry a document's own words between backticks only; a bar would end the cell all the same."""
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{_cell(cut(text))}`" if text else ""


def as_sarif(comparison: Comparison) -> str:
    """SARIF 2.1.0, as code hosts read it. Accepted changes are there, suppressed."""
    listed = [(change, "") for change in comparison.changes]
    listed += [(change, acceptance.reason) for change, acceptance in comparison.outcome.accepted]
    named = sorted({change.rule for change, _reason in listed})
    driver = {
        "name": "specs diff",
        "version": ENGINE_VERSION,
        "rules": [{"id": rule, "shortDescription": {"text": REGISTRY.rules[rule].summary}} for rule in named],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(change, reason, named.index(change.rule), comparison.file) for change, reason in listed],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_result(change: Change, reason: str, rule_index: int, file: str) -> dict[str, Any]:
    where = " ".join(part for part in (change.operation, change.location) if part)
    identity = "\0".join((change.rule, change.operation, change.location, change.text))
    operation = f"{change.operation}: " if change.operation else ""
    result = {
        "ruleId": change.rule,
        "ruleIndex": rule_index,
        "level": _SARIF_LEVELS[change.level],
        "message": {"text": f"{operation}{change.text}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": quote(file, errors="replace")}},
                "logicalLocations": [{"fullyQualifiedName": where or "document", "kind": "member"}],
            }
        ],
        "partialFingerprints": {"change/v1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()},
    }
    return {**result, "suppressions": [{"kind": "external", "justification": reason}]} if reason else result


FORMATS: dict[str, Callable[[Comparison], str]] = {"text": as_text, "json": as_json, "markdown": as_markdown, "sarif": as_sarif}
"""Name of the format → its writer."""
