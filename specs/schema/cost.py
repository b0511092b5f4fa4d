"""How much work one value can cause: sub-schemas applied in place, references followed.

A schema of a few kB can ask for millions of checks of one value (22 levels of ``anyOf`` of two references), and the
validator would do them. Real documents stay far below: the largest of 29 has 215.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from specs.schema.keywords import IN_PLACE, SUBSCHEMA, SUBSCHEMA_LISTS, SUBSCHEMA_MAPS

IN_PLACE_LIMIT = 5_000
ENDLESS = IN_PLACE_LIMIT + 1


class CostGuard:
    """Counts over converted schemas whose references are ``#/$defs/<name>``; ``lookup`` gives a definition by name."""

    def __init__(self, lookup: Callable[[str], Any]) -> None:
        self._lookup = lookup
        self._named: dict[str, int] = {}

    def forgive(self, name: str) -> None:
        """The definition was replaced by one that costs nothing."""
        self._named[name] = 1

    def worst(self, schema: Any) -> int:
        """The largest number of sub-schemas applied to one value anywhere in this schema, capped at the limit + 1."""
        worst = 0
        pending = [schema]
        while pending and worst <= IN_PLACE_LIMIT:
            node = pending.pop()
            worst = max(worst, self._in_place(node, frozenset()))
            pending.extend(_all_children(node))
        return min(worst, ENDLESS)

    def named(self, name: str, active: frozenset[str] = frozenset()) -> int:
        """The count of one definition. One that is applied to the value it is already applied to never ends."""
        if name in active:
            return ENDLESS
        if name not in self._named:
            self._named[name] = self._in_place(self._lookup(name), active | {name})
        return self._named[name]

    def _in_place(self, schema: Any, active: frozenset[str]) -> int:
        if not isinstance(schema, dict):
            return 1
        total = 1
        for keyword in IN_PLACE:
            if keyword not in schema:
                continue
            value = schema[keyword]
            if keyword == "$ref":
                total += self.named(value.removeprefix("#/$defs/"), active)
            else:
                branches = value if isinstance(value, list) else value.values() if keyword == "dependentSchemas" else [value]
                total += sum(self._in_place(branch, active) for branch in branches)
            if total > IN_PLACE_LIMIT:
                return ENDLESS
        return total


def _all_children(schema: Any) -> Iterator[Any]:
    if not isinstance(schema, dict):
        return
    for keyword in (*SUBSCHEMA, "items"):
        if keyword in schema:
            yield schema[keyword]
    for keyword in SUBSCHEMA_LISTS:
        yield from schema.get(keyword, ())
    for keyword in SUBSCHEMA_MAPS:
        yield from schema.get(keyword, {}).values()
