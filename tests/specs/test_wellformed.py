"""Junk where the standard wants an object, text or a list: readers of an operation never meet it."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings

from specs.compiler import CompiledDocument, compile_document
from specs.errors import DocumentRefused
from specs.sample import example_request, example_response
from specs.slice import operation_document
from tests.specs.documents import openapi, operation, reader
from tests.specs.test_robustness import broken_documents


def compiled(document: dict[str, Any]) -> CompiledDocument:
    return compile_document(reader({"a.json": orjson.dumps(document)}), "a.json")


def of(**members: Any) -> CompiledDocument:
    return compiled(openapi("3.0.3", paths={"/a": {"post": operation(**members)}}))


def read_everything(document: CompiledDocument) -> None:
    """Everything that is read of an operation: its small document and its examples."""

    def resolve(pointer: str) -> Any:
        text = document.schemas.get(pointer)
        return None if text is None else orjson.loads(text)

    meta = {
        "openapi": "3.0.3",
        "info": document.info,
        "servers": document.servers,
        "security_schemes": document.security_schemes,
        "tags": document.tags,
    }
    for one in document.operations:
        detail = orjson.loads(orjson.dumps(one.detail))
        orjson.dumps(operation_document(meta, {"path": one.path, "method": one.method, "detail": detail}, resolve))
        orjson.dumps(example_request(detail, resolve))
        orjson.dumps(example_response(detail, resolve))
        for status in detail["responses"]:
            orjson.dumps(example_response(detail, resolve, status=int(status) if status.isascii() and status.isdigit() else 418))


def assert_well_formed(detail: dict[str, Any]) -> None:
    """What readers rely on."""
    for parameter in detail["parameters"]:
        assert isinstance(parameter["name"], str)
        assert isinstance(parameter["in"], str)
        assert all(isinstance(media, dict) for media in parameter.get("content", {}).values())
    assert all(isinstance(media, dict) for media in detail.get("requestBody", {}).get("content", {}).values())
    for status, response in detail["responses"].items():
        if not status.startswith("x-"):
            holders = [*response.get("content", {}).values(), *response.get("headers", {}).values()]
            assert all(isinstance(one, dict) for one in holders)
            assert all(isinstance(one.get("schema", {}), dict | bool) for one in holders)
    assert all(isinstance(one, dict) for name in ("security", "servers") for one in detail.get(name, []))


@pytest.mark.parametrize(
    ("members", "path", "left"),
    [
        ({"parameters": [{"name": "b", "in": "query", "content": 3}]}, "parameters/0/content", {}),
        ({"parameters": [{"name": "b", "in": "query", "content": {"a/b": [1]}}]}, "parameters/0/content/a/b", {"content": {}}),
        ({"parameters": [{"name": "b", "in": "query", "schema": "text"}]}, "parameters/0/schema", {}),
        ({"parameters": [{"name": "b", "in": "query", "style": ["form"]}]}, "parameters/0/style", {}),
    ],
)
def test_what_a_parameter_must_not_hold_is_left_out_and_found(members: dict[str, Any], path: str, left: dict[str, Any]) -> None:
    document = of(**members)
    assert document.operations[0].detail["parameters"] == [{"name": "b", "in": "query"} | left]
    found = [finding for finding in document.findings if finding.rule == "left-out"]
    assert [(finding.level, finding.text.partition(" ")[0]) for finding in found] == [("warning", path)]
    assert found[0].line


@pytest.mark.parametrize("content", [3, [{"application/json": {}}], "application/json", None, True])
def test_a_body_whose_content_is_no_object_has_none(content: Any) -> None:
    document = of(requestBody={"required": True, "content": content})
    assert document.operations[0].detail["requestBody"] == {"required": True}
    assert [finding.text for finding in document.findings if finding.rule == "left-out"] == [
        "requestBody/content is left out where the operation is read: it must be an object."
    ]


def test_media_types_parameters_and_callbacks_that_are_no_objects_are_left_out() -> None:
    detail = (
        of(
            requestBody={"content": {"application/json": 5, "text/plain": {"schema": [], "examples": {"a": 1, "b": {"value": 2}}}}},
            parameters=[3, {"in": "query"}, {"name": ["x"], "in": "query"}, {"name": "x", "in": "query"}],
            responses={"200": {"description": 1, "content": {"a/b": None}, "headers": {"X": 1}}, "204": []},
            callbacks={"a": 1, "b": {"{$url}": {"post": operation(requestBody=3)}}},
            security=[1, {"o": ["a"]}],
            servers="https://a.example",
            externalDocs=4,
        )
        .operations[0]
        .detail
    )
    assert detail["requestBody"] == {"content": {"text/plain": {"examples": {"b": {"value": 2}}}}}
    assert detail["parameters"] == [{"name": "x", "in": "query"}]
    assert detail["responses"] == {"200": {"content": {}, "headers": {}}}
    assert list(detail["callbacks"]["b"]["{$url}"]["post"]) == ["parameters", "responses"]
    assert detail["security"] == [{"o": ["a"]}]
    assert "servers" not in detail
    assert "externalDocs" not in detail


def test_a_sound_detail_is_not_touched() -> None:
    members = {
        "parameters": [{"name": "b", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}, "x-y": 3}],
        "requestBody": {"content": {"application/json": {"schema": {"properties": {"content": {"type": "string"}}}}}},
        "responses": {"200": {"description": "d", "headers": {"X": {"schema": {"type": "string"}}}, "x-z": [1]}, "x-w": 1},
        "x-own": 3,
    }
    document = of(**copy.deepcopy(members))
    assert document.operations[0].detail == members
    assert not [finding for finding in document.findings if finding.rule == "left-out"]


def test_a_reference_in_an_operation_hides_nothing() -> None:
    document = of(**{"$ref": "#/components/schemas/A", "parameters": [{"in": "query"}, {"name": "x", "in": "query"}]})
    assert document.operations[0].detail["parameters"] == [{"name": "x", "in": "query"}]


def test_a_status_in_other_digits_is_no_number() -> None:
    document = of(responses={"²": {"description": "d"}, "9" * 5_000: {"description": "d"}})
    assert example_response(document.operations[0].detail, lambda pointer: None) == (200, "", None)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": None, "allOf": [{"properties": {"a": {"type": "string"}}}], "type": "object"},
        {"type": "number", "minimum": 1, "multipleOf": 5e-324},
        {"oneOf": [{"$ref": "#/components/schemas/T"}], "discriminator": {"propertyName": "t", "mapping": {"x": [], "y": 1}}},
        {"type": "array", "items": ["no", "schema"], "minItems": -4, "maxItems": "x"},
        {"type": "string", "minLength": "x", "maxLength": -1, "pattern": ["("], "format": []},
        {"type": [["object"]], "required": [["a"]], "enum": "x", "examples": 3, "allOf": 4, "anyOf": {}},
    ],
)
def test_junk_inside_a_schema_is_read_over(schema: dict[str, Any]) -> None:
    content = {"content": {"application/json": {"schema": schema}}}
    document = openapi(
        "3.1.0",
        paths={"/a": {"post": operation(requestBody=content, responses={"200": {"description": "d", **content}})}},
        components={"schemas": {"T": {"type": "object", "properties": {"t": {"const": {"an": "object"}}}}}},
    )
    read_everything(compiled(document))


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(broken_documents())
def test_whatever_a_document_holds_its_operations_can_be_read(document: dict[str, Any]) -> None:
    try:
        made = compiled(document)
    except DocumentRefused:
        assume(False)
    for one in made.operations:
        assert_well_formed(one.detail)
    read_everything(made)
