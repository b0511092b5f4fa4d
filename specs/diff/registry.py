"""The shape of a rule: one registered line each, from a typed difference at a place to a level people can rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from specs.diff.occurrence import Direction, Occurrence, Part

Level = Literal["breaking", "warning", "info"]
LEVELS: tuple[Level, ...] = ("breaking", "warning", "info")
BREAKING: Level = "breaking"
WARNING: Level = "warning"
INFO: Level = "info"
OTHER = "other"
"""The kind of a rule for every difference no other rule names at its part."""

When = Callable[[Occurrence], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """``id`` is stable: people filter, re-level and accept by it.

    It judges differences of ``kind`` at a ``part`` of a message in one ``direction``, when ``when`` says so. Of several
    rules for the same kind at the same part, the first that applies judges.
    """

    id: str
    level: Level
    direction: Direction
    part: Part
    kind: str
    area: str
    summary: str
    when: When


class Registry:
    """Every rule, by id and by what it judges."""

    def __init__(self, tables: Iterable[Iterable[Rule]]) -> None:
        self.rules: dict[str, Rule] = {}
        self._judges: dict[tuple[Direction, Part, str], list[Rule]] = {}
        for table in tables:
            for rule in table:
                if rule.id in self.rules:
                    raise ValueError(f"The rule {rule.id} is registered twice.")
                self.rules[rule.id] = rule
                self._judges.setdefault((rule.direction, rule.part, rule.kind), []).append(rule)

    def judge(self, occurrence: Occurrence) -> Rule | None:
        """The rule that speaks of the occurrence, if any does."""
        place = occurrence.place
        rules = self._judges.get((place.direction, occurrence.part, occurrence.kind))
        if rules is None:
            rules = self._judges.get((place.direction, occurrence.part, OTHER), [])
        return next((rule for rule in rules if rule.when(occurrence)), None)
