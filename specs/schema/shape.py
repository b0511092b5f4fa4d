"""What kind of value a text stands for: the outline of a schema that decoding needs, small enough for a plan.

A shape is ``None`` for plain text, else ``{"types": [...], "items": shape, "properties": {name: shape},
"additional": shape}``; members that say nothing are left out. ``additional`` is present when undeclared names are allowed
explicitly, or when no property is declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specs.schema.convert import resolve_pointer
from specs.schema.keywords import branches

Shape = dict[str, Any] | None
DEPTH = 7
NAMES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


class ShapeReader:
    """Reads shapes off the schemas of one document; references are followed, alternatives are merged."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def read(self, schema: Any, *, levels: int = DEPTH) -> Shape:
        """The shape of a schema, ``levels`` deep: 0 reads the types only."""
        found = _Found()
        self._collect(schema, found, 0, frozenset())
        return self._shape(found, DEPTH - levels)

    def _shape(self, found: _Found, depth: int) -> Shape:
        shape: dict[str, Any] = {}
        if found.types - {"string"}:
            shape["types"] = sorted(found.types)
        if depth < DEPTH:
            if found.items and "array" in found.types:
                items = self._merged(found.items, depth + 1)
                if items is not None:
                    shape["items"] = items
            if found.properties:
                shape["properties"] = {name: self._merged(schemas, depth + 1) for name, schemas in found.properties.items()}
            if found.additional or (found.open and not found.properties and "object" in found.types):
                shape["additional"] = self._merged(found.additional, depth + 1) if found.additional else None
        return shape or None

    def _merged(self, schemas: list[Any], depth: int) -> Shape:
        found = _Found()
        for schema in schemas:
            self._collect(schema, found, 0, frozenset())
        return self._shape(found, depth)

    def _collect(self, schema: Any, found: _Found, depth: int, seen: frozenset[str]) -> None:
        if not isinstance(schema, Mapping) or depth > 20:
            return
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            self._collect(resolve_pointer(self.document, reference), found, depth + 1, seen | {reference})
        found.read(schema)
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in branches(schema, keyword):
                self._collect(branch, found, depth + 1, seen)


class _Found:
    __slots__ = ("additional", "items", "open", "properties", "types")

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.items: list[Any] = []
        self.properties: dict[str, list[Any]] = {}
        self.additional: list[Any] = []
        self.open = True

    def read(self, schema: Mapping[str, Any]) -> None:
        declared = schema.get("type")
        names = declared if isinstance(declared, list) else [declared]
        self.types |= {name for name in names if isinstance(name, str) and name in NAMES}
        if schema.get("nullable") is True:
            self.types.add("null")
        values = [*schema["enum"]] if isinstance(schema.get("enum"), list) else []
        if "type" not in schema:
            self.types |= {_type_of(value) for value in [*values, *([schema["const"]] if "const" in schema else [])]}
        if "items" in schema:
            self.items.append(schema["items"])
            self.types |= {"array"} if declared is None else set()
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            for name, child in properties.items():
                self.properties.setdefault(str(name), []).append(child)
            self.types |= {"object"} if declared is None else set()
        additional = schema.get("additionalProperties")
        if additional is False:
            self.open = False
        elif additional is not None:
            self.additional.append(additional)
            self.types |= {"object"} if declared is None else set()


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    kinds = {float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "string")
