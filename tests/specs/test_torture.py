"""What trips validators of real traffic: every line is a request or response some validator judged wrongly or fell over on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.specs.planning import (
    FORM,
    JSON,
    answer_of,
    body_of,
    components,
    messages,
    parameter,
    planned,
    receive,
    ref,
    send,
    validator_for,
)

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}}


def query_validator(*parameters: dict[str, Any], **more: Any) -> Any:
    return validator_for({"parameters": list(parameters), **more}, method="get")


# what must not fall over


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json;",
        "application/json; charset",
        'application/json; profile="a=b"',
        "application/json;;; x==y; =",
        "APPLICATION/JSON",
    ],
)
def test_an_odd_content_type_is_still_json(content_type: str) -> None:
    assert send(validator_for(body_of(OBJECT)), {"a": 1}, headers=[("content-type", content_type)]).state == "valid"


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b'{"a": \xff}', 6),
        (b"{", 1),
        (b'{"a": NaN}', 6),
        (b'{"a": 1e999}', 6),
        (b'{"a": "\\ud800"}', None),
        (b"\xef\xbb\xbf{}", 0),
        ('{"a": 1}'.encode("utf-16"), 0),
        (b'{"a": 1, "a": 2}', 9),
        ('{"é":\n [{"b": 1, "\\u0062": 2}]}'.encode(), 18),
        (b"[" * 100_000, None),
        (b"[" * 1_010 + b'{"a":1}' + b"]" * 1_010, None),
        (b"1" * 1_000_000, None),
    ],
)
def test_a_body_that_is_not_json_is_malformed(body: bytes, offset: int | None) -> None:
    verdict = send(validator_for(body_of({})), body)
    assert verdict.malformed
    assert verdict.state == "invalid"
    assert len(messages(verdict)[0]) < 150
    if offset is not None:
        assert f"at byte {offset}" in messages(verdict)[0]


def test_a_json_parameter_that_is_not_json_is_a_violation() -> None:
    validator = query_validator({"name": "filter", "in": "query", "content": {"application/json": {"schema": OBJECT}}})
    assert send(validator, query="filter=%7B%22a%22%3A1%7D").state == "valid"
    assert "not JSON" in messages(send(validator, query="filter=nope"))[0]


@pytest.mark.parametrize("content_type", ["multipart/form-data", 'multipart/form-data; boundary="a=b"'])
def test_multipart_that_is_not_multipart_is_malformed(content_type: str) -> None:
    verdict = send(validator_for(body_of(OBJECT, "multipart/form-data")), b"garbage", headers=[("Content-Type", content_type)])
    assert verdict.malformed


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["integer", "null"]},
        {"$ref": "#/components/schemas/Missing"},
        {"$ref": "#/components/schemas/Self"},
        {"$anchor": "here", "type": "integer"},
        {"$dynamicRef": "#here"},
        {"type": "string", "pattern": r"^\p{L}+$"},
        {"type": "string", "pattern": "["},
        {"type": "strange"},
        {"required": ["a", "a"], "minimum": "x", "items": 5, "properties": []},
        True,
        False,
        5,
    ],
)
def test_a_strange_schema_never_stops_a_call(schema: Any) -> None:
    document = {
        "openapi": "3.1.0",
        "paths": {"/p": {"post": {**body_of(schema), "parameters": [parameter("q", schema)]}}},
        "components": components(Self=ref("Self")),
    }
    validator, _ = planned(document, "/p", "post")
    verdict = send(validator, {"a": 1}, query="q=5")
    assert verdict.state in {"valid", "invalid", "unchecked"}


def test_mutual_tls_and_numeric_response_keys_are_understood() -> None:
    operation = {"security": [{"mtls": []}], "responses": {200: {"description": "", "content": {"application/json": {"schema": OBJECT}}}}}
    validator = validator_for(operation, method="get", components={"securitySchemes": {"mtls": {"type": "mutualTLS"}}})
    assert receive(validator, {"a": 1}).state == "valid"
    assert receive(validator, {"a": "x"}).state == "invalid"


def test_references_out_of_the_document_are_never_followed() -> None:
    validator = validator_for(body_of({"$ref": "http://127.0.0.1:9/schema.json"}))
    assert send(validator, {"a": 1}).state != "invalid"


# valid traffic that is often refused


def test_a_nested_form_with_brackets_is_understood() -> None:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "expand": {"type": "array", "items": {"type": "string"}},
            "metadata": {"anyOf": [{"type": "object", "additionalProperties": {"type": "string"}}, {"enum": [""], "type": "string"}]},
            "items": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "integer"}}}},
        },
    }
    encoding = {"expand": {"style": "deepObject", "explode": True}, "metadata": {"style": "deepObject"}, "items": {"style": "deepObject"}}
    validator = validator_for(body_of(schema, "application/x-www-form-urlencoded", encoding=encoding))
    body = b"expand[]=a&expand[]=b&metadata[k]=v&items[0][price]=5&items[1][price]=6"
    assert send(validator, body, headers=FORM).state == "valid"
    assert send(validator, b"metadata=", headers=FORM).state == "valid"
    assert messages(send(validator, b"items[0][price]=x&other=1", headers=FORM)) == [
        '`/items/0/price` must be a whole number, got text "x"',
        "`/other` is not in the document",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"nullable": True, "enum": ["a"]},
        {"nullable": True, "type": "string", "enum": ["a"]},
        {"nullable": True, "$ref": "#/components/schemas/Thing"},
        {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Thing"}]},
        {"nullable": True, "anyOf": [{"$ref": "#/components/schemas/Thing"}]},
        {"nullable": True, "type": "object", "oneOf": [{"$ref": "#/components/schemas/Thing"}]},
    ],
)
def test_nullable_beside_anything_lets_null_through(schema: Any) -> None:
    validator = validator_for(body_of({"type": "object", "properties": {"x": schema}}), components=components(Thing=OBJECT))
    assert send(validator, {"x": None}).state == "valid"
    assert send(validator, {"x": 5}).state == "invalid"


@pytest.mark.parametrize("key", ["application/*+json", "application/*", "*/*", "application/problem+json; charset=utf-8"])
def test_ranges_and_suffixes_of_media_types_match(key: str) -> None:
    validator = validator_for(body_of(OBJECT, key))
    headers = [("Content-Type", "application/problem+json")]
    assert send(validator, {"a": 1}, headers=headers).state == "valid"
    assert send(validator, {"a": "x"}, headers=headers).state == "invalid"


def multipart(*parts: tuple[str, str, bytes]) -> tuple[bytes, list[tuple[str, str]]]:
    lines = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (name.encode(), more.encode(), data)
        for name, more, data in parts
    )
    return lines + b"--x--\r\n", [("Content-Type", "multipart/form-data; boundary=x")]


def test_multipart_numbers_booleans_and_files_are_typed() -> None:
    schema = {
        "type": "object",
        "required": ["n"],
        "properties": {
            "n": {"type": "integer"},
            "b": {"type": "boolean"},
            "f": {"type": "string", "format": "binary"},
            "o": {"type": "object", "properties": {"k": {"type": "integer"}}},
        },
    }
    validator = validator_for(body_of(schema, "multipart/form-data"))
    body, headers = multipart(
        ("n", "", b"5"),
        ("b", "", b"true"),
        ("f", '; filename="x.bin"\r\nContent-Type: application/octet-stream', b"\x00\xff\r\n"),
        ("o", "\r\nContent-Type: application/json", b'{"k": 1}'),
    )
    assert send(validator, body, headers=headers).state == "valid"
    body, headers = multipart(("n", "", b"x"), ("o", "", b'{"k": "z"}'))
    assert {one.pointer for one in send(validator, body, headers=headers).violations} == {"/n", "/o/k"}


def test_a_whole_float_is_an_integer_in_json() -> None:
    validator = validator_for(body_of(OBJECT))
    assert send(validator, b'{"a": 1.0}').state == "valid"
    assert send(validator, b'{"a": 1e3}').state == "valid"
    assert send(validator, b'{"a": 1.5}').state == "invalid"


def test_read_only_values_may_be_sent_and_are_not_demanded() -> None:
    base = {"type": "object", "required": ["id", "name"], "properties": {"id": ref("Id"), "name": {"type": "string"}}}
    schemas = components(Id={"type": "integer", "readOnly": True}, Thing={"allOf": [base], "required": ["id"]})
    validator = validator_for({**body_of(ref("Thing")), **answer_of(ref("Thing"))}, components=schemas)
    assert send(validator, {"name": "x"}).state == "valid"
    assert send(validator, {"name": "x", "id": 1}).state == "valid"
    assert receive(validator, {"name": "x"}).state == "invalid"
    path = validator_for({"parameters": [parameter("id", {"type": "integer", "readOnly": True}, place="path")]}, path="/t/{id}")
    assert send(path, path={"id": "5"}).state == "valid"


def test_write_only_is_not_demanded_of_responses() -> None:
    schema = {"type": "object", "required": ["password"], "properties": {"password": {"type": "string", "writeOnly": True}}}
    validator = validator_for({**body_of(schema), **answer_of(schema)})
    assert receive(validator, {}).state == "valid"
    assert send(validator, {}).state == "invalid"


@pytest.mark.parametrize("name", ["Accept", "content-type", "AUTHORIZATION"])
def test_header_parameters_of_the_message_itself_are_ignored(name: str) -> None:
    assert send(query_validator(parameter(name, {"enum": ["never"]}, place="header", required=True))).state == "valid"


def test_an_empty_query_value_is_a_text_of_no_length() -> None:
    assert send(query_validator(parameter("q", {"type": "string"})), query="q=").state == "valid"
    assert send(query_validator(parameter("q", {"type": "string"})), query="q").state == "valid"
    assert send(query_validator(parameter("q", {"type": "integer"})), query="q=").state == "invalid"
    assert send(query_validator(parameter("q", {"type": "integer"}, allowEmptyValue=True)), query="q=").state == "valid"


def test_a_discriminator_may_be_mapped_by_bare_name() -> None:
    dog = {"type": "object", "required": ["kind", "bark"], "properties": {"kind": {"type": "string"}, "bark": {"type": "boolean"}}}
    cat = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}}}
    schema = {"oneOf": [ref("Dog"), ref("Cat")], "discriminator": {"propertyName": "kind", "mapping": {"hound": "Dog"}}}
    validator = validator_for(body_of(schema), components=components(Dog=dog, Cat=cat, Other={"type": "object"}))
    assert send(validator, {"kind": "hound", "bark": True}).state == "valid"
    assert send(validator, {"kind": "Cat", "lives": 9}).state == "valid"
    assert messages(send(validator, {"kind": "hound", "bark": 1})) == ["`/bark` must be true or false, got 1"]
    # a component outside the list cannot be named
    assert messages(send(validator, {"kind": "Other"})) == ['`/kind` must be one of hound, Dog, Cat, got "Other"']


def test_responses_without_a_body_are_fine_where_there_is_none() -> None:
    operation = {"responses": {"default": {"description": "", "content": {"application/json": {"schema": OBJECT}}}}}
    validator = validator_for(operation, method="get")
    assert receive(validator, status=304, headers=[]).state == "valid"
    assert receive(validator, status=204, headers=[]).state == "valid"
    assert receive(validator_for(operation, method="head"), headers=[]).state == "valid"
    assert receive(validator, status=200, headers=[]).state == "invalid"


def test_an_object_put_together_with_all_of_is_valid() -> None:
    schema = {"allOf": [ref("A"), {"type": "object", "properties": {"b": {"type": "string"}}}]}
    assert send(validator_for(body_of(schema), components=components(A=OBJECT)), {"a": 1, "b": "x"}).state == "valid"


# invalid traffic that is often let through


@pytest.mark.parametrize("text", ["1_000", "%205", "+5", "%2B5", "05", "5%20", "0x5", "5.0", "%EF%BC%95", "", "1e3", "--5"])
def test_an_integer_parameter_is_written_as_in_json(text: str) -> None:
    assert send(query_validator(parameter("n", {"type": "integer"})), query=f"n={text}").state == "invalid"


@pytest.mark.parametrize("text", ["yes", "no", "1", "0", "TRUE", "True", "on"])
def test_a_boolean_parameter_is_true_or_false(text: str) -> None:
    validator = query_validator(parameter("b", {"type": "boolean"}))
    assert send(validator, query=f"b={text}").state == "invalid"
    assert send(validator, query="b=true").state == "valid"


def test_a_repeated_single_parameter_is_refused() -> None:
    assert messages(send(query_validator(parameter("n", {"type": "integer"})), query="n=1&n=2")) == [
        "query parameter `n` must be a whole number, got a list of 2"
    ]


def test_an_unknown_query_parameter_is_refused() -> None:
    verdict = send(query_validator(parameter("n", {"type": "integer"})), query="n=1&m=2")
    assert messages(verdict) == ["query parameter `m` is not a parameter of this operation"]
    assert verdict.violations[0].level == "error"


def test_an_api_key_in_the_query_is_no_unknown_parameter() -> None:
    schemes = {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "api_key"}}}
    validator = validator_for({"security": [{"key": []}]}, method="get", components=schemes)
    assert send(validator, query="api_key=secret").state == "valid"


def test_a_spread_object_is_looked_at() -> None:
    schema = {"type": "object", "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}}}
    validator = query_validator(parameter("color", schema))
    assert send(validator, query="R=1&G=2").state == "valid"
    assert messages(send(validator, query="R=z")) == ['query parameter `color` at `/R` must be a whole number, got text "z"']
    assert send(validator, query="B=1").state == "invalid"
    free = query_validator(parameter("color", {"type": "object", "additionalProperties": {"type": "integer"}}))
    assert send(free, query="B=1").state == "valid"


def test_deep_objects_are_read_below_the_first_level() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}
    validator = query_validator(parameter("filter", schema, style="deepObject", explode=True))
    assert send(validator, query="filter[a][b]=1").state == "valid"
    assert send(validator, query="filter%5Ba%5D%5Bb%5D=x").state == "invalid"


def test_space_delimited_lists_are_split() -> None:
    validator = query_validator(parameter("ids", {"type": "array", "maxItems": 2, "items": {"type": "integer"}}, style="spaceDelimited"))
    assert send(validator, query="ids=1%202").state == "valid"
    assert send(validator, query="ids=1+2+3").state == "invalid"


def test_a_list_of_numbers_with_encoded_commas_is_understood() -> None:
    validator = query_validator(parameter("ids", {"type": "array", "items": {"type": "integer"}}, explode=False))
    assert send(validator, query="ids=1%2C2").state == "valid"
    assert send(validator, query="ids=1,x").state == "invalid"


def test_a_pattern_does_not_end_before_a_line_break() -> None:
    validator = validator_for(body_of({"type": "string", "pattern": "^a$"}))
    assert send(validator, "a").state == "valid"
    assert send(validator, "a\n").state == "invalid"


def test_uris_are_checked_in_requests_and_only_warned_of_in_responses() -> None:
    schema = {"type": "object", "properties": {"u": {"type": "string", "format": "uri"}}}
    validator = validator_for({**body_of(schema), **answer_of(schema)})
    assert send(validator, {"u": "developer.example.com"}).state == "invalid"
    verdict = receive(validator, {"u": "developer.example.com"})
    assert verdict.state == "valid"
    assert [one.level for one in verdict.violations] == ["warning"]


def test_a_body_nobody_asked_for_is_refused() -> None:
    validator = validator_for({"responses": {}}, method="get")
    assert send(validator, {"a": 1}).state == "invalid"
    assert send(validator).state == "valid"
    assert send(validator, headers=[("Content-Type", "text/plain")]).state == "valid"


def test_a_response_without_content_type_is_a_violation() -> None:
    assert "content type is missing" in messages(receive(validator_for(answer_of(OBJECT)), {"a": 1}, headers=[]))[0]


def test_required_response_headers_and_their_schemas_are_checked() -> None:
    headers = {"X-Rate": {"required": True, "schema": {"type": "integer"}}, "Content-Type": {"schema": {"enum": ["never"]}}}
    validator = validator_for({"responses": {"200": {"description": "", "headers": headers}}}, method="get")
    assert messages(receive(validator, headers=[])) == ["header `X-Rate` is required"]
    assert messages(receive(validator, headers=[("x-rate", "many")])) == ['header `X-Rate` must be a whole number, got text "many"']
    assert receive(validator, headers=[("x-rate", "5")]).state == "valid"
    assert receive(validator, headers=[("x-rate", "5"), ("X-Rate", "6")]).state == "invalid"


@pytest.mark.parametrize("content_type", ["text/html", "application/json; charset=utf-7", "nonsense", "*/*", "application/xml"])
def test_a_media_type_the_document_does_not_have_is_refused(content_type: str) -> None:
    assert send(validator_for(body_of(OBJECT)), {"a": 1}, headers=[("Content-Type", content_type)]).state == "invalid"


def test_two_content_types_are_refused() -> None:
    assert send(validator_for(body_of(OBJECT)), {"a": 1}, headers=[*JSON, *JSON]).state == "invalid"


# statuses


def test_statuses_match_exactly_then_by_range_then_by_default() -> None:
    def answer(schema: Any) -> dict[str, Any]:
        return {"description": "", "content": {"application/json": {"schema": schema}}}

    responses = {"200": answer({"const": "exact"}), "2XX": answer({"const": "range"}), "default": answer({"const": "other"})}
    validator = validator_for({"responses": responses}, method="get")
    for status, value in ((200, "exact"), (202, "range"), (500, "other")):
        assert receive(validator, value, status=status).state == "valid"
        assert receive(validator, "x", status=status).state == "invalid"
    only = validator_for({"responses": {"200": answer({})}}, method="get")
    assert messages(receive(only, status=418)) == ["status 418 is not in the document (it has 200)"]


# secrets and bodies


def test_neither_secrets_nor_bodies_are_repeated() -> None:
    secret = "sk_live_" + "9" * 40
    schema = {"type": "object", "properties": {"password": {"type": "integer"}, "note": {"type": "integer"}, "o": {"type": "integer"}}}
    verdict = send(validator_for(body_of(schema)), {"password": "hunter2", "note": secret, "o": {"deep": secret}})
    text = str([violation.as_dict() for violation in verdict.violations]) + str(verdict.notes)
    assert len(verdict.violations) == 3
    assert "hunter2" not in text
    assert secret not in text
    assert "text of 48 characters" in text


def test_a_discriminator_without_mapping_takes_the_constants_of_its_branches() -> None:
    def tool(kind: str, **more: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": [kind]}, **more}}

    schemas = components(
        FunctionTool=tool("function", size={"type": "integer"}),
        CustomTool=tool("custom"),
        OtherFunction=tool("function", size={"type": "boolean"}),
    )
    schema = {"oneOf": [ref("FunctionTool"), ref("CustomTool"), ref("OtherFunction")], "discriminator": {"propertyName": "type"}}
    validator = validator_for(body_of(schema), components=schemas)
    assert send(validator, {"type": "function", "size": 1}).state == "valid"
    assert send(validator, {"type": "function", "size": True}).state == "valid"
    assert send(validator, {"type": "function", "size": "x"}).state == "invalid"
    assert messages(send(validator, {"type": "FunctionTool"})) == ['`/type` must be one of function, custom, got "FunctionTool"']
