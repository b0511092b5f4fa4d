"""For every lint rule a change of an exemplary document that makes it fire, and one close by that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Change = Callable[[dict[str, Any]], Any]

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
NOTE = {"application/json": {"schema": {"$ref": "#/components/schemas/Note"}}}
FAILURES = {
    "401": {"description": "Sign in.", "content": PROBLEM},
    "429": {"description": "Too many.", "content": PROBLEM, "headers": {"Retry-After": {"schema": {"type": "string"}}}},
}
EXEMPLARY: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {
        "title": "Notes", "version": "1.0.0", "description": "Notes of conversations.", "contact": {"email": "notes@notes.dev"},
        "license": {"name": "Internal"}, "x-portal": {"owner": "Notes team", "lifecycle": "production"},
    },
    "servers": [{"url": "https://notes.dev/api"}],
    "tags": [{"name": "notes", "description": "Notes."}],
    "security": [{"key": []}],
    "paths": {
        "/open-notes/{noteId}": {
            "parameters": [{"name": "noteId", "in": "path", "required": True, "description": "Which.", "schema": {"type": "string"}}],
            "get": {
                "operationId": "getNote", "summary": "One note", "description": "A note.", "tags": ["notes"],
                "parameters": [
                    {"name": "pageSize", "in": "query", "description": "How many.", "schema": {"type": "integer", "maximum": 50}},
                    {"name": "Trace-Id", "in": "header", "description": "To find it again.", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "The note.", "content": NOTE}, **FAILURES},
            },
            "put": {
                "operationId": "putNote", "summary": "Write a note", "description": "Writes.", "tags": ["notes"],
                "requestBody": {"required": True, "content": NOTE},
                "responses": {"204": {"description": "Written."}, **FAILURES},
            },
        },
    },
    "components": {
        "schemas": {
            "Note": {
                "type": "object", "title": "A note", "additionalProperties": False, "required": ["text"],
                "properties": {
                    "text": {"type": "string", "maxLength": 100},
                    "madeAt": {"type": "string", "format": "date-time"},
                    "labels": {"type": "array", "maxItems": 9, "items": {"type": "string", "pattern": "^[a-z]{1,9}$"}},
                },
            },
            "Problem": {"type": "object", "title": "A problem", "properties": {"title": {"type": "string"}}},
        },
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "Key"}},
    },
}  # fmt: skip
GET = "/paths/~1open-notes~1{noteId}/get"
PUT = "/paths/~1open-notes~1{noteId}/put"
NOTE_AT = "/components/schemas/Note"


class Case(NamedTuple):
    """``pointer`` is where the rule fires after ``fires``."""

    fires: Change
    silent: Change
    pointer: str
    version: str = "3.0.3"


def nothing(_document: dict[str, Any]) -> None:
    """The exemplary document as it is."""


def at(*tokens: str | int) -> Callable[[dict[str, Any]], Any]:
    """The object at the tokens."""

    def find(document: dict[str, Any]) -> Any:
        value: Any = document
        for token in tokens:
            value = value[token]
        return value

    return find


ITEM = at("paths", "/open-notes/{noteId}")
get_note = at("paths", "/open-notes/{noteId}", "get")
put_note = at("paths", "/open-notes/{noteId}", "put")
note = at("components", "schemas", "Note")


def sets(find: Callable[[dict[str, Any]], Any], **members: Any) -> Change:
    return lambda document: find(document).update(members)


def drops(find: Callable[[dict[str, Any]], Any], name: str) -> Change:
    return lambda document: find(document).pop(name)


def also(*changes: Change) -> Change:
    return lambda document: [change(document) for change in changes]


def paths(**members: str) -> Change:
    """More paths: address → the path item is that of the exemplary one, with another operationId."""
    return lambda document: document["paths"].update(
        {address: {"get": {**get_note(document), "operationId": name}} for name, address in members.items()}
    )


def answers(find: Callable[[dict[str, Any]], Any], **responses: Any) -> Change:
    return lambda document: find(document)["responses"].update({name.strip("_"): value for name, value in responses.items()})


def parameter(**members: Any) -> Change:
    one = {"name": "word", "in": "query", "description": "A word.", "schema": {"type": "string"}, **members}
    return lambda document: get_note(document)["parameters"].append({name: value for name, value in one.items() if value is not None})


def field(name: str, schema: Any) -> Change:
    return lambda document: note(document)["properties"].update({name: schema})


def schema(name: str, **members: Any) -> Change:
    """A component that is used by the answer, as a choice."""

    def change(document: dict[str, Any]) -> None:
        document["components"]["schemas"][name] = {"title": name, **members}
        answers(
            get_note, _206={"description": "Part.", "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
        )(document)

    return change


def media(**members: Any) -> Change:
    return answers(get_note, _206={"description": "Part.", "content": {"application/json": members}})


def scheme(**members: Any) -> Change:
    return lambda document: (
        document["components"]["securitySchemes"].update(more=members),
        document["security"].append({"more": []}),
    )


def flows(**members: Any) -> Change:
    return scheme(type="oauth2", flows=members)


def _branches(*, required: bool, inline: bool = False) -> Change:
    part = {"title": "B", "type": "object", "properties": {"kind": {"type": "string"}}, **({"required": ["kind"]} if required else {})}
    choice = {"oneOf": [part if inline else {"$ref": "#/components/schemas/B"}], "discriminator": {"propertyName": "kind"}}
    return also(lambda document: document["components"]["schemas"].update(B=part), schema("Choice", **choice))


PARAMETER = f"{GET}/parameters/2"
PART = f"{GET}/responses/206"
FIELD = f"{NOTE_AT}/properties/x"
X = "/components/schemas/X"
SCHEMES = "/components/securitySchemes/more"
LARGE = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(80)}}

CASES: dict[str, Case] = {
    "info-description": Case(drops(at("info"), "description"), nothing, "/info"),
    "info-contact": Case(drops(at("info"), "contact"), sets(at("info"), contact={"url": "https://notes.dev"}), "/info"),
    "info-license": Case(drops(at("info"), "license"), nothing, "/info"),
    "info-version": Case(sets(at("info"), version="latest"), sets(at("info"), version="2026-01-31"), "/info/version"),
    "portal-owner": Case(sets(at("info"), **{"x-portal": {"lifecycle": "beta"}}), nothing, "/info"),
    "portal-lifecycle": Case(sets(at("info"), **{"x-portal": {"owner": "me"}}), nothing, "/info"),
    "description-script": Case(
        sets(get_note, description="<script>alert(1)</script>"), sets(get_note, description="A *note*, <b>bold</b>."), f"{GET}/description"
    ),
    "servers-missing": Case(lambda one: one.update(servers=[]), nothing, ""),
    "server-insecure": Case(sets(at("servers", 0), url="http://notes.dev/api"), nothing, "/servers/0/url"),
    "server-placeholder": Case(sets(at("servers", 0), url="https://api.example.com"), nothing, "/servers/0/url"),
    "server-trailing-slash": Case(
        sets(at("servers", 0), url="https://notes.dev/api/"), sets(at("servers", 0), url="https://notes.dev/"), "/servers/0/url"
    ),
    "tag-undefined": Case(sets(get_note, tags=["notes", "gone"]), nothing, f"{GET}/tags/1"),
    "tag-unused": Case(lambda one: one["tags"].append({"name": "idle", "description": "Idle."}), nothing, "/tags/1"),
    "tag-duplicate": Case(lambda one: one["tags"].append({"name": "notes", "description": "Again."}), nothing, "/tags/1"),
    "tag-description": Case(drops(at("tags", 0), "description"), nothing, "/tags/0"),
    "path-trailing-slash": Case(paths(getAll="/notes/"), paths(getAll="/notes"), "/paths/~1notes~1"),
    "path-empty-segment": Case(paths(getAll="/notes//all"), paths(getAll="/notes/all"), "/paths/~1notes~1~1all"),
    "path-file-extension": Case(paths(getAll="/notes.json"), paths(getAll="/notes"), "/paths/~1notes.json"),
    "path-style": Case(
        paths(getAll="/all-notes", getSome="/some_notes"), paths(getAll="/all-notes", getSome="/notes"), "/paths/~1some_notes"
    ),
    "path-parameter-style": Case(
        also(paths(getOther="/{otherId}/{this_id}")), paths(getOther="/{otherId}/{id}"), "/paths/~1{otherId}~1{this_id}"
    ),
    "path-item-empty": Case(lambda one: one["paths"].update({"/none": {}}), nothing, "/paths/~1none"),
    "operation-summary": Case(drops(get_note, "summary"), also(drops(get_note, "summary"), sets(ITEM, summary="Notes")), GET),
    "operation-summary-long": Case(sets(get_note, summary="long " * 30), nothing, f"{GET}/summary"),
    "operation-description": Case(drops(get_note, "description"), nothing, GET),
    "operation-id-missing": Case(drops(get_note, "operationId"), nothing, GET),
    "operation-id-unsafe": Case(sets(get_note, operationId="get note"), sets(get_note, operationId="notes/get"), f"{GET}/operationId"),
    "operation-id-style": Case(
        also(paths(getAll="/notes"), sets(put_note, operationId="put_note")), sets(put_note, operationId="put"), f"{PUT}/operationId"
    ),
    "operation-tags": Case(sets(get_note, tags=[]), nothing, GET),
    "operation-tags-repeated": Case(sets(get_note, tags=["notes", "notes"]), nothing, f"{GET}/tags"),
    "operation-success": Case(drops(at("paths", "/open-notes/{noteId}", "get", "responses"), "200"), nothing, f"{GET}/responses"),
    "operation-client-errors": Case(
        sets(get_note, responses={"200": {"description": "d", "content": NOTE}}),
        sets(get_note, responses={"200": {"description": "d", "content": NOTE}, "default": {"description": "d", "content": PROBLEM}}),
        f"{GET}/responses",
    ),
    "operation-unauthorized": Case(
        drops(at("paths", "/open-notes/{noteId}", "get", "responses"), "401"),
        also(drops(at("paths", "/open-notes/{noteId}", "get", "responses"), "401"), sets(get_note, security=[])),
        f"{GET}/responses",
    ),
    "operation-rate-limit": Case(drops(at("paths", "/open-notes/{noteId}", "get", "responses"), "429"), nothing, f"{GET}/responses"),
    "operation-security": Case(
        also(drops(lambda one: one, "security"), sets(put_note, security=[])),
        also(drops(lambda one: one, "security"), sets(put_note, security=[]), sets(get_note, security=[{"key": []}])),
        GET,
    ),
    "operation-deprecated": Case(
        sets(get_note, deprecated=True), sets(get_note, deprecated=True, description="Use getNotes instead."), GET
    ),
    "operation-body-on-get": Case(
        sets(get_note, requestBody={"required": True, "content": NOTE}), nothing, f"{GET}/requestBody", version="3.1.0"
    ),
    "operation-body-missing": Case(drops(put_note, "requestBody"), nothing, PUT),
    "operation-body-optional": Case(sets(put_note, requestBody={"content": NOTE}), nothing, f"{PUT}/requestBody"),
    "operation-paging": Case(
        also(
            sets(get_note, parameters=[]),
            answers(get_note, _200={"description": "All.", "content": {"application/json": {"schema": {"type": "array", "items": {}}}}}),
        ),
        answers(get_note, _200={"description": "All.", "content": {"application/json": {"schema": {"type": "array", "items": {}}}}}),
        GET,
    ),
    "parameter-description": Case(
        parameter(description=None), parameter(description=None, schema={"type": "string", "description": "d"}), PARAMETER
    ),
    "parameter-schema": Case(parameter(schema=None), parameter(schema=None, content={"text/plain": {}}), PARAMETER),
    "parameter-header-name": Case(parameter(**{"in": "header"}, name="trace_id"), parameter(**{"in": "header"}, name="Span-Id"), PARAMETER),
    "parameter-query-style": Case(
        also(parameter(name="firstWord"), parameter(name="last_word")), parameter(name="firstWord"), f"{GET}/parameters/3/name"
    ),
    "parameter-credential": Case(parameter(name="api_key"), parameter(name="key_of_note"), PARAMETER),
    "parameter-page-size": Case(
        parameter(name="limit", schema={"type": "integer", "format": "int32"}),
        parameter(name="limit", schema={"type": "integer", "maximum": 5}),
        PARAMETER,
    ),
    "parameter-boolean-negated": Case(
        parameter(name="skipEmpty", schema={"type": "boolean"}), parameter(name="notes", schema={"type": "boolean"}), PARAMETER
    ),
    "parameter-examples": Case(parameter(example="a", examples={"a": {"value": "a"}}), parameter(example="a"), PARAMETER),
    "response-description": Case(answers(get_note, _200={"description": " ", "content": NOTE}), nothing, f"{GET}/responses/200"),
    "response-created-location": Case(
        answers(put_note, _201={"description": "Made."}),
        answers(put_note, _201={"description": "Made.", "headers": {"location": {"schema": {"type": "string"}}}}),
        f"{PUT}/responses/201",
    ),
    "response-accepted-progress": Case(
        answers(put_note, _202={"description": "Later."}),
        answers(put_note, _202={"description": "Later.", "content": NOTE}),
        f"{PUT}/responses/202",
    ),
    "response-no-content-body": Case(
        answers(put_note, _204={"description": "Written.", "content": NOTE}), nothing, f"{PUT}/responses/204/content"
    ),
    "response-success-body": Case(answers(get_note, _200={"description": "Nothing."}), nothing, f"{GET}/responses/200"),
    "response-error-body": Case(answers(get_note, _404={"description": "Gone."}), nothing, f"{GET}/responses/404"),
    "response-error-media-type": Case(
        answers(get_note, _404={"description": "Gone.", "content": NOTE}),
        answers(get_note, _404={"description": "Gone.", "content": PROBLEM}),
        f"{GET}/responses/404/content/application~1json",
    ),
    "response-retry-after": Case(
        answers(get_note, _503={"description": "Later.", "content": PROBLEM}),
        answers(get_note, _503={**FAILURES["429"]}),
        f"{GET}/responses/503",
    ),
    "header-x-prefix": Case(
        answers(get_note, _200={"description": "d", "content": NOTE, "headers": {"X-Total": {"schema": {"type": "string"}}}}),
        answers(get_note, _200={"description": "d", "content": NOTE, "headers": {"Total": {"schema": {"type": "string"}}}}),
        f"{GET}/responses/200/headers/X-Total",
    ),
    "media-type-schema": Case(media(), media(schema={"type": "string"}), f"{PART}/content/application~1json"),
    "media-type-any": Case(
        answers(get_note, _206={"description": "d", "content": {"*/*": {"schema": {"type": "string"}}}}), nothing, f"{PART}/content/*~1*"
    ),
    "media-type-examples": Case(
        media(schema={"type": "string"}, example="a", examples={"a": {"value": "a"}}),
        media(schema={"type": "string"}, examples={"a": {"value": "a"}}),
        f"{PART}/content/application~1json",
    ),
    "schema-description": Case(drops(note, "title"), nothing, NOTE_AT),
    "component-unused": Case(
        lambda one: one["components"]["schemas"].update(Idle={"title": "Idle", "type": "string"}),
        schema("X", type="string"),
        "/components/schemas/Idle",
    ),
    "schema-enum-type": Case(
        schema("X", type="string", enum=["a", 1]), schema("X", type="string", enum=["a", None], nullable=True), f"{X}/enum"
    ),
    "schema-enum-repeated": Case(schema("X", enum=["a", "a"]), schema("X", enum=["1", 1]), f"{X}/enum"),
    "schema-enum-null": Case(
        schema("X", type="string", nullable=True, enum=["a"]), schema("X", type="string", nullable=True, enum=["a", None]), f"{X}/enum"
    ),
    "schema-nullable": Case(
        schema("X", type="string", nullable=True), schema("X", type=["string", "null"]), f"{X}/nullable", version="3.1.0"
    ),
    "schema-nullable-untyped": Case(schema("X", nullable=True), schema("X", nullable=True, type="string"), f"{X}/nullable"),
    "schema-reference-siblings": Case(
        field("x", {"$ref": "#/components/schemas/Problem", "nullable": True}),
        field("x", {"$ref": "#/components/schemas/Problem", "description": "d"}),
        FIELD,
    ),
    "schema-integer-format": Case(schema("X", type="integer"), schema("X", type="integer", format="int32"), X),
    "schema-array-items": Case(schema("X", type="array"), schema("X", type="array", prefixItems=[{}]), X, version="3.1.0"),
    "schema-array-unbounded": Case(
        field("x", {"type": "array", "items": {"type": "boolean"}}), schema("X", type="array", items={"type": "boolean"}), FIELD
    ),
    "schema-string-unbounded": Case(field("x", {"type": "string"}), schema("X", type="string"), FIELD),
    "schema-date-format": Case(
        field("readAt", {"type": "string", "maxLength": 30}),
        field("format", {"type": "string", "maxLength": 30}),
        f"{NOTE_AT}/properties/readAt",
    ),
    "schema-secret-shown": Case(
        field("clientSecret", {"type": "string", "maxLength": 30}),
        field("clientSecret", {"type": "string", "maxLength": 30, "writeOnly": True}),
        f"{NOTE_AT}/properties/clientSecret",
    ),
    "schema-examples": Case(
        schema("X", type="string", example="a", examples=["a"]), schema("X", type="string", examples=["a"]), X, version="3.1.0"
    ),
    "schema-example-old": Case(
        schema("X", type="string", example="a"), schema("X", type="string", examples=["a"]), f"{X}/example", version="3.1.0"
    ),
    "schema-required-undefined": Case(
        sets(note, required=["text", "gone"]),
        schema("X", allOf=[{"type": "object", "required": ["a"], "properties": {}}]),
        f"{NOTE_AT}/required",
    ),
    "schema-read-and-write-only": Case(
        schema("X", type="string", readOnly=True, writeOnly=True), schema("X", type="string", readOnly=True), X
    ),
    "schema-bounds-crossed": Case(
        schema("X", type="string", minLength=3, maxLength=2), schema("X", type="string", minLength=2, maxLength=2), f"{X}/minLength"
    ),
    "schema-type-missing": Case(
        schema("X", properties={"a": {"type": "boolean"}}), schema("X", allOf=[{"properties": {"a": {"type": "boolean"}}}]), X
    ),
    "schema-additional-unset": Case(
        drops(note, "additionalProperties"), schema("X", type="object", properties={"a": {"type": "boolean"}}), NOTE_AT
    ),
    "schema-inline-large": Case(media(schema=LARGE), schema("X", **LARGE), f"{PART}/content/application~1json/schema"),
    "schema-discriminator-required": Case(_branches(required=False), _branches(required=True), "/components/schemas/Choice/oneOf/0"),
    "schema-discriminator-inline": Case(
        _branches(required=True, inline=True), _branches(required=True), "/components/schemas/Choice/oneOf"
    ),
    "schema-pattern-unanchored": Case(
        schema("X", type="string", pattern="[a-z]"), schema("X", type="string", pattern="^[a-z]"), f"{X}/pattern"
    ),
    "schema-property-style": Case(
        also(field("oneMore", {"type": "boolean"}), field("two_more", {"type": "boolean"})),
        field("more", {"type": "boolean"}),
        f"{NOTE_AT}/properties/two_more",
    ),
    "example-invalid": Case(
        media(schema={"type": "object", "required": ["a"], "properties": {"a": {"readOnly": True}}}, example="a"),
        media(schema={"type": "object", "required": ["a"], "properties": {"a": {"readOnly": True}}}, example={}),
        f"{PART}/content/application~1json/example",
    ),
    "default-mismatch": Case(
        schema("X", type="string", format="uuid", default="a"),
        schema("X", type="string", format="uuid", default="3fa85f64-5717-4562-b3fc-2c963f66afa6"),
        f"{X}/default",
    ),
    "security-unused": Case(
        lambda one: one["components"]["securitySchemes"].update(more={"type": "http", "scheme": "basic"}), nothing, SCHEMES
    ),
    "security-insecure-address": Case(
        flows(clientCredentials={"tokenUrl": "http://login.notes.dev", "scopes": {}}),
        flows(clientCredentials={"tokenUrl": "https://login.notes.dev", "scopes": {}}),
        f"{SCHEMES}/flows/clientCredentials/tokenUrl",
    ),
    "security-outdated-flow": Case(
        flows(implicit={"authorizationUrl": "https://login.notes.dev", "scopes": {}}),
        flows(clientCredentials={"tokenUrl": "https://login.notes.dev", "scopes": {}}),
        f"{SCHEMES}/flows/implicit",
    ),
    "security-key-in-query": Case(
        scheme(**{"type": "apiKey", "in": "query", "name": "key"}), scheme(**{"type": "apiKey", "in": "header", "name": "k"}), SCHEMES
    ),
}
