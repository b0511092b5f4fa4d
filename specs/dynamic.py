"""``$dynamicRef`` made static (JSON Schema 2020-12 §8.2.3.2): one copy of a schema for each meaning it has.

A dynamic reference leads to the outermost resource, on the way from the schema a message is checked with, that has the
same ``$dynamicAnchor``. That way is known as soon as the document is, so each reference that matters is followed with
what it would mean there: where that is what the schema means anyway, it stays; else it leads to a copy. What cannot be
decided, or would take too many copies, stays as it is written, is found and is said to be unchecked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specs.errors import PointerMissing
from specs.operations import as_dict
from specs.resources import Resources, fragment_of
from specs.shape import LIST, MAP, Node, Tokens, children, members, reference_of, resolve, tokens_of, walk

MAX_COPIES = 500

Scope = dict[str, Tokens]
"""Name of a dynamic anchor → where its outermost one stands. Never changed in place."""
Moves = dict[Tokens, tuple[str, Tokens]]


def settle_dynamic(
    document: dict[str, Any], resources: Resources, origin: Callable[[Tokens], tuple[str, Tokens]]
) -> tuple[dict[str, Any], Moves]:
    """The document with what can be decided decided, and where the copies came from. Internal references only."""
    nodes = [node for node in walk(document) if node.kind == "schema" and isinstance(node.value, dict)]
    if not any(isinstance(node.value.get("$dynamicRef"), str) for node in nodes):
        return document, {}
    settling = _Settling(document, resources, origin, nodes)
    settled = settling.run()
    return (document, {}) if settled is None else (settled, settling.moved)


class _TooMany(Exception):
    pass


class _Settling:
    def __init__(
        self, document: dict[str, Any], resources: Resources, origin: Callable[[Tokens], tuple[str, Tokens]], nodes: list[Node]
    ) -> None:
        self.document = document
        self.resources = resources
        self.origin = origin
        self.uris = {node.tokens: resources.resource_of(*origin(node.tokens)) for node in nodes}
        self.anchors: dict[str, Scope] = {}
        for node in nodes:
            name = node.value.get("$dynamicAnchor")
            if isinstance(name, str):
                self.anchors.setdefault(self.uris[node.tokens], {}).setdefault(name, node.tokens)
        self.undecided = self.undecidable()
        self.scopes: dict[Tokens, Scope] = {}
        self.needs = self.all_needs(nodes)
        self.copies: dict[tuple[Tokens, frozenset[tuple[str, Tokens]]], str] = {}
        self.waiting: list[tuple[Tokens, Scope, str]] = []
        self.moved: Moves = {}
        self.taken = set(as_dict(as_dict(document.get("components")).get("schemas")))

    def undecidable(self) -> set[str]:
        """Names a resource has twice, or has in a part that is not in the bundled document."""
        present = set(self.uris.values())
        missing = {name for uri, name in self.resources.dynamic if uri in present and name not in self.anchors.get(uri, {})}
        return missing | {name for _uri, name in self.resources.repeated}

    def run(self) -> dict[str, Any] | None:
        for node in walk(self.document):
            if node.kind == "schema" and node.tokens not in self.scopes:
                self.note_scopes(node, {})
        try:
            settled: dict[str, Any] = self.typed(Node("document", self.document, ()), None)
            components = as_dict(settled.get("components"))
            schemas = {**as_dict(components.get("schemas"))}
            while self.waiting:
                tokens, scope, name = self.waiting.pop()
                schemas[name] = self.typed(Node("schema", resolve(self.document, tokens), tokens), scope)
        except _TooMany:
            return None
        return {**settled, "components": {**components, "schemas": schemas}} if self.copies else settled

    def note_scopes(self, node: Node, scope: Scope) -> None:
        """What is in scope for every schema read where it stands, from the outermost schema around it on."""
        scope = self.scopes[node.tokens] = self.entered(scope, node.tokens)
        for child in children(node):
            self.note_scopes(child, scope)

    def entered(self, scope: Scope, tokens: Tokens) -> Scope:
        own = self.anchors.get(self.uris.get(tokens) or self.resources.resource_of(*self.origin(tokens)), {})
        return {**own, **scope} if own.keys() - scope.keys() else scope

    # Copying

    def typed(self, node: Node, scope: Scope | None) -> Any:
        """A copy of one typed object; ``scope`` is what surrounds a schema, ``None`` outside of schemas."""
        value = node.value
        if not isinstance(value, dict):
            return value
        if node.kind == "schema":
            scope = self.entered(scope or {}, node.tokens)
        table = {name: (how, kind) for name, how, kind, _member in members(node.kind, value)}
        copied: dict[str, Any] = {}
        for name, member in value.items():
            if name not in table:
                copied[name] = member
                continue
            how, kind = table[name]
            at = (*node.tokens, name)
            if how == LIST and isinstance(member, list):
                copied[name] = [self.typed(Node(kind, item, (*at, str(index))), scope) for index, item in enumerate(member)]
            elif how == MAP and isinstance(member, dict) and reference_of(member) is None:
                copied[name] = {key: self.typed(Node(kind, item, (*at, key)), scope) for key, item in member.items()}
            else:
                copied[name] = self.typed(Node(kind, member, at), scope)
        return self.references(copied, scope) if scope is not None else copied

    def references(self, schema: dict[str, Any], scope: Scope) -> dict[str, Any]:
        """A schema's own references as they are meant in this scope."""
        if (reference := reference_of(schema)) is not None and (target := self.tokens(reference)) is not None:
            schema["$ref"] = self.link(target, scope, reference)
        dynamic = schema.get("$dynamicRef")
        target = self.tokens(dynamic) if isinstance(dynamic, str) else None
        name = resolve(self.document, target).get("$dynamicAnchor") if target is not None else None
        if target is None or not isinstance(name, str) or name in self.undecided:
            return schema
        outermost = self.entered(scope, target).get(name, target)
        link = {"$ref": self.link(outermost, scope, str(dynamic))}
        rest = {member: value for member, value in schema.items() if member != "$dynamicRef"}
        if "$ref" not in rest:
            return {**link, **rest}
        branches = rest["allOf"] if isinstance(rest.get("allOf"), list) else []
        return {**rest, "allOf": [*branches, link]}

    def tokens(self, reference: str) -> Tokens | None:
        """Where an internal reference to a schema leads, or ``None``."""
        try:
            tokens = tokens_of(reference) if reference.startswith("#") else None
            return tokens if tokens is not None and isinstance(resolve(self.document, tokens), dict) else None
        except PointerMissing:
            return None

    def link(self, target: Tokens, scope: Scope, reference: str) -> str:
        """A reference to the schema as it is meant in this scope: itself, or a copy."""
        needs = self.needs.get(target, set())
        meant = self.entered(scope, target)
        plain = self.scopes.get(target) or self.entered({}, target)
        difference = frozenset((name, meant[name]) for name in needs if name in meant)
        if difference == {(name, plain[name]) for name in needs if name in plain}:
            return reference if self.tokens(reference) == target else fragment_of(target)
        known = self.copies.get((target, difference))
        if known is None:
            if len(self.copies) >= MAX_COPIES:
                raise _TooMany
            known = self.copies[target, difference] = self.name(target)
            self.waiting.append((target, meant, known))
            self.moved["components", "schemas", known] = self.origin(target)
        return fragment_of(("components", "schemas", known))

    def name(self, target: Tokens) -> str:
        base = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "-" for one in (target[-1] if target else "schema"))
        number = 2
        while f"{base}-{number}" in self.taken:
            number += 1
        self.taken.add(f"{base}-{number}")
        return f"{base}-{number}"

    def all_needs(self, nodes: list[Node]) -> dict[Tokens, set[str]]:
        """For every schema a reference leads to, the dynamic names asked for by it and by all that it reaches."""
        needs: dict[Tokens, set[str]] = {}
        before: dict[Tokens, set[Tokens]] = {}
        waiting: set[Tokens] = set()
        for node in nodes:
            self.ask(node.value, set(), waiting)
        seen: set[Tokens] = set()
        while waiting:
            target = waiting.pop()
            seen.add(target)
            names, following = self.own_needs(target)
            needs.setdefault(target, set()).update(names)
            for one in following:
                before.setdefault(one, set()).add(target)
            waiting |= following - seen
        fresh = [(target, name) for target, names in needs.items() for name in names]
        while fresh:
            target, name = fresh.pop()
            for one in before.get(target, ()):
                if name not in needs[one]:
                    needs[one].add(name)
                    fresh.append((one, name))
        return needs

    def own_needs(self, target: Tokens) -> tuple[set[str], set[Tokens]]:
        """The dynamic names asked for inside one schema, and where its references may lead."""
        names: set[str] = set()
        following: set[Tokens] = set()
        waiting = [Node("schema", resolve(self.document, target), target)]
        while waiting:
            node = waiting.pop()
            waiting.extend(children(node))
            if isinstance(node.value, dict):
                self.ask(node.value, names, following)
        return names, following

    def ask(self, schema: dict[str, Any], names: set[str], following: set[Tokens]) -> None:
        """Add what the references of one schema ask for, and where they may lead."""
        reached = [self.tokens(schema["$ref"])] if isinstance(schema.get("$ref"), str) else []
        first = self.tokens(schema["$dynamicRef"]) if isinstance(schema.get("$dynamicRef"), str) else None
        if first is not None and isinstance(name := resolve(self.document, first).get("$dynamicAnchor"), str):
            names.add(name)
            reached.extend([first, *(scope[name] for scope in self.anchors.values() if name in scope)])
        following.update(tokens for tokens in reached if tokens is not None)
