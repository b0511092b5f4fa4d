"""What a lint rule sees of a document, and what it says."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from specs.errors import PointerMissing
from specs.operations import Operation, as_dict, as_list, followed, operations_below
from specs.shape import Node, Tokens, children, reference_of, resolve, tokens_of, walk

Area = Literal["information", "servers", "tags", "paths", "operations", "parameters", "responses", "schemas", "examples", "security"]
RuleLevel = Literal["warning", "info"]
Setting = Literal["off", "info", "warning", "error"]
Subject = Literal["document", "operation", "path_item", "parameter", "header", "response", "media_type", "schema", "security_scheme"]


class Found(NamedTuple):
    """One place that breaks a rule: tokens into the document upgraded to 3.x, and a sentence without values of the document."""

    tokens: Tokens
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """``subject`` is what ``check`` is called with: the document's node once, every operation of ``paths``, or every node of a kind."""

    id: str
    level: RuleLevel
    area: Area
    summary: str
    subject: Subject
    check: Callable[[View, Any], Iterable[Found]]


class View:
    """A document for its rules: upgraded to 3.x, with internal references only. ``version`` is that of the original."""

    def __init__(self, document: dict[str, Any], version: str, targets: set[str]) -> None:
        self.document = document
        self.version = version
        self.targets = targets

    def followed(self, value: Any) -> dict[str, Any]:
        """The object behind references; an empty one where there is none."""
        return as_dict(followed(self.document, value))

    @cached_property
    def nodes(self) -> defaultdict[str, list[Node]]:
        """Every typed node of the document, by kind, in its order."""
        found: defaultdict[str, list[Node]] = defaultdict(list)
        for node in walk(self.document):
            found[node.kind].append(node)
        return found

    @cached_property
    def operations(self) -> list[Operation]:
        """The operations of ``paths``."""
        return list(operations_below(self.document, "paths"))

    @cached_property
    def requested(self) -> frozenset[int]:
        """The identities of all schemas a request body is checked with."""
        bodies = [one.value.get("requestBody") for one in self.operations]
        contents = [as_dict(self.followed(body).get("content")) for body in bodies if isinstance(body, dict)]
        waiting = [as_dict(media).get("schema") for content in contents for media in content.values()]
        seen: set[int] = set()
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, dict) or id(schema) in seen:
                continue
            seen.add(id(schema))
            waiting.extend(child.value for child in children(Node("schema", schema, ())))
            if (reference := reference_of(schema)) is not None:
                waiting.append(self.target(reference))
        return frozenset(seen)

    def target(self, reference: str) -> Any:
        """What an internal reference leads to, or ``None``."""
        try:
            return resolve(self.document, tokens_of(reference)) if reference.startswith("#") else None
        except PointerMissing:
            return None

    def responses(self, operation: Operation) -> Iterator[tuple[str, dict[str, Any], Tokens]]:
        """(status, response, tokens) of an operation, references followed."""
        for status, raw in as_dict(operation.value.get("responses")).items():
            if not status.startswith("x-"):
                yield status, self.followed(raw), (*operation.tokens, "responses", status)

    def server_lists(self) -> Iterator[tuple[Tokens, list[Any]]]:
        """Every list of servers: of the document, its path items and its operations."""
        yield ("servers",), as_list(self.document.get("servers"))
        seen: set[Tokens] = set()
        for one in self.operations:
            for tokens, holder in ((one.tokens[:2], one.item), (one.tokens, one.value)):
                if tokens not in seen:
                    seen.add(tokens)
                    yield (*tokens, "servers"), as_list(holder.get("servers"))


_STYLES = {
    "kebab-case": re.compile(r"[a-z0-9]+(-[a-z0-9]+)+"),
    "snake_case": re.compile(r"[a-z0-9]+(_[a-z0-9]+)+"),
    "camelCase": re.compile(r"[a-z][a-z0-9]*([A-Z][a-zA-Z0-9]*)+"),
    "PascalCase": re.compile(r"[A-Z][a-zA-Z0-9]*[a-z][a-zA-Z0-9]*"),
}


def style_of(name: str) -> str:
    """How the words of a name are joined; the empty string for one word in lower case, and for what mixes styles."""
    return next((style for style, pattern in _STYLES.items() if pattern.fullmatch(name)), "")


def outliers(names: Iterable[tuple[str, Tokens]]) -> Iterator[tuple[str, str, str, Tokens]]:
    """(name, its style, the most used style, tokens) of every name whose words are joined otherwise than most names'."""
    styled = [(name, style_of(name), tokens) for name, tokens in names]
    counts = Counter(style for _name, style, _tokens in styled if style)
    if len(counts) < 2:
        return
    (most, _count), *_rest = counts.most_common(1)
    for name, style, tokens in styled:
        if style and style != most:
            yield name, style, most, tokens
