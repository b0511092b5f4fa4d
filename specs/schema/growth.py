"""Recursive schemas whose work doubles with every level of a value, and how deep such a value may be.

``Node = oneOf [{child: Node}, {child: Node}]`` looks at every child twice, at every grandchild four times: 40 levels of
a crafted body would keep a worker busy for days. Counting how often one step down can come back to where it started
gives the factor per level; the depth of values is limited so that the work stays bounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from specs.schema.keywords import IN_PLACE, SUBSCHEMA_LISTS, SUBSCHEMA_MAPS

WORK_LIMIT = 1_000_000
SHALLOWEST = 8
EVERY_MEMBER = "*"
Lookup = Callable[[str], Any]


class GrowthGuard:
    """Judges closures of definitions; what was judged once is remembered.

    ``lookup`` gives a definition by name, ``edges`` the names it refers to anywhere inside.
    """

    def __init__(self, lookup: Lookup, edges: Callable[[str], set[str]]) -> None:
        self._lookup = lookup
        self._edges = edges
        self._factors: dict[str, int] = {}

    def depth_limit(self, names: Iterable[str]) -> int | None:
        """Levels a value may have below a closure, or ``None`` when its work does not multiply.

        ``names`` must be closed: all that its members refer to. A ring is therefore all inside or all outside.
        """
        fresh = {name for name in names if name not in self._factors}
        for ring in _rings(fresh, lambda name: self._edges(name) & fresh):
            first = next(iter(ring))
            recursive = len(ring) > 1 or first in self._edges(first)
            factor = max(_factor(name, ring, self._lookup) for name in ring) if recursive else 1
            self._factors.update(dict.fromkeys(ring, factor))
        factor = max((self._factors[name] for name in names), default=1)
        return max(SHALLOWEST, math.floor(math.log(WORK_LIMIT, factor))) if factor > 1 else None


def _factor(name: str, ring: set[str], lookup: Lookup) -> int:
    """How many ways one step down from a definition stays in its ring, over the member with the most."""
    counts: dict[str, int] = {}
    for member, schema in _steps_down(lookup(name), lookup, frozenset({name})):
        counts[member] = counts.get(member, 0) + _ways_back(schema, ring)
    everywhere = counts.pop(EVERY_MEMBER, 0)
    return everywhere + max(counts.values(), default=0)


def _steps_down(schema: Any, lookup: Lookup, active: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """(member, sub-schema) for all that is applied in place: which schema looks at which member of the value."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword == "$ref":
            name = value.removeprefix("#/$defs/")
            if name not in active:
                yield from _steps_down(lookup(name), lookup, active | {name})
        elif keyword in IN_PLACE:
            listed = value if isinstance(value, list) else value.values() if keyword == "dependentSchemas" else [value]
            for branch in listed:
                yield from _steps_down(branch, lookup, active)
        elif keyword == "properties":
            yield from ((f".{name}", child) for name, child in value.items())
        elif keyword == "prefixItems":
            yield from ((f"[{index}]", child) for index, child in enumerate(value))
        elif keyword in {"items", "contains", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"}:
            yield (EVERY_MEMBER, value)
        elif keyword == "patternProperties":
            yield from ((EVERY_MEMBER, child) for child in value.values())


def _ways_back(schema: Any, ring: set[str]) -> int:
    """References into the ring: those applied to one value add up, of those below it the most counts."""
    if not isinstance(schema, dict):
        return 0
    here, below = 0, 0
    for keyword, value in schema.items():
        if keyword == "$ref":
            here += value.removeprefix("#/$defs/") in ring
        elif keyword in IN_PLACE:
            listed = value if isinstance(value, list) else value.values() if keyword == "dependentSchemas" else [value]
            here += sum(_ways_back(branch, ring) for branch in listed)
        elif keyword in SUBSCHEMA_MAPS:
            below = max([below, *(_ways_back(child, ring) for child in value.values())])
        elif keyword in SUBSCHEMA_LISTS:
            below = max([below, *(_ways_back(child, ring) for child in value)])
        elif isinstance(value, dict):
            below = max(below, _ways_back(value, ring))
    return here + below


def _rings(names: set[str], edges: Callable[[str], set[str]]) -> list[set[str]]:
    """Strongly connected components (Tarjan), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[set[str]] = []
    for start in names:
        work = [(start, iter(sorted(edges(start))))] if start not in index else []
        while work:
            name, following = work[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                stack.append(name)
                waiting.add(name)
            for other in following:
                if other not in index:
                    work.append((other, iter(sorted(edges(other)))))
                    break
                if other in waiting:
                    low[name] = min(low[name], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    ring: set[str] = set()
                    while name not in ring:
                        ring.add(stack.pop())
                    waiting -= ring
                    found.append(ring)
    return found
