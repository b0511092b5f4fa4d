"""Example values: they prefer what the document gives, end on cycles, and are valid."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.sample import Sampler, example_request, example_response
from specs.schema.compiling import compile_schema
from specs.schema.convert import Converter, resolve_pointer
from specs.schema.keywords import FORMATS
from tests.specs.planning import body_of, messages, ref, send, validator_for


def nothing(pointer: str) -> None:
    return None


@st.composite
def bounded(draw: st.DrawFn, low: str, high: str, strategy: st.SearchStrategy[Any]) -> dict[str, Any]:
    found = sorted(draw(st.lists(strategy, max_size=2, unique=True)))
    return dict(zip((low, high), found, strict=False)) if len(found) == 2 else {low: found[0]} if found else {}


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    schema = {"type": draw(st.sampled_from(["integer", "number"])), **draw(bounded("minimum", "maximum", st.integers(-1000, 1000)))}
    if "maximum" in schema and schema["maximum"] - schema["minimum"] > 60:
        schema |= draw(
            st.sampled_from([{}, {"multipleOf": 5}, {"exclusiveMinimum": True}, {"exclusiveMaximum": True}, {"format": "int32"}])
        )
    return schema


PATTERNS = [
    "^[A-Z]+$",
    r"^\d{3}-\d{4}$",
    "^(GET|POST)$",
    r"^[a-z][a-z0-9_-]{2,30}$",
    "^[^/]+$",
    r"^\w+@\w+\.com$",
    "^$",
    "a|b",
    r"^v\d+(\.\d+)*$",
    "^(?:x{2,3})?y$",
    r"[\w.\-]+",
    r"^#[0-9a-fA-F]{6}$",
    r"^\S+$",
]
TEXTS = st.one_of(
    bounded("minLength", "maxLength", st.integers(0, 40)),
    st.sampled_from([{"pattern": pattern} for pattern in PATTERNS]),
    st.sampled_from([{"format": name} for name in sorted(FORMATS)]),
    st.sampled_from([{"enum": ["a", "b"]}, {"const": "x"}, {"default": "d"}, {"example": 5}]),
).map(lambda schema: {"type": "string", **schema})
LEAVES = st.one_of(numbers(), TEXTS, st.just({"type": "boolean"}), st.just({"type": "string", "nullable": True}), st.just({}))


def lists(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda items, bounds: {"type": "array", "items": items, **bounds}, inner, bounded("minItems", "maxItems", st.integers(0, 5))
    )


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(st.sampled_from("abcde"), inner, max_size=4))
    required = [name for name in properties if draw(st.booleans())]
    schema: dict[str, Any] = {"type": "object", "properties": properties, **({"required": required} if required else {})}
    return schema | draw(st.sampled_from([{}, {"additionalProperties": False}, {"additionalProperties": {"type": "integer"}}]))


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        lists(inner),
        objects(inner),
        st.lists(objects(inner), min_size=1, max_size=2).map(lambda parts: {"allOf": [open_object(part) for part in parts]}),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
    ),
    max_leaves=8,
)


def open_object(schema: dict[str, Any]) -> dict[str, Any]:
    """Parts of allOf that close or type their additional properties exclude each other; keep to those that can be met."""
    return {name: value for name, value in schema.items() if name not in {"additionalProperties", "required", "properties"}} | {
        "properties": {name: {"type": "integer"} for name in schema["properties"]},
        "required": list(schema["properties"]),
    }


@given(SCHEMAS, st.sampled_from(["request", "response"]), st.integers(0, 7) | st.integers(0, 10**9))
def test_an_example_is_valid_whatever_its_seed(schema: dict[str, Any], mode: Any, seed: int) -> None:
    value = Sampler(nothing, mode, seed).value(schema)
    assert value == Sampler(nothing, mode, seed).value(schema)
    converted = Converter({"openapi": "3.0.0"}, mode).convert(schema, "#").schema
    assert compile_schema(orjson.dumps(converted)).is_valid(value), value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "example": "e", "default": "d", "enum": ["e", "d"]}, "e"),
        ({"type": "string", "default": "d"}, "d"),
        ({"type": "string", "examples": ["first", "second"]}, "first"),
        ({"enum": ["x", "y"]}, "x"),
        ({"const": 7}, 7),
        ({"type": "integer", "example": "not one"}, 1),
        ({"type": ["null", "string"], "format": "date"}, "2026-01-31"),
        ({"oneOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True}, ["a", "b", "c"]),
        (False, None),
    ],
)
def test_what_the_document_gives_comes_first(schema: Any, value: Any) -> None:
    assert Sampler(nothing).value(schema) == value


def test_recursive_schemas_end() -> None:
    schemas = {
        "Node": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": ref("Node")}},
        },
        "Loop": ref("Loop"),
        "Needy": {"type": "object", "required": ["again"], "properties": {"again": ref("Needy")}},
    }
    sampler = Sampler(lambda pointer: schemas.get(pointer.rpartition("/")[2]))
    assert sampler.value(ref("Node")) == {"name": "text"}
    sampler.value(ref("Loop"))
    sampler.value(ref("Needy"))


def test_a_branch_is_named_by_its_discriminator() -> None:
    schemas = {"Dog": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}}
    schema = {"oneOf": [ref("Dog")], "discriminator": {"propertyName": "kind", "mapping": {"hound": "#/components/schemas/Dog"}}}
    assert Sampler(lambda pointer: schemas["Dog"]).value(schema) == {"kind": "hound"}


def test_read_only_is_left_out_of_requests_and_write_only_of_responses() -> None:
    schema = {
        "type": "object",
        "required": ["id", "secret", "name"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "secret": {"type": "string", "writeOnly": True},
            "name": {"type": "string"},
        },
    }
    assert set(Sampler(nothing, "request").value(schema)) == {"secret", "name"}
    assert set(Sampler(nothing, "response").value(schema)) == {"id", "name"}


def test_a_request_has_what_is_required_and_suggests_the_rest() -> None:
    detail = {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
            {"name": "page", "in": "query", "schema": {"type": "integer", "default": 1}},
            {"name": "Accept", "in": "header", "required": True, "schema": {"type": "string"}},
            {"name": "filter", "in": "query", "required": True, "content": {"application/json": {"example": {"a": 1}}}},
        ],
        "requestBody": {
            "content": {"application/json": {"examples": {"one": {"value": {"x": 1}}}}, "text/plain": {"schema": {"type": "string"}}}
        },
    }
    assert example_request(detail, nothing) == {
        "parameters": {"path": {"id": 1}, "query": {"filter": {"a": 1}}},
        "optional": {"query": {"page": 1}},
        "body": {"application/json": {"x": 1}, "text/plain": "text"},
    }


def test_a_prefilled_body_is_valid() -> None:
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 9}, "extra": {"type": "string"}},
    }
    body = example_request(body_of(schema), nothing)["body"]["application/json"]
    assert body == {"name": "textxxxxx"}
    assert messages(send(validator_for(body_of(schema)), body)) == []


@pytest.mark.parametrize(
    ("responses", "status", "expected"),
    [
        ({"404": {}, "201": {"content": {"application/json": {"schema": {"type": "boolean"}}}}}, None, (201, "application/json", True)),
        ({"2XX": {"content": {"text/plain": {"example": "hi"}}}}, None, (200, "text/plain", "hi")),
        ({"default": {"content": {"application/json": {"example": 1}}}}, 503, (503, "application/json", 1)),
        ({"204": {"description": "none"}}, None, (204, "", None)),
        ({"404": {"content": {"application/json": {"example": 1}}}}, None, (404, "application/json", 1)),
        ({"200": {"content": {"text/html": {}, "application/json": {"example": 2}}}}, None, (200, "application/json", 2)),
        ({}, 418, (418, "", None)),
        (None, None, (200, "", None)),
    ],
)
def test_answers_as_a_mock_would_give_them(responses: Any, status: int | None, expected: Any) -> None:
    assert example_response({"responses": responses}, nothing, status=status) == expected


def test_a_schema_behind_references_is_found() -> None:
    document = {
        "components": {"schemas": {"A": {"allOf": [ref("B"), {"properties": {"b": {"type": "integer"}}}]}, "B": {"type": "object"}}}
    }
    assert Sampler(lambda pointer: resolve_pointer(document, pointer)).value(ref("A")) == {"b": 1}
