"""Hostile and broken input everywhere text enters: a value, a finding, a refusal, never an exception, never beyond the limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from specs.decode import ParameterDecoder, decode_fields, decode_parts
from specs.errors import DocumentRefused
from specs.load import _deeper_than, load
from specs.media import (
    MAXIMUM_DEPTH,
    MAXIMUM_FIELDS,
    Malformed,
    MediaType,
    best_match,
    decode_text,
    deeper_than,
    load_json,
    load_multipart,
    load_urlencoded,
    parse_media_type,
)
from specs.route import Match, Router, build_router
from specs.yaml_text import MAX_DEPTH
from tests.specs.planning import body_of, parameter, validator_for

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much)


def pieces(*parts: str, size: int = 30) -> st.SearchStrategy[str]:
    """Text of parts that mean something in the format, and of anything else."""
    return st.lists(st.sampled_from(parts) | st.text(max_size=3), max_size=size).map("".join)


# Loading

YAML = pieces(
    *("a: ", "- ", "\n", "\n  ", "\n    ", "&a ", "*a", "<<: ", "<<: *a", "? ", ": ", "[", "]", "{", "}", ",", "|\n", ">-\n", "'", '"', "#", "!!str "),
    *("!!int ", "!x ", "%YAML 1.1\n", "---\n", "...\n", "\t", "\\x00", '"\\u0000"', "null", "~", "1e999", ".inf", "0o7", "0x", "1_000", "on", "\ufeff"),
    *("openapi: 3.1.0", "$ref: ", "@", "`", "\x85", "\u2028", "\r", "\x00", "\ud7ff"),
    size=60,
)  # fmt: skip
JSON = pieces(
    '{"a":', "{", "}", "[", "]", ",", '"', '"a"', "\\u0000", "\\ud800", "1e999", "NaN", "-0", "1" * 400, "null", " ", "\n", "//", size=60
)


def read_or_refused(data: bytes, file: str) -> None:
    try:
        value = load(data, file).value
    except DocumentRefused as refused:
        assert refused.findings
        assert all(one.line and one.column and one.file == file for one in refused.findings)
    else:
        orjson.dumps(value)
        assert not _deeper_than(value, MAX_DEPTH)


@settings(deadline=None, max_examples=600, suppress_health_check=SLOW)
@given(YAML | JSON, st.sampled_from(["a.yaml", "a.json", "a"]))
def test_text_that_looks_like_a_document_is_read_or_refused_with_a_place(text: str, file: str) -> None:
    read_or_refused(text.encode("utf-8", "surrogatepass"), file)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200), st.sampled_from(["a.yaml", "a.json"]))
def test_any_bytes_are_read_or_refused_with_a_place(data: bytes, file: str) -> None:
    read_or_refused(data, file)


# Media types

CONTENT_TYPES = pieces(
    *("application/", "json", "text/", "plain", "multipart/form-data", "; ", "boundary=", "charset=", "utf-8", '"', "\\", '\\"', "=", "*", "*/*", "+json"),
    *("/", ";", "idna", "punycode", "unicode_escape", "undefined", "rot13", "hex", "utf-16", "latin-1", "x\x00y"),
)  # fmt: skip


@settings(max_examples=400)
@given(CONTENT_TYPES, st.lists(CONTENT_TYPES, max_size=5))
def test_any_content_type_is_read_or_is_none(text: str, offered: list[str]) -> None:
    media = parse_media_type(text)
    if media is not None:
        assert media.essence == media.essence.lower()
        assert "/" in media.essence
        assert best_match(offered, media.essence) in [*offered, None]


CHARSETS = st.sampled_from(
    [
        "",
        "utf-8",
        "utf-16",
        "latin-1",
        "idna",
        "punycode",
        "undefined",
        "unicode_escape",
        "raw_unicode_escape",
        "rot13",
        "hex",
        "zlib",
        "x\x00",
        "é",
        "utf-7",
    ]
)


@settings(max_examples=400)
@given(st.binary(max_size=60) | YAML.map(lambda text: text.encode("utf-8", "surrogatepass")), CHARSETS | st.text(max_size=10))
@example(b"xn--\xff", "idna")
@example(b"\\x", "unicode_escape")
def test_any_text_is_decoded_or_malformed(body: bytes, charset: str) -> None:
    judged(partial(decode_text, body, charset))


def judged(read: Callable[[], Any]) -> Any:
    """What was read, or ``None`` when it was malformed and says so in words."""
    try:
        return read()
    except Malformed as malformed:
        assert malformed.sentence()
        return None


@settings(max_examples=300)
@given(JSON.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=80), st.booleans())
def test_any_json_is_read_or_malformed(body: bytes, strict: bool) -> None:
    value = judged(partial(load_json, body, strict=strict))
    orjson.dumps(value)
    assert not (strict and deeper_than(value, MAXIMUM_DEPTH))


FORMS = pieces("a", "=", "&", "%", "%41", "%ff", "+", "[", "]", "[]", "[a]", "[0]", "a[b][c]=1", "[" * 30, ";", "\x00")
SHAPES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, {"types": ["integer"]}, {"types": ["null", "boolean"]}, {"types": ["number", "string"]}]),
    lambda inner: (
        st.builds(lambda one: {"types": ["array"], "items": one}, inner)
        | st.builds(lambda one, two: {"types": ["object"], "properties": {"a": one}, "additional": two}, inner, inner)
        | st.builds(lambda one: {"types": ["array", "object", "string"], "items": one, "properties": {"a": one, "b": one}}, inner)
    ),
    max_leaves=4,
)


@settings(max_examples=400)
@given(FORMS, SHAPES, st.booleans())
def test_any_form_is_read_or_malformed(text: str, shape: Any, prefer_text: bool) -> None:
    pairs = judged(partial(load_urlencoded, text.encode("utf-8", "surrogatepass")))
    if pairs is not None:
        assert len(pairs) <= MAXIMUM_FIELDS
        value = judged(partial(decode_fields, pairs, shape, {"a": {"style": "form", "explode": False}}, prefer_text=prefer_text))
        orjson.dumps(value)


MULTIPART = pieces(
    *("--b", "--b--", "\r\n", "\r\n\r\n", "Content-Disposition: ", "form-data; ", 'name="a"', 'name="a[b]"', 'filename="x"', "Content-Type: application/json"),
    *("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n", "\n", ":", "é", "\x00"),
)  # fmt: skip


@settings(max_examples=400)
@given(MULTIPART, SHAPES, st.sampled_from(["b", "", "b ", "é", "b" * 71]))
def test_any_multipart_is_read_or_malformed(text: str, shape: Any, boundary: str) -> None:
    media = MediaType("multipart/form-data", {"boundary": boundary})
    parts = judged(partial(load_multipart, text.encode(), media))
    if parts is not None:
        assert all(isinstance(part.data, bytes) and part.name is not None for part in parts)
        judged(partial(decode_parts, parts, shape, {"a": {"contentType": "application/json"}}))


# Parameters

RAW = FORMS | pieces(",", ".", ";", "a", "=", "|", "%20", "%7C", "%2C", "1", "-0", "true", "null", "{", "}", '"')
ENTRIES = st.builds(
    lambda place, style, explode, shape, content, empty: {
        "name": "a", "in": place, "style": style, "explode": explode, **({"shape": shape} if shape else {}),
        **({"content": content} if content else {}), **({"empty": True} if empty else {}),
    },
    st.sampled_from(["path", "query", "header", "cookie"]),
    st.sampled_from(["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "strange"]),
    st.booleans(), SHAPES, st.sampled_from([None, "application/json", "text/plain"]), st.booleans(),
)  # fmt: skip


@settings(max_examples=600)
@given(ENTRIES, RAW, st.booleans())
def test_any_parameter_is_decoded_or_a_problem(entry: dict[str, Any], raw: str, prefer_text: bool) -> None:
    decoder = ParameterDecoder([entry])
    for query in (raw, f"a={raw}", f"a[{raw}]={raw}&b={raw}"):
        decoded = decoder.decode({"a": raw}, query, {"a": raw}, {"a": raw}, prefer_text=prefer_text)
        orjson.dumps(decoded.values)
        assert all(problem.reason for problem in decoded.problems)


# Routes

SEGMENTS = st.sampled_from(
    ["a", "b", "{x}", "{y}", "{path}", "{x}.{y}", "a{x}", "{x}{y}", "{x}:go", "%2F", "{", "}", "{}", "", "..", "a b"]
)
TEMPLATES = st.lists(
    st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)), min_size=1, max_size=8, unique=True
)


def router_of(templates: list[str]) -> Router:
    paths: dict[str, Any] = {template: {"get": {}} for template in templates}
    return Router.from_json(build_router({"paths": paths}, {("get", template): template for template in templates}))


@settings(max_examples=400)
@given(TEMPLATES, pieces("/", "a", "b", "%2F", "%2e", ".", "..", "%", "%ff", "\\", ":", "go", "{x}", "?", "#", "\x00", size=12))
def test_any_path_leads_somewhere_or_nowhere(templates: list[str], path: str) -> None:
    match = router_of(templates).match("GET", path)
    assert match == Match(None) or match.operation in templates
    assert all(value for value in match.path_parameters.values())


PLAIN = st.sampled_from(["a", "b", "{x}", "{y}", "{x}.{y}", "a{x}"])
# What could climb out of the path is never matched, so nothing here holds a dot, a slash or its brother.
VALUES = (
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
    .map(lambda text: quote(text, safe=""))
    .filter(lambda text: not any(one in text for one in (".", "%2F", "%5C")))
)


@settings(max_examples=400)
@given(
    st.lists(st.lists(PLAIN, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)), min_size=1, max_size=6, unique=True),
    st.data(),
)
def test_a_template_that_is_filled_in_is_found(templates: list[str], data: st.DataObject) -> None:
    template = data.draw(st.sampled_from(templates))
    values = {name: data.draw(VALUES) for name in ("x", "y")}
    path = template
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    match = router_of(templates).match("GET", path)
    assert match.operation is not None, path


# Whole messages

HEADERS = st.lists(
    st.tuples(st.sampled_from(["Content-Type", "content-type", "Cookie", "X-A", "Content-Encoding", "Accept"]), CONTENT_TYPES | RAW),
    max_size=4,
)
OPERATION = {
    **body_of({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "object"}}}}),
    "parameters": [
        parameter("q", {"type": "object", "additionalProperties": {"type": "integer"}}, style="deepObject"),
        parameter("c", {"type": "array", "items": {"type": "integer"}}, place="cookie"),
        parameter("X-A", {"type": "number"}, place="header"),
        parameter("id", {"type": "integer"}, place="path"),
    ],
}
for media in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "application/*"):
    OPERATION["requestBody"]["content"][media] = OPERATION["requestBody"]["content"]["application/json"]
OPERATION["responses"] = {
    "200": {"description": "d", "content": OPERATION["requestBody"]["content"], "headers": {"X-A": {"schema": {"type": "number"}}}}
}
VALIDATOR = validator_for(OPERATION, path="/things/{id}")


@settings(deadline=None, max_examples=500)
@given(HEADERS, RAW, RAW, st.binary(max_size=60) | (JSON | FORMS | MULTIPART).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_message_has_a_verdict(headers: list[tuple[str, str]], raw: str, query: str, body: bytes) -> None:
    request = VALIDATOR.request(path_parameters={"id": raw}, query=query, headers=headers, body=body)
    response = VALIDATOR.response(status=200, headers=headers, body=body)
    for verdict in (request, response):
        assert verdict.state in {"valid", "invalid", "unchecked"}
        assert all(one.message for one in verdict.violations)


# Work that must not multiply

LONG = 500_000


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda: parse_media_type("a/b" + ';a="\\"' * (LONG // 6)), id="content type of quotes that never end"),
        pytest.param(lambda: parse_media_type("a/b;" + "a" * LONG), id="content type of one long word"),
        pytest.param(
            lambda: load_multipart(
                b'--b\r\nContent-Disposition: form-data; name="a"' + b';a="\\"' * (LONG // 6) + b"\r\n\r\n\r\n--b--",
                MediaType("m/f", {"boundary": "b"}),
            ),
            id="part with quotes that never end",
        ),
        pytest.param(lambda: judged(partial(load_json, b"[" * LONG)), id="json of brackets"),
        pytest.param(lambda: judged(partial(load_json, b'{"a":' * 1000 + b"1" + b"}" * 1000)), id="json of objects"),
        pytest.param(lambda: judged(partial(load_urlencoded, b"a=1&" * (LONG // 4))), id="form of fields"),
        pytest.param(lambda: judged(partial(decode_fields, [("a" + "[b]" * 20, "1")] * 1000, None, {})), id="form of brackets"),
        pytest.param(lambda: router_of(["/{a}{b}{c}{d}x"]).match("GET", "/" + "a" * 8_000), id="path of parameters side by side"),
        pytest.param(lambda: router_of(["/{a}.{b}.{c}x"]).match("GET", "/" + "a." * 4_000), id="path of dots"),
        pytest.param(lambda: router_of(["/{path}"]).match("GET", "/a" * 4_000), id="path of slashes"),
        pytest.param(
            lambda: VALIDATOR.request(path_parameters={"id": "1"}, query="q[a]=1&" * 5_000, headers=[], body=b""), id="query of brackets"
        ),
    ],
)
def test_large_input_takes_time_in_proportion(work: Callable[[], Any]) -> None:
    started = time.process_time()
    work()
    assert time.process_time() - started < 1.0
