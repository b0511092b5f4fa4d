"""The least scopes that do for some operations: one alternative of each, chosen so that few scopes are needed altogether. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

MOST_COMBINATIONS = 4_096  # looked at exhaustively; beyond that the nearest is taken, operation by operation

Alternatives = Sequence[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Needed:
    """An operation and what its document says it needs: one of ``alternatives``; none at all when that is empty."""

    api: str
    operation: str
    method: str
    path: str
    alternatives: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``scopes`` do for ``served``; each of ``refused`` needs something this person may not hold."""

    scopes: tuple[str, ...]
    served: tuple[Needed, ...]
    refused: tuple[tuple[Needed, frozenset[str]], ...]  # with the fewest scopes that are missing


def least_scopes(operations: Iterable[Needed], allowed: frozenset[str]) -> Suggestion:
    """The fewest scopes out of ``allowed``; of equally few the first by name."""
    served, refused, choices = [], [], []
    for one in operations:
        possible = [alternative for alternative in one.alternatives if alternative <= allowed]
        if one.alternatives and not possible:
            missing = min((alternative - allowed for alternative in one.alternatives), key=lambda scopes: (len(scopes), sorted(scopes)))
            refused.append((one, missing))
            continue
        served.append(one)
        if possible and frozenset() not in possible:
            choices.append(possible)
    return Suggestion(tuple(sorted(_smallest(choices))), tuple(served), tuple(refused))


def _smallest(choices: Sequence[Alternatives]) -> frozenset[str]:
    fixed = frozenset().union(*(one[0] for one in choices if len(one) == 1))
    # What is needed anyway does for these too.
    free = [one for one in choices if len(one) > 1 and not any(alternative <= fixed for alternative in one)]
    if math.prod(len(one) for one in free) <= MOST_COMBINATIONS:
        unions = (fixed.union(*combination) for combination in product(*free))
        return min(unions, key=lambda scopes: (len(scopes), sorted(scopes)))
    for one in free:
        fixed |= min(one, key=lambda alternative: (len(alternative - fixed), sorted(alternative)))
    return fixed
