"""Plans: what they keep, and that no document, however strange, stops them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.plan import PlanBuilder
from specs.sample import example_request, example_response
from specs.schema.convert import resolve_pointer
from specs.slice import operation_document
from specs.validate import OperationValidator
from tests.specs.planning import answer_of, body_of, parameter

WORDS = [
    "get",
    "parameters",
    "name",
    "in",
    "query",
    "path",
    "header",
    "cookie",
    "schema",
    "content",
    "style",
    "explode",
    "required",
    "requestBody",
    "responses",
    "200",
    "default",
    "2XX",
    "headers",
    "application/json",
    "*/*",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "encoding",
    "security",
    "$ref",
    "#/paths/~1p",
    "#/components/schemas/A",
    "type",
    "object",
    "array",
    "string",
    "integer",
    "properties",
    "items",
    "form",
    "deepObject",
    "examples",
    "value",
    "example",
]
STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=20,
)
PARAMETERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "b", "a[]"]), "in": st.sampled_from(["path", "query", "header", "cookie"])},
        optional={
            "schema": STRANGE,
            "style": STRANGE,
            "explode": STRANGE,
            "required": STRANGE,
            "content": STRANGE,
            "allowEmptyValue": STRANGE,
        },
    ),
    max_size=3,
)
OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "parameters": PARAMETERS | STRANGE,
        "requestBody": STRANGE | st.fixed_dictionaries({"content": st.dictionaries(st.sampled_from(WORDS), STRANGE, max_size=2)}),
        "responses": STRANGE | st.dictionaries(st.sampled_from(["200", "2XX", "default", "x"]), STRANGE, max_size=2),
        "security": STRANGE,
    },
)


@settings(deadline=None)
@given(OPERATIONS, STRANGE, st.sampled_from(["3.0.0", "3.1.0"]))
def test_no_operation_stops_the_plan_or_a_message(operation: dict[str, Any], strange: Any, openapi: str) -> None:
    document = {"openapi": openapi, "paths": {"/p": {"get": operation, "parameters": strange}}, "components": {"schemas": {"A": strange}}}
    builder = PlanBuilder(document)
    plan, _ = builder.operation("/p", "get")
    builder.finish()
    validator = OperationValidator(orjson.loads(orjson.dumps(plan)), builder.documents.__getitem__, builder.bundle.__getitem__)
    for media in ("application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"):
        headers = [("content-type", media), ("a", "1,2"), ("cookie", "a=1")]
        validator.request(path_parameters={"a": "1"}, query="a=1&b[c]=2", headers=headers, body=b'{"a": 1}')
        validator.response(status=200, headers=headers, body=b'{"a": 1}')


@settings(deadline=None)
@given(OPERATIONS, STRANGE)
def test_no_operation_stops_its_example_or_its_slice(operation: dict[str, Any], strange: Any) -> None:
    document = {"components": {"schemas": {"A": strange}}}

    def resolve(pointer: str) -> Any:
        return resolve_pointer(document, pointer)

    example_request(operation, resolve)
    example_response(operation, resolve)
    operation_document({"info": {}}, {"path": "/p", "method": "get", "detail": operation}, resolve)


def plan_of(operation: dict[str, Any], **root: Any) -> dict[str, Any]:
    builder = PlanBuilder({"openapi": "3.0.0", "paths": {"/p": {"get": operation}}, **root})
    return builder.operation("/p", "get")[0]


def test_a_plan_is_small() -> None:
    operation = {**body_of({"type": "object"}), **answer_of({"type": "string"}), "parameters": [parameter("q", {"type": "integer"})]}
    assert len(orjson.dumps(plan_of(operation))) < 1_000


def test_a_path_parameter_the_path_does_not_have_is_not_asked_for() -> None:
    operation = {"parameters": [parameter("id", {"type": "integer"}, place="path"), parameter("ghost", {}, place="path")]}
    builder = PlanBuilder({"openapi": "3.0.0", "paths": {"/p/{id}": {"get": operation}}})
    plan, notes = builder.operation("/p/{id}", "get")
    assert [entry["name"] for entry in plan["parameters"]["list"]] == ["id"]
    at = "#/paths/~1p~1{id}/get/parameters/1/schema"
    assert notes == [f"Request: {at} describes a path parameter that the path does not have."]


def test_references_to_parameters_bodies_and_responses_are_followed() -> None:
    operation = {
        "parameters": [{"$ref": "#/components/parameters/Limit"}],
        "requestBody": {"$ref": "#/components/requestBodies/Body"},
        "responses": {"200": {"$ref": "#/components/responses/Answer"}},
    }
    parts = {
        "parameters": {"Limit": parameter("limit", {"type": "integer"})},
        "requestBodies": {"Body": {"required": True, "content": {"application/json": {}}}},
        "responses": {"Answer": {"content": {"application/json": {"schema": {"type": "object"}}}}},
    }
    plan = plan_of(operation, components=parts)
    assert plan["parameters"]["list"][0]["at"] == "#/components/parameters/Limit/schema"
    assert plan["body"]["required"] is True
    assert plan["responses"]["200"]["content"]["application/json"]["check"]["at"].startswith("#/components/responses/Answer")


@pytest.mark.parametrize(
    ("scheme", "credential"),
    [
        ({"type": "apiKey", "in": "query", "name": "k"}, {"place": "query", "name": "k"}),
        ({"type": "http", "scheme": "Bearer"}, {"place": "authorization", "name": "bearer"}),
        ({"type": "oauth2"}, {"place": "authorization", "name": "bearer"}),
        ({"type": "mutualTLS"}, {"place": None, "name": "mutualTLS"}),
        (None, {"place": None, "name": "unknown"}),
    ],
)
def test_security_says_where_credentials_stand(scheme: Any, credential: dict[str, Any]) -> None:
    plan = plan_of({"security": [{"s": []}, {}]}, components={"securitySchemes": {"s": scheme} if scheme else {}})
    assert plan["security"] == [[credential], []]


def test_equal_operations_share_their_documents() -> None:
    operation = answer_of({"type": "object", "properties": {"a": {"type": "integer"}}})
    builder = PlanBuilder({"openapi": "3.0.0", "paths": {f"/p{number}": {"get": operation} for number in range(5)}})
    for number in range(5):
        builder.operation(f"/p{number}", "get")
    assert len(builder.documents) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"paths": {"/a": {"get": {"parameters": [{"name": "b", "in": ["query"]}, {"name": "b", "in": {}}, 3, None]}}}},
        {"paths": {"/a": {"get": {"security": [{"s": []}]}}}, "components": "text"},
        {"paths": {"/a": {"get": {"security": [{"s": []}]}}}, "components": {"securitySchemes": ["s"]}},
        {
            "paths": {"/a": {"get": {"security": [{"s": []}, 3]}}},
            "components": {"securitySchemes": {"s": {"type": ["http"], "scheme": {}}}},
        },
        {
            "paths": {"/a": {"get": {"security": [{"s": []}]}}},
            "components": {"securitySchemes": {"s": {"type": "apiKey", "in": {}, "name": []}}},
        },
        {
            "paths": {
                "/a": {"get": {"requestBody": {"content": {"multipart/form-data": {"encoding": {"a": {"style": [], "contentType": 3}}}}}}}
            }
        },
        {"paths": {"/a": {"get": {"requestBody": {"$ref": "#/tags/\u00b2"}}}}, "tags": [1]},
        {"paths": {"/a": {"get": {"requestBody": {"$ref": "#/tags/" + "9" * 5000}}}}, "tags": [1]},
        {"paths": {"/a": "text"}},
        {"paths": "text"},
        {},
    ],
)
def test_junk_where_an_object_or_text_belongs_is_planned_around(document: dict[str, Any]) -> None:
    builder = PlanBuilder({"openapi": "3.0.3", **document})
    plan, _unchecked = builder.operation("/a", "get")
    builder.finish()
    validator = OperationValidator(orjson.loads(orjson.dumps(plan)), builder.documents.__getitem__, builder.bundle.__getitem__)
    form = [("Content-Type", "multipart/form-data; boundary=x")]
    validator.request(
        path_parameters={}, query="b=1", headers=form, body=b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    )
