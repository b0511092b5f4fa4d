"""Swagger 2.0 read as OpenAPI 3.0."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from specs.upgrade import original_tokens, upgrade


def swagger(**members: Any) -> dict[str, Any]:
    return {"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": {}, **members}


def operation_of(operation: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The one operation, upgraded."""
    document = swagger(paths={"/a": {"post": {"responses": {}, **operation}}}, **members)
    before = copy.deepcopy(document)
    upgraded, _findings = upgrade(document)
    assert document == before, "the document given was changed"
    return upgraded["paths"]["/a"]["post"]  # type: ignore[no-any-return]


def test_a_3_x_document_comes_back_as_it_is() -> None:
    document = {"openapi": "3.0.0"}
    assert upgrade(document) == (document, [])


@pytest.mark.parametrize(
    ("members", "urls"),
    [
        ({"host": "a.example", "basePath": "/v1", "schemes": ["http", "https"]}, ["http://a.example/v1", "https://a.example/v1"]),
        ({"host": "a.example"}, ["https://a.example"]),
        ({"basePath": "/v1"}, ["/v1"]),
        ({}, ["/"]),
    ],
)
def test_servers_are_made_of_schemes_host_and_base_path(members: dict[str, Any], urls: list[str]) -> None:
    assert [server["url"] for server in upgrade(swagger(**members))[0]["servers"]] == urls


def test_a_body_becomes_a_request_body_of_what_is_consumed() -> None:
    body = {"in": "body", "name": "b", "required": True, "schema": {"$ref": "#/definitions/A"}}
    done = operation_of({"parameters": [body], "consumes": ["application/json", "text/xml"]})
    schema = {"schema": {"$ref": "#/components/schemas/A"}}
    assert done["requestBody"] == {"content": {"application/json": schema, "text/xml": schema}, "required": True, "x-body-name": "b"}
    assert "parameters" not in done
    assert "consumes" not in done


def test_a_body_from_the_root_stays_a_reference() -> None:
    root = {"parameters": {"b": {"in": "body", "name": "b", "schema": {"type": "object"}}}}
    assert operation_of({"parameters": [{"$ref": "#/parameters/b"}]}, **root)["requestBody"] == {"$ref": "#/components/requestBodies/b"}


def test_form_fields_become_one_schema() -> None:
    fields = [
        {"in": "formData", "name": "n", "type": "integer", "required": True, "description": "how many"},
        {"in": "formData", "name": "l", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
    ]
    assert operation_of({"parameters": fields})["requestBody"] == {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "n": {"type": "integer", "description": "how many"},
                        "l": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["n"],
                },
                "encoding": {"l": {"style": "form", "explode": True}},
            }
        },
        "required": True,
    }


def test_a_file_field_is_sent_as_multipart() -> None:
    done = operation_of({"parameters": [{"in": "formData", "name": "f", "type": "file"}], "consumes": ["application/json"]})
    assert done["requestBody"]["content"] == {
        "multipart/form-data": {"schema": {"type": "object", "properties": {"f": {"type": "string", "format": "binary"}}}}
    }


@pytest.mark.parametrize(
    ("collection", "expected"),
    [
        (None, {"style": "form", "explode": False}),
        ("csv", {"style": "form", "explode": False}),
        ("multi", {"style": "form", "explode": True}),
        ("ssv", {"style": "spaceDelimited", "explode": False}),
        ("pipes", {"style": "pipeDelimited", "explode": False}),
    ],
)
def test_lists_in_the_query_keep_their_format(collection: str | None, expected: dict[str, Any]) -> None:
    parameter = {"in": "query", "name": "l", "type": "array", "items": {"type": "integer", "format": "int32"}}
    if collection:
        parameter["collectionFormat"] = collection
    (done,) = operation_of({"parameters": [parameter]})["parameters"]
    assert done == {"in": "query", "name": "l", "schema": {"type": "array", "items": {"type": "integer", "format": "int32"}}, **expected}


def test_tab_separated_lists_are_passed_as_text_and_said() -> None:
    parameter = {"in": "query", "name": "l", "type": "array", "items": {"type": "string"}, "collectionFormat": "tsv"}
    upgraded, findings = upgrade(swagger(paths={"/a": {"get": {"parameters": [parameter], "responses": {}}}}))
    assert upgraded["paths"]["/a"]["get"]["parameters"][0]["schema"] == {"type": "string"}
    assert [(finding.rule, finding.pointer) for finding in findings] == [("collection-format", "/paths/~1a/get/parameters/0")]


def test_responses_get_what_is_produced_headers_and_examples() -> None:
    response = {
        "description": "d",
        "schema": {"type": "array", "items": {"$ref": "#/definitions/A"}},
        "headers": {"X-N": {"type": "integer", "description": "n"}},
        "examples": {"application/json": [1]},
    }
    done = operation_of({"responses": {"200": response, "404": {"$ref": "#/responses/gone"}}}, produces=["application/json"])
    assert done["responses"] == {
        "200": {
            "description": "d",
            "headers": {"X-N": {"schema": {"type": "integer"}, "description": "n"}},
            "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}, "example": [1]}},
        },
        "404": {"$ref": "#/components/responses/gone"},
    }


def test_a_file_answer_is_binary() -> None:
    done = operation_of({"responses": {"200": {"description": "d", "schema": {"type": "file"}}}})
    assert done["responses"]["200"]["content"] == {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"type": "string", "x-nullable": True}, {"type": "string", "nullable": True}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"discriminator": "kind"}, {"discriminator": {"propertyName": "kind"}}),
        ({"allOf": [{"$ref": "#/definitions/A"}]}, {"allOf": [{"$ref": "#/components/schemas/A"}]}),
        ({"additionalProperties": {"$ref": "#/definitions/A"}}, {"additionalProperties": {"$ref": "#/components/schemas/A"}}),
        ({"properties": {"$ref": {"type": "file"}}}, {"properties": {"$ref": {"type": "string", "format": "binary"}}}),
    ],
)
def test_schemas_are_written_the_3_0_way(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert upgrade(swagger(definitions={"A": before}))[0]["components"]["schemas"]["A"] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"type": "basic"}, {"type": "http", "scheme": "basic"}),
        ({"type": "apiKey", "in": "header", "name": "K"}, {"type": "apiKey", "in": "header", "name": "K"}),
        (
            {"type": "oauth2", "flow": "application", "tokenUrl": "https://t", "scopes": {"a": "b"}},
            {"type": "oauth2", "flows": {"clientCredentials": {"scopes": {"a": "b"}, "tokenUrl": "https://t"}}},
        ),
    ],
)
def test_security_schemes_are_written_the_3_0_way(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert upgrade(swagger(securityDefinitions={"s": before}))[0]["components"]["securitySchemes"]["s"] == after


def test_shared_parameters_of_a_path_are_inherited_unless_named_again() -> None:
    shared = [{"in": "body", "name": "b", "schema": {"type": "object"}}, {"in": "query", "name": "q", "type": "string"}]
    own = [{"in": "body", "name": "b", "schema": {"type": "array"}}]
    path = {"parameters": shared, "post": {"responses": {}, "parameters": own}, "put": {"responses": {}}}
    done = upgrade(swagger(paths={"/a": path}))[0]["paths"]["/a"]
    assert done["parameters"] == [{"in": "query", "name": "q", "schema": {"type": "string"}}]
    assert done["post"]["requestBody"]["content"]["application/json"]["schema"] == {"type": "array"}
    assert done["put"]["requestBody"]["content"]["application/json"]["schema"] == {"type": "object"}


def test_pointers_lead_back_to_the_original() -> None:
    document = swagger()
    assert original_tokens(document, ("components", "schemas", "A", "type")) == ("definitions", "A", "type")
    assert original_tokens(document, ("components", "securitySchemes", "s")) == ("securityDefinitions", "s")
    assert original_tokens(document, ("paths", "/a", "get")) == ("paths", "/a", "get")
    assert original_tokens({"openapi": "3.0.0"}, ("components", "schemas", "A")) == ("components", "schemas", "A")
