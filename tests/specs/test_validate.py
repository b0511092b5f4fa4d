"""Verdicts: their words, their levels, what they leave unchecked, and that they are quick and thread-safe."""

from __future__ import annotations

import threading
import time
from typing import Any

import orjson
import pytest

from specs.validate import MAXIMUM_VIOLATIONS, RESPONSE_LIMIT, OperationValidator
from tests.specs.planning import FORM, JSON, answer_of, body_of, components, messages, parameter, planned, receive, ref, send, validator_for

RETRY = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "retry": {"type": "object", "properties": {"maxAttempts": {"type": "integer", "maximum": 10}}},
    },
}


def test_every_violation_is_said_in_plain_words() -> None:
    verdict = send(validator_for(body_of(RETRY)), {"retry": {"maxAttempts": 12}})
    assert verdict.state == "invalid"
    assert not verdict.malformed
    assert set(messages(verdict)) == {"`/retry/maxAttempts` must be at most 10, got 12", "`/name` is required"}


def test_a_violation_has_the_shape_of_an_errors_entry() -> None:
    verdict = send(validator_for(body_of(ref("Retry")), components=components(Retry=RETRY)), {"name": "x", "retry": {"maxAttempts": 12}})
    assert verdict.violations[0].as_dict() == {
        "location": "body",
        "pointer": "/retry/maxAttempts",
        "keyword": "maximum",
        "message": "`/retry/maxAttempts` must be at most 10, got 12",
        "expected": "at most 10",
        "got": "12",
        "schema": "#/components/schemas/Retry/properties/retry/properties/maxAttempts/maximum",
        "level": "error",
    }


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 5, "the body must be text, got 5"),
        ({"type": ["string", "null"]}, 5, "the body must be null or text, got 5"),
        ({"enum": ["a", "b"]}, "c", 'the body must be one of a, b, got "c"'),
        ({"minimum": 3}, 1, "the body must be at least 3, got 1"),
        ({"minimum": 3, "exclusiveMinimum": True}, 3, "the body must be more than 3, got 3"),
        ({"maximum": 3, "exclusiveMaximum": True}, 3, "the body must be less than 3, got 3"),
        ({"type": "integer", "format": "int32"}, 2**31, "the body must be at most 2147483647, got 2147483648"),
        ({"multipleOf": 2}, 3, "the body must be a multiple of 2, got 3"),
        ({"minLength": 2}, "a", "the body must have at least 2 characters, got 1"),
        ({"maxLength": 1}, "ab", "the body must have at most 1 character, got 2"),
        ({"pattern": "^x"}, "ab", "the body must match the pattern `^x`"),
        ({"type": "string", "format": "date-time"}, "today", 'the body must be a valid date and time (RFC 3339), got "today"'),
        ({"type": "string", "format": "byte"}, "%", 'the body must be a valid base64 text, got "%"'),
        ({"type": "array", "minItems": 1}, [], "the body must have at least 1 item, got 0"),
        ({"type": "array", "uniqueItems": True}, [1, 1], "the body must not have the same item twice"),
        ({"type": "object", "maxProperties": 0}, {"a": 1}, "the body must have at most 0 properties, got 1"),
        ({"not": {"type": "string"}}, "a", "the body must not have this form"),
        ({"oneOf": [{"type": "integer"}, {"type": "object"}]}, "a", 'the body must be a whole number or an object, got text "a"'),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, "the body matches more than one of the alternatives"),
    ],
)
def test_words(schema: Any, value: Any, message: str) -> None:
    assert messages(send(validator_for(body_of(schema)), value)) == [message]


def test_of_alternatives_the_closest_one_explains() -> None:
    one = {"type": "object", "required": ["a"], "properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}
    two = {"type": "object", "required": ["z", "y"]}
    assert messages(send(validator_for(body_of({"oneOf": [two, one, {"type": "null"}]})), {"a": {"b": "x"}})) == [
        '`/a/b` must be a whole number, got text "x"'
    ]


def test_a_parameter_is_named_in_the_sentence() -> None:
    validator = validator_for(
        {
            "parameters": [
                parameter("id", {"type": "integer"}, place="path"),
                parameter("limit", {"type": "integer", "maximum": 100}),
                parameter("X-Trace", {"type": "string"}, place="header", required=True),
                parameter("session", {"type": "integer"}, place="cookie"),
            ]
        },
        path="/t/{id}",
        method="get",
    )
    verdict = send(validator, path={"id": "x"}, query="limit=500", headers=[("Cookie", "a=b; session=q")])
    assert {(one.location, one.pointer, one.message) for one in verdict.violations} == {
        ("path", "/id", 'path parameter `id` must be a whole number, got text "x"'),
        ("query", "/limit", "query parameter `limit` must be at most 100, got 500"),
        ("header", "/X-Trace", "header `X-Trace` is required"),
        ("cookie", "/session", "cookie parameter `session` must be a whole number, got text of 1 character"),
    }
    assert verdict.violations[0].schema.startswith("#/paths/~1t~1{id}/get/parameters/")


def test_a_value_that_could_be_text_or_number_passes_either_way() -> None:
    schema = {"anyOf": [{"type": "string", "enum": ["1"]}, {"type": "integer", "minimum": 10}]}
    validator = validator_for({"parameters": [parameter("q", schema)]}, method="get")
    assert send(validator, query="q=1").state == "valid"
    assert send(validator, query="q=12").state == "valid"
    assert send(validator, query="q=5").state == "invalid"
    form = validator_for(body_of({"type": "object", "properties": {"q": schema}}, "application/x-www-form-urlencoded"))
    assert send(form, b"q=1", headers=FORM).state == "valid"


def test_a_parameter_of_the_operation_replaces_that_of_the_path() -> None:
    item = {"parameters": [parameter("q", {"type": "integer"})], "get": {"parameters": [parameter("q", {"type": "boolean"})]}}
    validator, _ = planned({"openapi": "3.0.0", "paths": {"/p": item}}, "/p", "get")
    assert send(validator, query="q=true").state == "valid"
    assert send(validator, query="q=1").state == "invalid"


def test_at_most_so_many_findings_are_listed() -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    verdict = send(validator_for(body_of(schema)), ["x"] * 100)
    assert len(verdict.violations) == MAXIMUM_VIOLATIONS
    assert verdict.notes == ["Only the first 25 findings are listed."]


# what is not checked is said


def test_an_xml_body_is_unchecked_and_said_so() -> None:
    validator = validator_for(body_of({"type": "object"}, "application/xml"))
    verdict = send(validator, b"<a/>", headers=[("Content-Type", "application/xml")])
    assert verdict.state == "unchecked"
    assert verdict.notes == ["A body of application/xml is not checked against its schema."]


def test_binary_bodies_have_nothing_to_check() -> None:
    validator = validator_for(body_of({"type": "string", "format": "binary"}, "application/octet-stream"))
    assert send(validator, b"\x00\xff", headers=[("Content-Type", "application/octet-stream")]).state == "valid"


@pytest.mark.parametrize(
    ("more", "headers", "reason"),
    [
        ({"truncated": True}, JSON, "was cut off"),
        ({}, [*JSON, ("Content-Encoding", "gzip")], "is encoded"),
    ],
)
def test_a_response_that_cannot_be_read_is_unchecked(more: Any, headers: Any, reason: str) -> None:
    verdict = receive(validator_for(answer_of({"type": "object"})), b"{}", headers=headers, **more)
    assert verdict.state == "unchecked"
    assert verdict.notes == [f"The body {reason} and was not checked."]


def test_a_very_large_response_is_unchecked() -> None:
    verdict = receive(validator_for(answer_of({"type": "string"})), b'"' + b"x" * RESPONSE_LIMIT + b'"')
    assert verdict.state == "unchecked"


def test_a_response_the_document_does_not_describe_is_unchecked() -> None:
    validator = validator_for({"responses": {"200": {"description": "ok"}}}, method="get")
    assert receive(validator, b"hello").state == "unchecked"
    assert receive(validator, b"").state == "valid"


def test_a_response_that_is_not_json_is_malformed() -> None:
    verdict = receive(validator_for(answer_of({"type": "object"})), b"{oops")
    assert verdict.malformed
    assert verdict.state == "invalid"


def test_a_schema_that_cannot_be_compiled_leaves_the_request_unchecked() -> None:
    bomb: dict[str, Any] = {"type": "integer"}
    schemas = {"L0": bomb}
    for level in range(1, 24):
        schemas[f"L{level}"] = {"anyOf": [ref(f"L{level - 1}"), ref(f"L{level - 1}")]}
    document = {"openapi": "3.0.0", "paths": {"/p": {"post": body_of(ref("L23"))}}, "components": {"schemas": schemas}}
    validator, notes = planned(document, "/p", "post")
    assert any("too much work" in note for note in notes)
    verdict = send(validator, "x")
    assert verdict.state == "unchecked"
    assert "too much work" in verdict.notes[0]


def test_a_dropped_keyword_is_noted_and_the_rest_still_checked() -> None:
    document = {"openapi": "3.0.0", "paths": {"/p": {"post": body_of({"type": "string", "pattern": "[", "maxLength": 2})}}}
    validator, notes = planned(document, "/p", "post")
    assert notes == ["Request: #/paths/~1p/post/requestBody/content/application~1json/schema has a pattern that cannot be used."]
    assert send(validator, "x").state == "valid"
    assert send(validator, "xyz").state == "invalid"


def test_inheritance_by_discriminator_is_checked_as_far_as_it_is_shared_and_said_so() -> None:
    pet = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}, "discriminator": {"propertyName": "kind"}}
    cat = {"allOf": [ref("Pet"), {"properties": {"lives": {"type": "integer"}}}]}
    document = {"openapi": "3.0.0", "paths": {"/p": {"post": body_of(ref("Pet"))}}, "components": components(Pet=pet, Cat=cat)}
    validator, notes = planned(document, "/p", "post")
    assert notes == [
        "Request: #/components/schemas/Pet names schemas that inherit from it by a discriminator; only what they share is checked."
    ]
    assert send(validator, {"kind": "Cat", "lives": "x"}).state == "valid"
    assert send(validator, {"lives": 9}).state == "invalid"


def test_an_operation_without_a_plan_is_unchecked() -> None:
    validator = OperationValidator({}, lambda digest: b"", lambda mode: b"")
    for verdict in (send(validator, {"a": 1}, query="x=1"), receive(validator, {"a": 1})):
        assert verdict.state == "unchecked"
        assert verdict.notes == ["Not checked: the operation could not be planned."]
        assert verdict.violations == []


def test_only_the_answer_that_cannot_be_checked_is_unchecked() -> None:
    schemas = {"Loop": {"allOf": [ref("Loop")]}}
    content = {"application/json": {"schema": ref("Loop")}}
    responses = {
        "200": {"description": "", "content": content},
        "404": {"description": "", "content": {"application/json": {"schema": {}}}},
    }
    validator = validator_for({"responses": responses}, method="get", components=components(**schemas))
    assert receive(validator, {"a": 1}).state == "unchecked"
    assert receive(validator, {"a": 1}, status=404).state == "valid"


# time


def test_a_hostile_pattern_takes_no_time() -> None:
    validator = validator_for(body_of({"type": "string", "pattern": "^(a+)+$"}))
    started = time.perf_counter()
    assert send(validator, "a" * 30 + "!").state == "invalid"
    assert time.perf_counter() - started < 0.5


def test_a_look_ahead_is_bounded_and_said_when_it_gives_up() -> None:
    validator = validator_for(body_of({"type": "string", "pattern": r"^(?=(a+)+$)(a|a)+$"}))
    assert send(validator, "aaa").state == "valid"
    started = time.perf_counter()
    verdict = send(validator, "a" * 5_000 + "!")
    assert verdict.state in {"invalid", "unchecked"}
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "array", "uniqueItems": True}, [{"a": index} for index in range(5_000)]),
        ({"oneOf": [{"type": "object", "required": [f"k{index}"]} for index in range(1_000)]}, {}),
        ({"multipleOf": 1e-300}, 1.5),
        ({"minLength": 10**18}, "x"),
        ({"type": "string", "format": "email"}, "a" * 200_000 + "@"),
        ({"type": "string", "format": "uri"}, "http://" + "a" * 200_000),
    ],
    ids=["unique", "thousand alternatives", "tiny step", "huge length", "long email", "long uri"],
)
def test_costly_checks_stay_bounded(schema: Any, value: Any) -> None:
    validator = validator_for(body_of(schema))
    send(validator, value)
    started = time.perf_counter()
    send(validator, value)
    assert time.perf_counter() - started < 1


def test_a_body_nested_deeply_is_refused_before_a_recursive_schema_sees_it() -> None:
    node = {"type": "object", "properties": {"child": ref("Node")}}
    validator = validator_for(body_of(ref("Node")), components=components(Node=node))
    assert send(validator, b'{"child":' * 300 + b"{}" + b"}" * 300).malformed
    assert send(validator, b'{"child":' * 200 + b"{}" + b"}" * 200).state == "valid"
    answering = validator_for(answer_of(ref("Node")), components=components(Node=node))
    assert receive(answering, b'{"child":' * 1_000 + b"{}" + b"}" * 1_000).state == "valid"


def test_a_crafted_body_does_not_double_the_work_with_every_level() -> None:
    branch = {"type": "object", "properties": {"child": ref("Node"), "end": {"type": "integer"}}}
    validator = validator_for(body_of(ref("Node")), components=components(Node={"oneOf": [{**branch, "required": ["x"]}, branch]}))
    assert send(validator, {"child": {"child": {"end": 1}}}).state == "valid"
    started = time.perf_counter()
    verdict = send(validator, b'{"child":' * 60 + b'{"end":"x"}' + b"}" * 60)
    assert verdict.state == "unchecked"
    assert "nested deeper than 19 levels" in verdict.notes[0]
    assert "too deep to say where" in messages(send(validator, b'{"child":' * 18 + b'{"end":"x"}' + b"}" * 18))[0]
    assert "end" in messages(send(validator, b'{"child":' * 8 + b'{"end":"x"}' + b"}" * 8))[0]
    assert time.perf_counter() - started < 2


def test_one_validator_serves_many_threads() -> None:
    validator = validator_for({**body_of(RETRY), "parameters": [parameter("q", {"type": "integer"})]})
    wrong: list[Any] = []

    def work(number: int) -> None:
        for turn in range(100):
            value = (number + turn) % 20
            verdict = send(validator, {"name": "x", "retry": {"maxAttempts": value}}, query=f"q={value}")
            if (verdict.state == "valid") != (value <= 10):
                wrong.append((value, verdict))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_plan_is_plain_json() -> None:
    validator = validator_for(body_of(RETRY))
    assert orjson.loads(orjson.dumps(validator._plan)) == validator._plan
