"""Schemas: patterns, circles, and what checking with them would cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonschema_rs

from specs.errors import PointerMissing
from specs.findings import Finding
from specs.shape import pointer_of, resolve, tokens_of, walk

MAX_COST = 5000
"""Sub-schemas applied to one and the same value. 215 is the most seen in 29 real documents; a 22-level bomb has millions."""

_BACKTRACKING = jsonschema_rs.FancyRegexOptions(backtrack_limit=50_000, size_limit=1 << 20)
_LINEAR = jsonschema_rs.RegexOptions(size_limit=1 << 20)

Schema = dict[str, Any]


class _References:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.found: dict[str, Any] = {}

    def target(self, schema: Schema) -> Any:
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return None
        if reference not in self.found:
            try:
                self.found[reference] = resolve(self.document, tokens_of(reference)) if reference.startswith("#") else None
            except PointerMissing:
                self.found[reference] = None
        return self.found[reference]

    def in_place(self, schema: Schema) -> list[Schema]:
        """The schemas applied to the very value this one is applied to."""
        found = [self.target(schema)] if "$ref" in schema else []
        for name in ("allOf", "anyOf", "oneOf"):
            if isinstance(schema.get(name), list):
                found.extend(schema[name])
        found.extend(schema[name] for name in ("not", "if", "then", "else") if name in schema)
        if isinstance(schema.get("dependentSchemas"), dict):
            found.extend(schema["dependentSchemas"].values())
        return [one for one in found if isinstance(one, dict)]

    def demanded(self, schema: Schema) -> list[Schema]:
        """The schemas some part of every valid value must match: following these in a circle, no value ends."""
        if schema.get("nullable") is True or (isinstance(schema.get("type"), list) and len(schema["type"]) > 1):
            return []
        found = [self.target(schema)] if "$ref" in schema else []
        if isinstance(schema.get("allOf"), list):
            found.extend(schema["allOf"])
        properties, required = schema.get("properties"), schema.get("required")
        if isinstance(properties, dict) and isinstance(required, list) and schema.get("type", "object") == "object":
            found.extend(properties[name] for name in required if isinstance(name, str) and name in properties)
        least = schema.get("minItems")
        if schema.get("type") == "array" and isinstance(least, int) and least > 0:
            found.append(schema.get("items"))
        return [one for one in found if isinstance(one, dict)]


def _descend(roots: Iterable[Schema], edges: Callable[[Schema], list[Schema]], limit: int) -> tuple[dict[int, int], list[Schema]]:
    """(weight of every schema reached, capped just above ``limit``; those in which a circle closes). No recursion."""
    weights: dict[int, int] = {}
    circles: dict[int, Schema] = {}
    active: dict[int, int] = {}
    for root in roots:
        if id(root) in weights:
            continue
        stack: list[tuple[Schema, Iterator[Schema]]] = [(root, iter(edges(root)))]
        active[id(root)] = 1
        while stack:
            schema, rest = stack[-1]
            child = next(rest, None)
            if child is None:
                stack.pop()
                weights[id(schema)] = min(active.pop(id(schema)), limit + 1)
                if stack:
                    active[id(stack[-1][0])] += weights[id(schema)]
            elif id(child) in active:
                circles[id(child)] = child
            elif id(child) in weights:
                active[id(schema)] += weights[id(child)]
            else:
                active[id(child)] = 1
                stack.append((child, iter(edges(child))))
    return weights, list(circles.values())


def _schemas(document: dict[str, Any]) -> Iterator[Schema]:
    return (node.value for node in walk(document) if node.kind == "schema" and isinstance(node.value, dict))


def refuse_costly(document: dict[str, Any]) -> list[Finding]:
    """Schemas that would apply more than ``MAX_COST`` sub-schemas to one value; empty when the document is bounded."""
    references = _References(document)
    weights, _circles = _descend(_schemas(document), references.in_place, MAX_COST)
    costly = {identity for identity, weight in weights.items() if weight > MAX_COST}
    if not costly:
        return []
    text = f"Checking one value with this schema would apply more than {MAX_COST} sub-schemas to it."
    findings = [Finding("schema-cost", "error", text, pointer_of(node.tokens)) for node in walk(document) if id(node.value) in costly]
    return findings[:5]


def check_schemas(document: dict[str, Any]) -> Iterator[Finding]:
    """Circles without end, and patterns that cannot be run or not in linear time."""
    references = _References(document)
    schemas = list(_schemas(document))
    _weights, endless = _descend(schemas, references.in_place, MAX_COST)
    _weights, impossible = _descend(schemas, references.demanded, MAX_COST)
    endless_ids = {id(schema) for schema in endless}
    impossible_ids = {id(schema) for schema in impossible} - endless_ids
    verdicts: dict[str, tuple[str, Any, str] | None] = {}
    for node in walk(document):
        schema = node.value
        if node.kind != "schema" or not isinstance(schema, dict):
            continue
        if id(schema) in endless_ids:
            yield Finding("schema-circle", "error", "The schema is made of itself: checking it would never end.", pointer_of(node.tokens))
        if id(schema) in impossible_ids:
            text = "No value can match: the schema requires another value of its own kind inside, without end."
            yield Finding("schema-impossible", "warning", text, pointer_of(node.tokens))
        for tokens, pattern in _patterns(schema):
            if pattern not in verdicts:
                verdicts[pattern] = _judge(pattern)
            if (verdict := verdicts[pattern]) is not None:
                yield Finding(verdict[0], verdict[1], verdict[2], pointer_of((*node.tokens, *tokens)))


_SIMPLE = ("type", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "multipleOf")


def check_defaults(document: dict[str, Any], version: str) -> Iterator[Finding]:
    """Defaults that do not fit the type, the values or the bounds beside them."""
    dialect = jsonschema_rs.Draft4Validator if version in ("2.0", "3.0") else jsonschema_rs.Draft202012Validator
    for node in walk(document):
        value = node.value
        if node.kind not in ("schema", "parameter", "header") or not isinstance(value, dict) or "default" not in value:
            continue
        if "$ref" in value or (value["default"] is None and (value.get("nullable") is True or value.get("x-nullable") is True)):
            continue
        simple = {name: value[name] for name in _SIMPLE if name in value}
        try:
            fits = dialect(simple, offline=True).is_valid(value["default"])
        except (jsonschema_rs.ValidationError, ValueError):
            continue
        if not fits:
            text = "The default value does not fit the type, values or bounds described with it."
            yield Finding("default-invalid", "warning", text, pointer_of((*node.tokens, "default")))


def _patterns(schema: Schema) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(schema.get("pattern"), str):
        yield ("pattern",), schema["pattern"]
    if isinstance(schema.get("patternProperties"), dict):
        for pattern in schema["patternProperties"]:
            yield ("patternProperties", pattern), pattern


def _judge(pattern: str) -> tuple[str, Any, str] | None:
    if _compiles(pattern, _LINEAR):
        return None
    if _compiles(pattern, _BACKTRACKING):
        return "pattern-backtracks", "info", "The pattern looks around or back; it is run with a limit on its steps."
    return "pattern-invalid", "error", f"The pattern {pattern[:80]!r} is not a regular expression that can be run; it is not checked."


def _compiles(pattern: str, options: Any) -> bool:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True
