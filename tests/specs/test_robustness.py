"""Whatever is wrong with a document, it is published with findings or refused with a place; the engine never falls over."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specs.compiler import compile_document
from specs.errors import DocumentRefused
from specs.load import load
from tests.specs.documents import openapi, operation, reader

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["a"],
    "properties": {"a": {"type": "string", "pattern": "^x"}, "b": {"$ref": "#/components/schemas/B"}},
    "oneOf": [{"$ref": "#/components/schemas/B"}, {"type": "object", "additionalProperties": False}],
    "discriminator": {"propertyName": "a", "mapping": {"x": "#/components/schemas/B"}},
}
_MODERN = openapi(
    "3.1.0",
    servers=[{"url": "https://{h}.example", "variables": {"h": {"default": "a"}}}],
    security=[{"o": ["a"]}],
    paths={
        "/a/{id}": {
            "parameters": [{"$ref": "#/components/parameters/id"}],
            "post": operation(
                operationId="a",
                parameters=[{"name": "q", "in": "query", "style": "deepObject", "schema": {"$ref": "#/components/schemas/A"}}],
                requestBody={"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}, "multipart/form-data": {"encoding": {"a": {}}}}},
                callbacks={"c": {"{$url}": {"post": operation()}}},
            ),
        }
    },
    webhooks={"w": {"post": operation()}},
    components={
        "schemas": {"A": _SCHEMA, "B": {"type": ["object", "null"], "properties": {"a": {"const": "x"}, "t": {"$ref": "#/components/schemas/B"}}}},
        "parameters": {"id": {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "default": 5}}},
        "securitySchemes": {"o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t.example", "scopes": {"a": ""}}}}},
    },
)  # fmt: skip
_OLD: dict[str, Any] = {
    "swagger": "2.0", "info": {"title": "t", "version": "1"}, "host": "a.example", "schemes": ["https"], "consumes": ["application/json"],
    "paths": {
        "/a/{id}": {
            "parameters": [{"$ref": "#/parameters/id"}, {"in": "body", "name": "b", "schema": {"$ref": "#/definitions/A"}}],
            "post": {"responses": {"200": {"$ref": "#/responses/ok"}, "default": {"description": "d", "headers": {"X": {"type": "array", "items": {"type": "integer"}}}}}},
            "put": {"consumes": ["multipart/form-data"], "parameters": [{"in": "formData", "name": "f", "type": "file"}], "responses": {"200": {"description": "d", "schema": {"type": "file"}}}},
        }
    },
    "parameters": {"id": {"in": "path", "name": "id", "type": "array", "collectionFormat": "pipes", "items": {"type": "string"}, "required": True}},
    "responses": {"ok": {"description": "d", "schema": {"type": "array", "items": {"$ref": "#/definitions/A"}}, "examples": {"application/json": []}}},
    "definitions": {"A": {"type": "object", "discriminator": "t", "required": ["t"], "properties": {"t": {"type": "string", "x-nullable": True}, "a": {"$ref": "#/definitions/A"}}}},
    "securityDefinitions": {"o": {"type": "oauth2", "flow": "application", "tokenUrl": "https://t.example", "scopes": {"a": ""}}, "b": {"type": "basic"}},
}  # fmt: skip

JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, 0, -1, 1.5, "", "x", "#/components/schemas/A", "#/", "#", "#x", "b.yaml", "b.yaml#/x", "b.yaml#x", "http://evil.example/"),
        *([], {}, [1], [None], [[]], {"a": 1}, {"": {}}, 10**15, "\N{SNOWMAN}"),
        *({"$ref": "#x"}, {"$dynamicRef": "#x"}, {"$dynamicAnchor": "x"}, {"$id": "b.yaml", "$ref": "x"}, {"$id": "http://[", "$ref": "x"}),
        *({"$ref": "#/paths"}, {"$ref": 5}, {"$ref": "#/components"}, {"$ref": "#/x~2"}, {"$ref": "#/%ff"}, {"$ref": "b.yaml"}),
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        *("$ref", "type", "items", "x-a", "allOf", "properties", "discriminator", "in", "name", "required", "schema", "enum", "$defs", "a"),
        *("$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$self"),
    ]
)  # fmt: skip


def _holders(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for key, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += [(value, key), *_holders(member)]
    return found


@st.composite
def broken_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A sound document with one to four places changed, added or taken away."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from([_MODERN, _OLD])))
    for _change in range(draw(st.integers(1, 4))):
        holders = _holders(document)
        if not holders:
            break
        holder, key = holders[draw(st.integers(0, len(holders) - 1))]
        change = draw(st.sampled_from(["replace", "replace", "add", "remove"]))
        if change == "remove" and isinstance(holder, dict):
            del holder[key]
        elif change == "add" and isinstance(holder, dict):
            holder[draw(NAMES)] = copy.deepcopy(draw(JUNK))
        else:
            holder[key] = copy.deepcopy(draw(JUNK))
    return document


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(broken_documents(), st.booleans())
def test_a_broken_document_is_published_or_refused_with_places(document: dict[str, Any], as_yaml: bool) -> None:
    text = yaml.safe_dump(document, default_style='"').encode() if as_yaml else orjson.dumps(document)
    try:
        compiled = compile_document(reader({"a.file": text, "b.yaml": "x: {type: string}\n"}), "a.file")
    except DocumentRefused as refused:
        assert refused.findings
        assert all(finding.line and finding.column and finding.file for finding in refused.findings)
    else:
        assert all(finding.line and finding.column and finding.file for finding in compiled.findings)
        assert len({one.key for one in compiled.operations}) == len(compiled.operations)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_broken_text_is_read_or_refused_with_a_place(data: st.DataObject) -> None:
    sound = data.draw(st.sampled_from([orjson.dumps(_MODERN), yaml.safe_dump(_OLD, sort_keys=False).encode()]))
    start = data.draw(st.integers(0, len(sound)))
    end = data.draw(st.integers(start, min(len(sound), start + 20)))
    text = sound[:start] + data.draw(st.binary(max_size=6)) + sound[end:]
    try:
        value = load(text, "a.file").value
    except DocumentRefused as refused:
        assert all(finding.line and finding.column and finding.file for finding in refused.findings)
    else:
        orjson.dumps(value)


def test_the_documents_that_are_broken_are_sound_to_begin_with() -> None:
    for document in (_MODERN, _OLD):
        compiled = compile_document(reader({"a.json": document}), "a.json")
        assert [finding.sentence() for finding in compiled.findings if finding.level == "error"] == []
