"""Drift in words, for pages: sentences with their code parts, changes by operation, the notice on an operation's page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import orjson
from django.urls import reverse

from catalog import selectors
from catalog.models import Operation, Publication
from specs.diff import LEVELS

NOTICE_SENTENCES = 2
_PARAMETER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """``parts``: text and code in turn, text first. Code is what stands between backticks."""

    level: str
    rule: str
    location: str
    parts: list[str]


@dataclass(slots=True)
class OperationChanges:
    """The changes of one operation. ``method`` "" is the document as a whole; ``key`` "" is an operation with no page.
    ``environment``: where its page is."""

    method: str
    path: str
    key: str = ""
    summary: str = ""
    environment: str = ""
    changes: list[Sentence] = field(default_factory=list)

    @property
    def worst(self) -> str:
        return next((level for level in LEVELS if any(change.level == level for change in self.changes)), "info")


@dataclass(frozen=True, slots=True)
class Notice:
    """What an operation's page says of its neighbour. ``there``: the changes are what the neighbour has, not this page."""

    neighbour: str
    there: bool
    breaking: int
    sentences: list[Sentence]
    more: int


def sentence(change: Mapping[str, Any]) -> Sentence:
    return Sentence(change["level"], change["rule"], change["location"], change["text"].split("`"))


def by_operation(
    changes: Iterable[Mapping[str, Any]], pages: Sequence[tuple[str, Mapping[str, tuple[str, str]]]]
) -> list[OperationChanges]:
    """Changes grouped, in the order the groups are first met. ``pages``: environments with their operations, the first
    that has an operation is where its page is."""
    groups: dict[str, OperationChanges] = {}
    for change in changes:
        name = str(change["operation"])
        if name not in groups:
            method, _space, path = name.partition(" ")
            groups[name] = OperationChanges(method, path)
            for environment, known in pages:
                if name in known:
                    groups[name].key, groups[name].summary = known[name]
                    groups[name].environment = environment
                    break
        groups[name].changes.append(sentence(change))
    return list(groups.values())


def same_operation(name: str) -> str:
    """``GET /users/{id}`` whatever the parameter is called: the same operation may call it otherwise on the other side."""
    return _PARAMETER.sub("{}", name)


class Beside:
    """How what an environment shows of an API stands to its neighbour. Looked up when a page first asks: three queries."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication

    @cached_property
    def detail(self) -> selectors.DriftDetail | None:
        """None where there is no neighbour, or it does not show the API."""
        return selectors.drift_beside(self.publication, selectors.current_rules().environment_names)

    @property
    def url(self) -> str:
        """The page of the changes."""
        if self.detail is None:
            return ""
        old, new = self.detail.old, self.detail.new
        return f"{reverse('api-drift', kwargs={'api': self.publication.api.slug, 'environment': new.environment})}?{urlencode({'from': old.environment})}"

    @cached_property
    def breaking(self) -> dict[str, int]:
        """Operation, whatever its parameters are called → its breaking changes, for those that have any."""
        operations = self.detail.operations if self.detail else {}
        return {same_operation(name): counts[0] for name, counts in operations.items() if name and counts[0]}

    @property
    def tree_query(self) -> str:
        """What the address of the tree carries beside the document's hash, since the browser keeps it: the chips in it."""
        if not self.breaking:
            return ""
        return f"?drift={hashlib.sha256(orjson.dumps(sorted(self.breaking.items()))).hexdigest()[:16]}"

    def mark(self, operations: Iterable[Operation]) -> list[Operation]:
        """The operations, each with its number of breaking changes."""
        marked = list(operations)
        for one in marked:
            one.breaking = self.breaking.get(same_operation(f"{one.method} {one.path}"), 0)
        return marked

    def notice(self, operation: Operation) -> Notice | None:
        """None when the operation is the same in the neighbouring environment, or nothing is known of it."""
        detail, wanted = self.detail, same_operation(f"{operation.method} {operation.path}")
        if detail is None:
            return None
        count = sum(sum(counts) for name, counts in detail.operations.items() if same_operation(name) == wanted)
        if not count:
            return None
        told = [sentence(one) for one in detail.changes if same_operation(one["operation"]) == wanted]
        there = detail.old.environment == self.publication.environment
        return Notice(
            neighbour=detail.new.environment if there else detail.old.environment,
            there=there,
            breaking=self.breaking.get(wanted, 0),
            sentences=told[:NOTICE_SENTENCES],
            more=count - len(told[:NOTICE_SENTENCES]),
        )
