"""A pair of documents for every rule that is not about a keyword of a schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from specs.diff import Deadlines
from tests.specs.diff.samples import DEADLINES, TODAY, holding, properties
from tests.specs.documents import openapi

Document = dict[str, Any]
Pair = tuple[Document, Document] | tuple[Document, Document, Deadlines]
PAST, SOON, LATER, BAD = "2020-01-01", "2026-07-01", "2030-01-01", "soon"
STRICT = Deadlines(TODAY, {"stable": 180, "beta": 31})
ANSWERS = {"200": {"description": "done"}}


def one(**members: Any) -> Document:
    """A document with ``POST /things`` and more members of it."""
    return openapi("3.1.0", paths={"/things": {"post": {"responses": ANSWERS, **members}}})


def two(**members: Any) -> Document:
    """As ``one``, with ``GET /things`` beside it."""
    document = one(**members)
    document["paths"]["/things"]["get"] = {"responses": ANSWERS}
    return document


def gone(**members: Any) -> Pair:
    """``POST /things`` is removed, its path stays."""
    after = openapi("3.1.0", paths={"/things": {"get": {"responses": ANSWERS}}})
    return two(**members), after


def path_gone(**members: Any) -> Pair:
    return one(**members), openapi("3.1.0")


def parameter(**members: Any) -> Document:
    return one(parameters=[{"name": "q", "in": "query", "schema": {"type": "string"}, **members}])


def body(**members: Any) -> Document:
    return one(requestBody={"content": {"application/json": {"schema": {"type": "object"}}}, **members})


def content(*media_types: str, schema: bool = True) -> Document:
    described = {"schema": {"type": "object"}} if schema else {}
    return one(responses={"200": {"description": "done", "content": dict.fromkeys(media_types, described)}})


def accepted(*media_types: str, schema: bool = True, **media: Any) -> Document:
    described = {**({"schema": {"type": "object"}} if schema else {}), **media}
    return one(requestBody={"content": dict.fromkeys(media_types, described)})


def answers(*statuses: str) -> Document:
    return one(responses={status: {"description": "done"} for status in statuses})


def header(**members: Any) -> Document:
    return one(responses={"200": {"description": "done", "headers": {"X-Value": {"schema": {"type": "string"}, **members}}}})


def link(*names: str) -> Document:
    return one(responses={"200": {"description": "done", "links": {name: {"operationId": "x"} for name in names}}})


def webhook(**members: Any) -> Document:
    return openapi("3.1.0", webhooks={"made": {"post": {"responses": ANSWERS, **members}}})


def called(**members: Any) -> Document:
    return one(callbacks={"made": {"{$request.body#/url}": {"post": {"responses": ANSWERS, **members}}}})


def scheme(**members: Any) -> Document:
    return openapi("3.1.0", components={"securitySchemes": {"key": members}})


def flow(*scopes: str, name: str = "clientCredentials", words: str = "", **members: Any) -> Document:
    described = {
        "tokenUrl": "https://a.example",
        "authorizationUrl": "https://a.example",
        "scopes": dict.fromkeys(scopes, words),
        **members,
    }
    return scheme(type="oauth2", flows={name: described})


def request(schema: Any) -> Document:
    return holding("request", "body", schema)


def response(schema: Any) -> Document:
    return holding("response", "body", schema)


def inside(where: str, schema: Any) -> Document:
    return one(parameters=[{"name": "q", "in": where, "schema": schema}])


def lifecycle(prefix: str, build: Callable[..., Document], names: dict[str, str]) -> dict[str, Pair]:
    """The steps in a life, for whatever ``build`` makes of them; ``names``: step → rule where it is not the plain one."""
    deprecated = build(deprecated=True)
    steps: dict[str, Pair] = {
        "deprecated": (build(), deprecated),
        "deprecated-with-sunset": (build(), build(deprecated=True, **{"x-sunset": LATER})),
        "deprecated-sunset-missing": (build(), deprecated, STRICT),
        "deprecated-sunset-invalid": (build(), build(deprecated=True, **{"x-sunset": BAD})),
        "sunset-date-too-small": (build(), build(deprecated=True, **{"x-sunset": SOON}), STRICT),
        "reactivated": (deprecated, build()),
        "sunset-deleted": (build(deprecated=True, **{"x-sunset": LATER}), deprecated),
        "sunset-date-changed-too-small": (build(deprecated=True, **{"x-sunset": LATER}), build(deprecated=True, **{"x-sunset": PAST})),
        "sunset-changed": (build(deprecated=True, **{"x-sunset": SOON}), build(deprecated=True, **{"x-sunset": LATER})),
        "sunset-invalid": (build(deprecated=True, **{"x-sunset": LATER}), build(deprecated=True, **{"x-sunset": BAD})),
        "stability-decreased": (build(**{"x-stability-level": "beta"}), build(**{"x-stability-level": "alpha"})),
        "stability-increased": (build(**{"x-stability-level": "alpha"}), build(**{"x-stability-level": "beta"})),
    }
    return {names.get(step, f"{prefix}-{step}"): pair for step, pair in steps.items()}


def in_property(build: Callable[[Any], Document]) -> Callable[..., Document]:
    return lambda **members: build(properties(**members))


def mutability(direction: str, build: Callable[[Any], Document]) -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for word, required in (("required", True), ("optional", False)):
        for keyword, name in (("readOnly", "read-only"), ("writeOnly", "write-only")):
            plain, marked = build(properties(required=required)), build(properties(required=required, **{keyword: True}))
            found[f"{direction}-{word}-property-became-{name}"] = plain, marked
            found[f"{direction}-{word}-property-became-not-{name}"] = marked, plain
    return found


EMPTY: Any = {"type": "object"}
ENDED: dict[str, Any] = {"deprecated": True, "x-sunset": PAST}
ENDING: dict[str, Any] = {"deprecated": True, "x-sunset": LATER}
READ: dict[str, Any] = {"readOnly": True}
WRITE: dict[str, Any] = {"writeOnly": True}
KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
MULTIPART: dict[str, Any] = {"encoding": {"file": {"contentType": "image/png"}}}
OTHER_MULTIPART: dict[str, Any] = {"encoding": {"file": {"contentType": "image/gif"}}}

OPERATIONS: dict[str, Pair] = {
    "endpoint-added": (one(), two()),
    "api-path-removed-without-deprecation": path_gone(),
    "api-path-removed-with-deprecation": path_gone(**ENDED),
    "api-path-removed-before-sunset": path_gone(**ENDING),
    "api-path-removed-while-unstable": path_gone(**{"x-stability-level": "alpha"}),
    "api-removed-without-deprecation": gone(),
    "api-removed-with-deprecation": gone(**ENDED),
    "api-removed-before-sunset": gone(**ENDING),
    "api-removed-while-unstable": gone(**{"x-stability-level": "draft"}),
    **lifecycle(
        "api",
        one,
        {
            "deprecated": "endpoint-deprecated",
            "deprecated-with-sunset": "endpoint-deprecated-with-sunset",
            "deprecated-sunset-invalid": "api-deprecated-sunset-parse",
            "reactivated": "endpoint-reactivated",
            "sunset-deleted": "sunset-deleted",
            "sunset-invalid": "api-path-sunset-parse",
        },
    ),
    "api-invalid-stability-level": (one(), one(**{"x-stability-level": "ready"})),
    "api-operation-id-changed": (one(operationId="a"), one(operationId="b")),
    "api-operation-id-removed": (one(operationId="a"), one()),
    "api-operation-id-added": (one(), one(operationId="a")),
    "api-tag-removed": (one(tags=["a"]), one()),
    "api-tag-added": (one(), one(tags=["a"])),
    "api-security-removed": (one(security=[{"a": []}, {"b": []}]), one(security=[{"a": []}])),
    "api-security-added": (one(security=[{"a": []}]), one(security=[{"a": []}, {"b": []}])),
    "api-security-scope-removed": (one(security=[{"a": ["r", "w"]}]), one(security=[{"a": ["r"]}])),
    "api-security-scope-added": (one(security=[{"a": ["r"]}]), one(security=[{"a": ["r", "w"]}])),
    "api-security-became-needed": (one(), one(security=[{"a": []}])),
    "api-security-became-needless": (one(security=[{"a": []}]), one(security=[{"a": []}, {}])),
    "api-operation-server-removed": (one(servers=[{"url": "https://a.example"}]), one()),
    "api-operation-server-added": (one(), one(servers=[{"url": "https://a.example"}])),
    "callback-removed": (called(), one()),
    "callback-added": (one(), called()),
    "webhook-removed": (webhook(), openapi("3.1.0")),
    "webhook-added": (openapi("3.1.0"), webhook()),
}
DOCUMENTS: dict[str, Pair] = {
    "api-version-decreased": (openapi(info={"title": "T", "version": "2.1"}), openapi(info={"title": "T", "version": "2.0"})),
    "api-schema-dialect-changed": (openapi("3.1.0"), openapi("3.1.0", jsonSchemaDialect="https://dialect.example")),
    "api-schema-removed": (openapi(components={"schemas": {"A": EMPTY}}), openapi()),
    "api-server-removed": (openapi(servers=[{"url": "https://a.example"}]), openapi()),
    "api-server-added": (openapi(), openapi(servers=[{"url": "https://a.example"}])),
    "api-global-security-removed": (openapi(security=[{"a": []}]), openapi()),
    "api-global-security-added": (openapi(), openapi(security=[{"a": []}])),
    "api-global-security-scope-removed": (openapi(security=[{"a": ["r", "w"]}]), openapi(security=[{"a": ["r"]}])),
    "api-global-security-scope-added": (openapi(security=[{"a": ["r"]}]), openapi(security=[{"a": ["r", "w"]}])),
    "api-security-component-removed": (scheme(**KEY), openapi("3.1.0")),
    "api-security-component-added": (openapi("3.1.0"), scheme(**KEY)),
    "api-security-component-type-changed": (scheme(**KEY), scheme(type="http", scheme="basic")),
    "api-security-component-changed": (scheme(**KEY), scheme(**{**KEY, "in": "query"})),
    "api-security-component-oauth-flow-removed": (flow("r"), scheme(type="oauth2", flows={})),
    "api-security-component-oauth-flow-added": (scheme(type="oauth2", flows={}), flow("r")),
    "api-security-component-oauth-url-changed": (flow("r"), flow("r", authorizationUrl="https://b.example")),
    "api-security-component-oauth-token-url-changed": (flow("r"), flow("r", tokenUrl="https://b.example")),
    "api-security-component-oauth-scope-removed": (flow("r", "w"), flow("r")),
    "api-security-component-oauth-scope-added": (flow("r"), flow("r", "w")),
    "api-security-component-oauth-scope-changed": (flow("r"), flow("r", words="Read.")),
}
PARAMETERS: dict[str, Pair] = {
    "new-request-path-parameter": (one(), one(parameters=[{"name": "id", "in": "path", "required": True, "schema": EMPTY}])),
    "new-required-request-parameter": (one(), parameter(required=True)),
    "new-optional-request-parameter": (one(), parameter()),
    "request-parameter-removed-before-sunset": (parameter(**ENDING), one()),
    "request-parameter-removed-with-deprecation": (parameter(**ENDED), one()),
    "request-parameter-removed": (parameter(), one()),
    "request-parameter-became-required": (parameter(), parameter(required=True)),
    "request-parameter-became-optional": (parameter(required=True), parameter()),
    "request-parameter-style-changed": (parameter(schema={"type": "array"}), parameter(schema={"type": "array"}, style="pipeDelimited")),
    "request-parameter-explode-changed": (parameter(schema={"type": "array"}), parameter(schema={"type": "array"}, explode=False)),
    "request-parameter-reserved-allowed": (parameter(), parameter(allowReserved=True)),
    "request-parameter-reserved-refused": (parameter(allowReserved=True), parameter()),
    "request-parameter-empty-value-allowed": (parameter(), parameter(allowEmptyValue=True)),
    "request-parameter-empty-value-refused": (parameter(allowEmptyValue=True), parameter()),
    "request-parameter-content-changed": (parameter(), parameter(content={"application/json": {}})),
    **{
        rule: pair
        for rule, pair in lifecycle("request-parameter", parameter, {"sunset-invalid": "request-parameter-sunset-parse"}).items()
        if rule not in ("request-parameter-deprecated-with-sunset", "request-parameter-deprecated-sunset-invalid")
    },
    "request-header-property-became-enum": (inside("header", properties()), inside("header", properties(enum=["a"]))),
    "request-header-property-became-required": (inside("header", properties()), inside("header", properties(required=True))),
    "new-required-request-header-property": (inside("header", EMPTY), inside("header", properties(required=True))),
    "request-parameter-property-removed": (inside("query", properties()), inside("query", EMPTY)),
    "new-required-request-parameter-property": (inside("query", EMPTY), inside("query", properties(required=True))),
    "new-optional-request-parameter-property": (inside("query", EMPTY), inside("query", properties())),
    "request-parameter-property-became-required": (inside("query", properties()), inside("query", properties(required=True))),
    "request-parameter-property-became-optional": (inside("query", properties(required=True)), inside("query", properties())),
    "request-parameter-property-deprecated": (inside("query", properties()), inside("query", properties(deprecated=True))),
}
_SHARED = {"name": "q", "in": "query", "schema": EMPTY}


def shared(**members: Any) -> Document:
    document = one()
    document["paths"]["/things"]["parameters"] = [{**_SHARED, **members}]
    return document


PARAMETERS |= {
    "new-required-request-default-parameter-to-existing-path": (one(), shared(required=True)),
    "new-optional-request-default-parameter-to-existing-path": (one(), shared()),
}
MESSAGES: dict[str, Pair] = {
    "request-body-added-required": (one(), body(required=True)),
    "request-body-added-optional": (one(), body()),
    "request-body-removed": (body(), one()),
    "request-body-became-required": (body(), body(required=True)),
    "request-body-became-optional": (body(required=True), body()),
    "request-body-media-type-added": (accepted("a/b"), accepted("a/b", "c/d")),
    "request-body-media-type-removed": (accepted("a/b", "c/d"), accepted("a/b")),
    "request-body-media-type-schema-added": (accepted("a/b", schema=False), accepted("a/b")),
    "request-body-media-type-schema-removed": (accepted("a/b"), accepted("a/b", schema=False)),
    "request-body-encoding-changed": (accepted("multipart/form-data", **MULTIPART), accepted("multipart/form-data", **OTHER_MULTIPART)),
    "response-media-type-added": (content("a/b"), content("a/b", "c/d")),
    "response-media-type-removed": (content("a/b", "c/d"), content("a/b")),
    "response-media-type-name-changed": (content("a/b"), content("a/b;v=2")),
    "response-media-type-name-generalized": (content("a/b"), content("a/*")),
    "response-media-type-name-specialized": (content("a/*"), content("a/b")),
    "response-body-media-type-schema-added": (content("a/b", schema=False), content("a/b")),
    "response-body-media-type-schema-removed": (content("a/b"), content("a/b", schema=False)),
    "response-body-encoding-changed": (
        one(responses={"200": {"description": "d", "content": {"multipart/mixed": MULTIPART}}}),
        one(responses={"200": {"description": "d", "content": {"multipart/mixed": OTHER_MULTIPART}}}),
    ),
    "response-success-status-removed": (answers("200", "201"), answers("200")),
    "response-success-status-added": (answers("200"), answers("200", "201")),
    "response-non-success-status-removed": (answers("200", "404"), answers("200")),
    "response-non-success-status-added": (answers("200"), answers("200", "404")),
    "response-link-removed": (link("a", "b"), link("a")),
    "response-link-added": (link("a"), link("a", "b")),
    "response-header-added": (one(), header()),
    "required-response-header-removed": (header(required=True), one()),
    "required-response-header-removed-before-sunset": (header(required=True, **ENDING), one()),
    "required-response-header-removed-with-deprecation": (header(required=True, **ENDED), one()),
    "optional-response-header-removed": (header(), one()),
    "optional-response-header-removed-with-deprecation": (header(**ENDED), one()),
    "response-header-became-optional": (header(required=True), header()),
    "response-header-became-required": (header(), header(required=True)),
    "response-header-deprecated": (header(), header(deprecated=True)),
    "response-header-reactivated": (header(deprecated=True), header()),
    "webhook-body-added-required": (webhook(), webhook(requestBody={"required": True, "content": {}})),
    "webhook-body-added-optional": (webhook(), webhook(requestBody={"content": {}})),
    "webhook-body-removed": (webhook(requestBody={"content": {}}), webhook()),
    "webhook-body-became-required": (webhook(requestBody={"content": {}}), webhook(requestBody={"required": True, "content": {}})),
    "webhook-body-became-optional": (webhook(requestBody={"required": True, "content": {}}), webhook(requestBody={"content": {}})),
    "callback-response-removed": (called(responses={**ANSWERS, "201": {"description": "d"}}), called()),
    "callback-response-added": (called(), called(responses={**ANSWERS, "201": {"description": "d"}})),
}


def narrowed(before: dict[str, Any], after: dict[str, Any]) -> Pair:
    return request(properties(**READ, **before)), request(properties(**READ, **after))


PROPERTIES: dict[str, Pair] = {
    "request-read-only-property-enum-value-removed": narrowed({"enum": ["a", "b"]}, {"enum": ["a"]}),
    "request-read-only-property-max-decreased": narrowed({"maximum": 7}, {"maximum": 3}),
    "request-read-only-property-exclusive-max-decreased": narrowed({"exclusiveMaximum": 7}, {"exclusiveMaximum": 3}),
    "request-read-only-property-max-length-decreased": narrowed({"maxLength": 7}, {"maxLength": 3}),
    "request-read-only-property-min-increased": narrowed({"minimum": 3}, {"minimum": 7}),
    "request-read-only-property-exclusive-min-increased": narrowed({"exclusiveMinimum": 3}, {"exclusiveMinimum": 7}),
    "request-read-only-property-removed": (request(properties(**READ)), request(EMPTY)),
    "request-property-removed-before-sunset": (request(properties(**ENDING)), request(EMPTY)),
    "request-property-removed-with-deprecation": (request(properties(**ENDED)), request(EMPTY)),
    "request-property-removed": (request(properties()), request(EMPTY)),
    "new-read-only-request-property": (request(EMPTY), request(properties(**READ))),
    "new-required-request-property-with-default": (request(EMPTY), request(properties(required=True, default="a"))),
    "new-required-request-property": (request(EMPTY), request(properties(required=True))),
    "new-optional-request-property": (request(EMPTY), request(properties())),
    "request-read-only-property-became-required": (request(properties(**READ)), request(properties(required=True, **READ))),
    "request-property-became-required-with-default": (request(properties(default="a")), request(properties(required=True, default="a"))),
    "request-property-became-required": (request(properties()), request(properties(required=True))),
    "request-property-became-optional": (request(properties(required=True)), request(properties())),
    "response-write-only-property-enum-value-added": (
        response(properties(**WRITE, enum=["a"])),
        response(properties(**WRITE, enum=["a", "b"])),
    ),
    "response-required-write-only-property-removed": (response(properties(required=True, **WRITE)), response(EMPTY)),
    "response-optional-write-only-property-removed": (response(properties(**WRITE)), response(EMPTY)),
    "response-property-removed-before-sunset": (response(properties(**ENDING)), response(EMPTY)),
    "response-property-removed-with-deprecation": (response(properties(**ENDED)), response(EMPTY)),
    "response-required-property-removed": (response(properties(required=True)), response(EMPTY)),
    "response-optional-property-removed": (response(properties()), response(EMPTY)),
    "response-required-write-only-property-added": (response(EMPTY), response(properties(required=True, **WRITE))),
    "response-optional-write-only-property-added": (response(EMPTY), response(properties(**WRITE))),
    "response-required-property-added": (response(EMPTY), response(properties(required=True))),
    "response-optional-property-added": (response(EMPTY), response(properties())),
    "response-write-only-property-became-optional": (response(properties(required=True, **WRITE)), response(properties(**WRITE))),
    "response-property-became-optional": (response(properties(required=True)), response(properties())),
    "response-write-only-property-became-required": (response(properties(**WRITE)), response(properties(required=True, **WRITE))),
    "response-property-became-required": (response(properties()), response(properties(required=True))),
    **mutability("request", request),
    **mutability("response", response),
    **lifecycle("request-property", in_property(request), {}),
    **lifecycle("response-property", in_property(response), {}),
}
SITUATIONS = {**OPERATIONS, **DOCUMENTS, **PARAMETERS, **MESSAGES, **PROPERTIES}
"""rule → documents before and after."""


def deadlines_of(pair: Pair) -> Deadlines:
    """The deadlines the situation is judged with."""
    return pair[2] if len(pair) == 3 else DEADLINES
