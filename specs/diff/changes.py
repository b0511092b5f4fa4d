"""A change: one difference, judged. Data; the sentence is made from it when it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from specs.diff.occurrence import Occurrence
from specs.diff.registry import LEVELS, Level
from specs.diff.sentences import sentence


@dataclass(frozen=True, slots=True)
class Change:
    """``rule`` is a stable id; ``operation`` is ``METHOD /path``, empty for the document as a whole.

    ``location`` says where in the operation: ``request.body.lines[].price``, ``request.query.limit``,
    ``response.200.header.ETag``, ``security``; in the document: ``components.securitySchemes.key``, ``servers``.
    """

    rule: str
    level: Level
    operation: str
    location: str
    occurrence: Occurrence

    @property
    def text(self) -> str:
        """One sentence for a person."""
        return sentence(self.occurrence)

    def as_dict(self) -> dict[str, Any]:
        """The shape every report and the portal's own API share."""
        return {"rule": self.rule, "level": self.level, "operation": self.operation, "location": self.location, "text": self.text}


def sort_changes(changes: Iterable[Change]) -> list[Change]:
    """The worst first, then by path, method, place and rule; the same change once."""
    distinct: dict[tuple[Any, ...], Change] = {}
    for change in changes:
        method, _space, path = change.operation.partition(" ")
        distinct.setdefault((LEVELS.index(change.level), path, method, change.location, change.rule, change.text), change)
    return [distinct[key] for key in sorted(distinct)]


def count_levels(changes: Iterable[Change]) -> dict[str, int]:
    """level → number of changes."""
    counted = Counter(change.level for change in changes)
    return {level: counted[level] for level in LEVELS}
