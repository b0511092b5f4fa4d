"""Schemas of OpenAPI as JSON Schema: conversion, closures, bundles, and what is given up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.sample import Sampler
from specs.schema import DOCUMENT_LIMIT, IN_PLACE_LIMIT, SchemaDocuments, ShapeReader, compile_schema
from specs.schema.convert import Converter, definition_name, resolve_pointer
from specs.schema.cost import CostGuard
from tests.specs.planning import components, ref


def converted(schema: Any, mode: Any = "request", *, openapi: str = "3.0.3", **schemas: Any) -> Any:
    return Converter({"openapi": openapi, "components": components(**schemas)}, mode).convert(schema, "#/at").schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "description": "d", "example": "e", "x-note": 1, "title": "t", "default": "d"}, {"type": "string"}),
        ({"type": "integer", "format": "int32", "minimum": 5}, {"type": "integer", "minimum": 5, "maximum": 2**31 - 1}),
        ({"type": "integer", "minimum": 5, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 5}),
        ({"type": "integer", "minimum": 5, "exclusiveMinimum": False}, {"type": "integer", "minimum": 5}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"nullable": True}, {}),
        ({"type": "array", "items": [{"type": "string"}]}, {"type": "array", "prefixItems": [{"type": "string"}]}),
        ({"type": "file"}, {"type": "string"}),
        ({"required": True, "type": "object"}, {"type": "object"}),
        ({"required": ["a", "a"]}, {"required": ["a"]}),
        ({"format": "double", "type": "number"}, {"type": "number"}),
        (True, True),
        (False, False),
    ],
)
def test_conversion(schema: Any, expected: Any) -> None:
    assert converted(schema) == expected


def test_what_stands_beside_a_reference_counts_only_from_3_1_on() -> None:
    schema = {**ref("A"), "maxLength": 3}
    assert converted(schema, A={"type": "string"}) == {"$ref": "#/$defs/A"}
    assert converted(schema, openapi="3.1.0", A={"type": "string"}) == {"$ref": "#/$defs/A", "maxLength": 3}


def test_names_of_definitions_are_plain_or_a_hash() -> None:
    assert definition_name("#/components/schemas/Plain.Name-1") == "Plain.Name-1"
    odd = definition_name("#/paths/~1v2~1x~1%7Bid%7D/get/responses/200/content/application~1json/schema")
    assert odd.startswith("at-")
    assert odd == definition_name("#/paths/~1v2~1x~1{id}/get/responses/200/content/application~1json/schema")
    assert definition_name("#/components/schemas/with space").startswith("at-")


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("#/a/0/b", 1),
        ("#/a~1b", 2),
        ("#/a%7E1b", 2),
        ("#/c%25", 3),
        ("#/t~0", 4),
        ("#/a/5", None),
        ("#/a/x", None),
        ("#/none", None),
        ("#/a~1b/below", None),
    ],
)
def test_pointers_are_followed(pointer: str, found: Any) -> None:
    assert resolve_pointer({"a": [{"b": 1}], "a/b": 2, "c%": 3, "t~": 4}, pointer) == found


def documents_of(document: dict[str, Any], mode: Any = "request") -> tuple[SchemaDocuments, dict[str, bytes]]:
    store: dict[str, bytes] = {}
    return SchemaDocuments(document, mode, store), store


def test_equal_schemas_are_stored_once_and_by_content() -> None:
    documents, store = documents_of({"openapi": "3.0.0"})
    first, _ = documents.add({"type": "string", "description": "one"}, "#/a")
    second, _ = documents.add({"description": "two", "type": "string"}, "#/b")
    assert first and second
    assert first["schema"] == second["schema"]
    assert len(store) == 1


def test_a_schema_that_lets_everything_through_is_not_stored() -> None:
    documents, store = documents_of({"openapi": "3.0.0"})
    assert documents.add({"description": "anything"}, "#/a") == (None, [])
    assert store == {}


def big(count: int) -> dict[str, Any]:
    """Many schemas that all reach one another."""
    return {
        f"S{index}": {"type": "object", "properties": {f"p{index}_{step}": ref(f"S{(index + step) % count}") for step in range(1, 30)}}
        for index in range(count)
    } | {"Leaf": {"type": "integer"}}


def test_large_closures_share_a_bundle() -> None:
    schemas = big(100)
    schemas["S7"]["properties"]["leaf"] = ref("Leaf")
    documents, store = documents_of({"openapi": "3.0.0", "components": {"schemas": schemas}})
    large, _ = documents.add({"type": "array", "items": ref("S0")}, "#/a")
    small, _ = documents.add(ref("Leaf"), "#/b")
    bundle = documents.bundle()
    assert large and small and bundle
    assert large["bundle"] == "request"
    assert "bundle" not in small
    assert all(len(text) < DOCUMENT_LIMIT for text in store.values())
    validator = compile_schema(store[large["schema"]], mode="request", bundle=bundle)
    assert validator.is_valid([{"p0_7": {"leaf": 1}}])
    errors = list(validator.iter_errors([{"p0_7": {"leaf": "x"}}]))
    assert [error.instance_path for error in errors] == [[0, "p0_7", "leaf"]]


def test_a_chain_of_doubling_references_is_given_up() -> None:
    schemas = {"L0": {"type": "integer"}} | {f"L{n}": {"anyOf": [ref(f"L{n - 1}"), ref(f"L{n - 1}")]} for n in range(1, 25)}
    documents, _ = documents_of({"openapi": "3.0.0", "components": {"schemas": schemas}})
    reference, notes = documents.add(ref("L24"), "#/a")
    assert reference is not None
    assert any(note.whole and "too much work" in note.text for note in notes)
    untouched, notes = documents.add(ref("L5"), "#/b")
    assert untouched is not None
    assert notes == []


@pytest.mark.parametrize(
    "schemas",
    [
        {"A": ref("A")},
        {"A": {"allOf": [ref("B")]}, "B": {"allOf": [ref("A")]}},
        {"A": {"not": ref("A")}},
        {"A": {"if": ref("A"), "then": {"type": "string"}}},
    ],
)
def test_schemas_that_apply_to_themselves_are_given_up(schemas: dict[str, Any]) -> None:
    documents, store = documents_of({"openapi": "3.1.0", "components": {"schemas": schemas}})
    reference, notes = documents.add(ref("A"), "#/a")
    assert any(note.whole for note in notes)
    if reference:
        assert compile_schema(store[reference["schema"]]).is_valid({"anything": 1})


def test_a_tree_is_no_endless_schema() -> None:
    schemas = {"Node": {"type": "object", "properties": {"children": {"type": "array", "items": ref("Node")}}}}
    documents, store = documents_of({"openapi": "3.0.0", "components": {"schemas": schemas}})
    reference, notes = documents.add(ref("Node"), "#/a")
    assert notes == []
    assert reference
    assert not compile_schema(store[reference["schema"]]).is_valid({"children": [{"children": 5}]})


def test_the_guard_counts_in_place_only() -> None:
    definitions = {"A": {"properties": {"x": {"$ref": "#/$defs/A"}}}, "B": {"allOf": [{"$ref": "#/$defs/A"}] * 3}}
    guard = CostGuard(definitions.__getitem__)
    assert guard.worst(definitions["A"]) == 2
    assert guard.worst(definitions["B"]) == 10 - 3
    assert guard.worst({"items": definitions["B"]}) == 7
    assert guard.worst({"anyOf": [{}] * IN_PLACE_LIMIT}) == IN_PLACE_LIMIT + 1


BOTH = {"oneOf": [{"properties": {"child": ref("Node")}, "required": ["a"]}, {"properties": {"child": ref("Node")}, "required": ["b"]}]}
EITHER = {"oneOf": [{"properties": {"left": ref("Node")}}, {"properties": {"right": ref("Node")}}]}
FILTER = {"anyOf": [ref("And"), ref("Or")]}
CLAUSES = {"type": "object", "properties": {"clauses": {"type": "array", "items": ref("Node")}}}


@pytest.mark.parametrize(
    ("schemas", "limited"),
    [
        ({"Node": BOTH}, True),
        ({"Node": EITHER}, False),
        ({"Node": FILTER, "And": CLAUSES, "Or": CLAUSES}, True),
        ({"Node": {"additionalProperties": ref("Node"), "properties": {"x": ref("Node")}}}, True),
        ({"Node": CLAUSES}, False),
        ({"Node": {"anyOf": [ref("Leaf"), ref("Leaf")]}, "Leaf": {"type": "integer"}}, False),
    ],
)
def test_work_that_doubles_with_every_level_bounds_the_depth_of_requests(schemas: dict[str, Any], limited: bool) -> None:
    document = {"openapi": "3.0.0", "components": {"schemas": schemas}}
    request, _ = documents_of(document)[0].add(ref("Node"), "#/a")
    response, _ = documents_of(document, "response")[0].add(ref("Node"), "#/a")
    assert request and response
    assert (request.get("depth", 0) > 0) is limited
    assert ("depth" in response) is limited
    assert response.get("depth", 0) == 0


def test_shapes_outline_what_texts_stand_for() -> None:
    document = {"components": components(N={"type": "integer", "nullable": True}, Tree={"properties": {"below": ref("Tree")}})}
    reader = ShapeReader(document)
    assert reader.read({"type": "string"}) is None
    assert reader.read(ref("N")) == {"types": ["integer", "null"]}
    assert reader.read({"type": "array", "items": ref("N")}) == {"types": ["array"], "items": {"types": ["integer", "null"]}}
    assert reader.read({"anyOf": [{"type": "string"}, {"enum": [1, None]}]}) == {"types": ["integer", "null", "string"]}
    assert reader.read({"type": "object"}) == {"types": ["object"], "additional": None}
    assert reader.read({"type": "object", "properties": {"a": {"type": "string"}}}) == {"types": ["object"], "properties": {"a": None}}
    assert len(orjson.dumps(reader.read(ref("Tree")))) < 1_000


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab$/#~", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "items",
                    "allOf",
                    "anyOf",
                    "oneOf",
                    "not",
                    "required",
                    "enum",
                    "const",
                    "pattern",
                    "minimum",
                    "maxLength",
                    "format",
                    "$ref",
                    "nullable",
                    "additionalProperties",
                    "discriminator",
                    "propertyName",
                    "mapping",
                    "readOnly",
                    "if",
                    "then",
                    "else",
                    "prefixItems",
                    "dependentSchemas",
                    "$id",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(JSON_VALUES, st.sampled_from(["3.0.3", "3.1.0"]))
def test_nothing_given_as_a_schema_stops_the_sync(schema: Any, openapi: str) -> None:
    document = {"openapi": openapi, "components": {"schemas": {"A": schema}}}
    documents, store = documents_of(document)
    for given_schema in (schema, ref("A")):
        reference, _ = documents.add(given_schema, "#/a")
        if reference:
            compile_schema(store[reference["schema"]]).is_valid({"a": [1]})
    ShapeReader(document).read(schema)
    Sampler(lambda pointer: resolve_pointer(document, pointer)).value(schema)
