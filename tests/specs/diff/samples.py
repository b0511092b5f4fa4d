"""A pair of schemas for every kind of difference, and documents that hold a schema at every part of a message."""

from __future__ import annotations

import datetime
from typing import Any

from specs.diff import Change, Deadlines, compare
from tests.specs.documents import compiled, openapi

TODAY = datetime.date(2026, 6, 15)
DEADLINES = Deadlines(TODAY)
Schema = Any

STRING, INTEGER, NUMBER, OBJECT = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "object"}
BOOLEAN = {"type": "boolean"}
CAT = {"title": "Cat", "type": "object", "properties": {"lives": INTEGER}}
DOG = {"title": "Dog", "type": "object", "properties": {"tricks": INTEGER}}


def bounds(keyword: str, kind: str, base: dict[str, Any]) -> dict[str, tuple[Schema, Schema]]:
    low, high = {**base, keyword: 3}, {**base, keyword: 7}
    return {
        f"{kind}-set": (base, low),
        f"{kind}-unset": (low, base),
        f"{kind}-increased": (low, high),
        f"{kind}-decreased": (high, low),
    }


def presence(keyword: str, kind: str, base: dict[str, Any], value: Any) -> dict[str, tuple[Schema, Schema]]:
    return {f"{kind}-added": (base, {**base, keyword: value}), f"{kind}-removed": ({**base, keyword: value}, base)}


def changing(kind: str, *schemas: Schema) -> dict[str, tuple[Schema, Schema]]:
    """added, removed and changed, of a schema without, with, and with another value."""
    none, one, other = schemas
    return {f"{kind}-added": (none, one), f"{kind}-removed": (one, none), f"{kind}-changed": (one, other)}


def composed(keyword: str, kind: str) -> dict[str, tuple[Schema, Schema]]:
    one, both = {keyword: [CAT]}, {keyword: [CAT, DOG]}
    return {f"{kind}-added": (one, both), f"{kind}-removed": (both, one)}


def discriminated(name: str, mapping: dict[str, str]) -> Schema:
    return {"oneOf": [CAT, DOG], "discriminator": {"propertyName": name, "mapping": mapping}}


SAMPLES: dict[str, tuple[Schema, Schema]] = {
    "type-generalized": (INTEGER, NUMBER),
    "type-specialized": (NUMBER, INTEGER),
    "type-changed": ({**STRING, "format": "date"}, OBJECT),
    "list-of-types-widened": ({"anyOf": [INTEGER, BOOLEAN]}, {"anyOf": [INTEGER, BOOLEAN, NUMBER]}),
    "list-of-types-narrowed": ({"anyOf": [INTEGER, BOOLEAN, NUMBER]}, {"anyOf": [INTEGER, BOOLEAN]}),
    "became-nullable": (STRING, {"type": ["string", "null"]}),
    "became-not-nullable": ({"type": ["string", "null"]}, STRING),
    "became-enum": (STRING, {**STRING, "enum": ["a"]}),
    "no-longer-enum": ({**STRING, "enum": ["a"]}, STRING),
    "enum-value-removed": ({**STRING, "enum": ["a", "b"]}, {**STRING, "enum": ["a"]}),
    "enum-value-added": ({**STRING, "enum": ["a"]}, {**STRING, "enum": ["a", "b"]}),
    "x-extensible-enum-value-removed": ({**STRING, "x-extensible-enum": ["a", "b"]}, {**STRING, "x-extensible-enum": ["a"]}),
    "unique-items-set": ({"type": "array"}, {"type": "array", "uniqueItems": True}),
    "unique-items-unset": ({"type": "array", "uniqueItems": True}, {"type": "array"}),
    "multiple-of-set": (INTEGER, {**INTEGER, "multipleOf": 5}),
    "multiple-of-unset": ({**INTEGER, "multipleOf": 5}, INTEGER),
    "multiple-of-changed": ({**INTEGER, "multipleOf": 5}, {**INTEGER, "multipleOf": 7}),
    "pattern-generalized": ({**STRING, "pattern": "^a+$"}, {**STRING, "pattern": ".*"}),
    **changing("pattern", STRING, {**STRING, "pattern": "^a+$"}, {**STRING, "pattern": "^b+$"}),
    **changing("default-value", STRING, {**STRING, "default": "a"}, {**STRING, "default": "b"}),
    **changing("const", STRING, {**STRING, "const": "a"}, {**STRING, "const": "b"}),
    **bounds("maximum", "max", INTEGER),
    **bounds("minimum", "min", INTEGER),
    **bounds("exclusiveMaximum", "exclusive-max", INTEGER),
    **bounds("exclusiveMinimum", "exclusive-min", INTEGER),
    **bounds("maxLength", "max-length", STRING),
    **bounds("minLength", "min-length", STRING),
    **bounds("maxItems", "max-items", {"type": "array"}),
    **bounds("minItems", "min-items", {"type": "array"}),
    **bounds("maxProperties", "max-properties", OBJECT),
    **bounds("minProperties", "min-properties", OBJECT),
    **bounds("minContains", "min-contains", {"type": "array", "contains": STRING}),
    **bounds("maxContains", "max-contains", {"type": "array", "contains": STRING}),
    **presence("if", "if", OBJECT, {"required": ["a"]}),
    **presence("then", "then", {**OBJECT, "if": {"required": ["a"]}}, {"required": ["b"]}),
    **presence("else", "else", {**OBJECT, "if": {"required": ["a"]}}, {"required": ["b"]}),
    **presence("contains", "contains", {"type": "array"}, STRING),
    **presence("propertyNames", "property-names", OBJECT, {"pattern": "^a"}),
    **presence("unevaluatedItems", "unevaluated-items", {"type": "array"}, False),
    **presence("unevaluatedProperties", "unevaluated-properties", OBJECT, False),
    **presence("contentSchema", "content-schema", STRING, OBJECT),
    **presence("not", "not", OBJECT, {"required": ["a"]}),
    **presence("dependentSchemas", "dependent-schema", OBJECT, {"a": {"required": ["b"]}}),
    **presence("patternProperties", "pattern-property", OBJECT, {"^a": STRING}),
    **presence("prefixItems", "prefix-items", {"type": "array"}, [STRING]),
    **changing("dependent-required", OBJECT, {**OBJECT, "dependentRequired": {"a": ["b"]}}, {**OBJECT, "dependentRequired": {"a": ["c"]}}),
    "content-media-type-changed": ({**STRING, "contentMediaType": "image/png"}, {**STRING, "contentMediaType": "image/gif"}),
    "content-encoding-changed": ({**STRING, "contentEncoding": "base64"}, {**STRING, "contentEncoding": "base32"}),
    "additional-properties-closed": (OBJECT, {**OBJECT, "additionalProperties": False}),
    "additional-properties-opened": ({**OBJECT, "additionalProperties": False}, OBJECT),
    "additional-properties-schema-added": (OBJECT, {**OBJECT, "additionalProperties": STRING}),
    "additional-properties-schema-removed": ({**OBJECT, "additionalProperties": STRING}, OBJECT),
    "discriminator-added": ({"oneOf": [CAT, DOG]}, discriminated("kind", {})),
    "discriminator-removed": (discriminated("kind", {}), {"oneOf": [CAT, DOG]}),
    "discriminator-property-name-changed": (discriminated("kind", {}), discriminated("sort", {})),
    "discriminator-mapping-added": (discriminated("kind", {}), discriminated("kind", {"cat": "#/a"})),
    "discriminator-mapping-deleted": (discriminated("kind", {"cat": "#/a"}), discriminated("kind", {})),
    "discriminator-mapping-changed": (discriminated("kind", {"cat": "#/a"}), discriminated("kind", {"cat": "#/b"})),
    **composed("allOf", "all-of"),
    **composed("anyOf", "any-of"),
    **composed("oneOf", "one-of"),
    "all-of-added-annotation-only": ({**OBJECT, "allOf": [CAT]}, {**OBJECT, "allOf": [CAT, {"description": "A remark."}]}),
    "all-of-removed-annotation-only": ({**OBJECT, "allOf": [CAT, {"description": "A remark."}]}, {**OBJECT, "allOf": [CAT]}),
    "wrapped-in-one-of": ({**OBJECT, "properties": {"a": STRING}, "required": ["a"]}, {"oneOf": [CAT, DOG]}),
}
"""kind of difference → a schema before and after."""

COMPATIBLE = {"request": ({"type": "object"}, {"type": "string"}), "response": ({"type": "string"}, {"type": "object"})}
"""Types that read the same where values are text, by direction."""


def properties(*, required: bool = False, **members: Any) -> Schema:
    """An object with the property ``value``."""
    return {"type": "object", "properties": {"value": {"type": "string", **members}}, **({"required": ["value"]} if required else {})}


def holding(direction: str, part: str, schema: Schema, media_type: str = "application/json") -> dict[str, Any]:
    """A document with one operation that holds the schema at the part; ``property`` and the like hold it one level down."""
    inside = {"type": "object", "properties": {"value": schema}} if part.endswith("property") else schema
    operation: dict[str, Any] = {"responses": {"200": {"description": "done"}}}
    if part in ("parameter", "parameter-property"):
        style = {"style": "deepObject", "explode": True} if part == "parameter-property" else {}
        operation["parameters"] = [{"name": "value", "in": "query", "schema": inside, **style}]
    elif part == "header":
        operation["responses"]["200"]["headers"] = {"X-Value": {"schema": inside}}
    elif direction == "request":
        operation["requestBody"] = {"content": {media_type: {"schema": inside}}}
    else:
        operation["responses"]["200"]["content"] = {media_type: {"schema": inside}}
    return openapi("3.1.0", paths={"/things": {"post": operation}})


def changes(old: dict[str, Any], new: dict[str, Any], deadlines: Deadlines = DEADLINES) -> list[Change]:
    """The changes between two documents that are sound 3.x already."""
    return compare(old, new, deadlines)


def fired(old: dict[str, Any], new: dict[str, Any], deadlines: Deadlines = DEADLINES) -> set[str]:
    """The rules that speak."""
    return {change.rule for change in changes(old, new, deadlines)}


__all__ = ["COMPATIBLE", "DEADLINES", "SAMPLES", "TODAY", "changes", "compiled", "fired", "holding", "properties"]
