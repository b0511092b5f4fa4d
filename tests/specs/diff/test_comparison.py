"""What is compared, and how it is said: paths, references, circles, compositions, directions, hidden values, order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specs.diff import Change, comparison, pairs, sort_changes
from specs.diff.rules import REGISTRY
from tests.specs.diff.samples import SAMPLES, changes, fired, holding, properties
from tests.specs.diff.situations import ANSWERS, SITUATIONS, accepted, called, content, deadlines_of, one, request, response, webhook
from tests.specs.documents import openapi
from tests.specs.real import REAL, needs_documents, read_real

Document = dict[str, Any]


def texts(old: Document, new: Document) -> list[str]:
    return [change.text for change in changes(old, new)]


def only(old: Document, new: Document) -> Change:
    (change,) = changes(old, new)
    return change


def components(paths: Document, **schemas: Any) -> Document:
    return {**paths, "components": {"schemas": schemas}}


REFERENCE = {"$ref": "#/components/schemas/A"}


def test_a_change_reads_as_a_plain_sentence() -> None:
    change = only(request({"type": "object", "properties": {"queueId": {"type": "string"}}}),
                  request({"type": "object", "properties": {"queueId": {"type": "string"}}, "required": ["queueId"]}))  # fmt: skip
    assert change.as_dict() == {
        "rule": "request-property-became-required",
        "level": "breaking",
        "operation": "POST /things",
        "location": "request.body.queueId",
        "text": "Body property `queueId` became required.",
    }


@pytest.mark.parametrize(
    ("direction", "part", "kind", "location", "text"),
    [
        ("request", "parameter", "max-decreased", "request.query.value", "Query parameter `value` has a lower maximum: `3` instead of `7`."),
        ("response", "body", "became-nullable", "response.200.body", "Response 200 body became nullable."),
        ("response", "property", "enum-value-added", "response.200.body.value", "Response 200 property `value` has a new enum value: `b`."),
        ("response", "header", "type-generalized", "response.200.header.X-Value",
         "Response 200 header `X-Value` takes more types of values: number instead of integer."),
    ],
)  # fmt: skip
def test_places_and_values_are_named(direction: str, part: str, kind: str, location: str, text: str) -> None:
    old, new = SAMPLES[kind]
    change = only(holding(direction, part, old), holding(direction, part, new))
    assert (change.location, change.text) == (location, text)


def test_deep_values_are_named_by_their_way() -> None:
    def nested(schema: Any) -> Document:
        lines = {"type": "array", "items": {"type": "object", "properties": {"price": schema}}}
        return request({"type": "object", "properties": {"lines": lines}, "additionalProperties": {"type": "array", "items": schema}})

    before, after = (json.loads(json.dumps(nested(schema))) for schema in ({"type": "number"}, {"type": "number", "maximum": 3}))
    assert {change.location for change in changes(before, after)} == {"request.body.lines[].price", "request.body.*[]"}


def test_a_shared_schema_is_told_once_in_each_message_by_the_shortest_way() -> None:
    def addressed(**members: Any) -> Document:
        deep = {"type": "object", "properties": {"owner": {"type": "object", "properties": {"home": REFERENCE}}, "shop": REFERENCE}}
        return components(request(deep), A={"type": "object", "properties": {"zip": {"type": "string", **members}}})

    assert only(addressed(), addressed(maxLength=5)).location == "request.body.shop.zip"


# Paths


def path(name: str, parameter: str, **schema: Any) -> Document:
    described = {"name": parameter, "in": "path", "required": True, "schema": {"type": "string", **schema}}
    return openapi("3.1.0", paths={name: {"get": {"parameters": [described], "responses": ANSWERS}}})


def test_a_renamed_path_parameter_is_no_change() -> None:
    assert changes(path("/users/{id}", "id"), path("/users/{userId}", "userId")) == []


def test_a_renamed_path_parameter_is_still_compared() -> None:
    change = only(path("/users/{id}", "id"), path("/users/{userId}", "userId", maxLength=3))
    assert (change.operation, change.rule) == ("GET /users/{userId}", "request-parameter-max-length-set")


def test_two_paths_that_swap_their_places_are_told_apart() -> None:
    old = {**path("/a/{x}", "x")}
    old["paths"]["/a/{y}"] = {"post": {"parameters": [], "responses": ANSWERS}}
    assert changes(old, old) == []


def test_a_parameter_of_the_path_item_is_one_of_the_operation() -> None:
    shared = one()
    shared["paths"]["/things"]["parameters"] = [{"name": "q", "in": "query", "schema": {"type": "string"}}]
    assert changes(one(parameters=[{"name": "q", "in": "query", "schema": {"type": "string"}}]), shared) == []


def test_headers_are_known_by_their_name_in_any_case() -> None:
    def sent(name: str) -> Document:
        return one(parameters=[{"name": name, "in": "header", "schema": {"type": "string"}}])

    assert changes(sent("X-Trace"), sent("x-trace")) == []
    assert changes(one(), sent("Accept")) == []


# References and circles


def test_where_a_schema_stands_does_not_matter() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert fired(request(schema), components(request(REFERENCE), A=schema)) == set()
    assert fired(components(request(REFERENCE), A=schema), components(request({"$ref": "#/components/schemas/B"}), B=schema)) == {
        "api-schema-removed"
    }


def circle(**members: Any) -> Document:
    node = {"type": "object", "properties": {"next": REFERENCE, "value": {"type": "string", **members}}}
    return components(request(REFERENCE), A=node)


def test_a_circle_ends() -> None:
    assert changes(circle(), circle()) == []
    change = only(circle(), circle(maxLength=3))
    assert change.location == "request.body.value"


def test_a_change_inside_a_circle_is_seen_from_every_entry() -> None:
    def entered(**members: Any) -> Document:
        first = {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}, "value": {"type": "string", **members}}}
        second = {"type": "object", "properties": {"a": REFERENCE}}
        document = components(request(REFERENCE), A=first, B=second)
        document["paths"]["/others"] = request({"$ref": "#/components/schemas/B"})["paths"]["/things"]
        return document

    found = {(change.operation, change.location) for change in changes(entered(), entered(maxLength=3))}
    assert found == {("POST /things", "request.body.value"), ("POST /others", "request.body.a.value")}


def test_what_is_shared_everywhere_costs_no_more_than_once() -> None:
    """Two references at each of 60 levels are 2^60 ways to the change; it is found by the shortest, at once."""

    def tower(**members: Any) -> Document:
        schemas: Document = {
            f"L{level}": {"type": "object", "properties": {side: {"$ref": f"#/components/schemas/L{level + 1}"} for side in "ab"}}
            for level in range(60)
        }
        return components(request({"$ref": "#/components/schemas/L0"}), **schemas, L60={"type": "string", **members})

    assert len(changes(tower(), tower(maxLength=3))) == 1


@pytest.mark.parametrize("broken", [{"$ref": "#/components/schemas/Gone"}, {"$ref": "#/components/schemas/Loop"}, 7, None, [], "text"])
def test_what_makes_no_sense_is_compared_all_the_same(broken: Any) -> None:
    wrong = components(request(broken), Loop={"$ref": "#/components/schemas/Loop"})
    assert changes(wrong, wrong) == []
    changes(request({"type": "string"}), wrong)
    changes(wrong, request({"type": "string"}))


def test_what_stands_beside_a_reference_counts_since_3_1() -> None:
    def beside(version: str) -> Document:
        return {**components(request({"$ref": "#/components/schemas/A", "maxLength": 3}), A={"type": "string"}), "openapi": version}

    assert fired(beside("3.0.3"), beside("3.1.0")) == {"request-body-max-length-set"}
    assert changes(beside("3.1.0"), beside("3.2.0")) == []
    alone = {**components(request(REFERENCE), A={"type": "string"})}
    assert changes({**alone, "openapi": "3.0.3"}, {**alone, "openapi": "3.1.0"}) == []


# What means the same


@pytest.mark.parametrize(
    ("version", "one_way", "other_way"),
    [
        ("3.1.0", {"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("3.0.3", {"type": "string", "nullable": True}, {"allOf": [{"type": "string"}], "nullable": True}),
        ("3.0.3", {"type": "integer", "minimum": 3, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 3}),
        ("3.1.0", {"type": ["string", "integer"]}, {"oneOf": [{"type": "integer"}, {"type": "string"}]}),
        ("3.1.0", {"type": "object", "properties": {}}, {"properties": {}}),
        ("3.1.0", {"type": "string", "enum": ["a", "b"]}, {"enum": ["b", "a"]}),
        ("3.1.0", {"type": "string", "minLength": 0, "pattern": ""}, {"type": "string"}),
        ("3.1.0", {"type": "integer", "format": "int64"}, {"type": "integer"}),
        ("3.1.0", {"type": "string", "description": "a"}, {"type": "string", "title": "b", "example": "c"}),
    ],
)
def test_two_ways_to_write_the_same_are_no_change(version: str, one_way: Any, other_way: Any) -> None:
    before, after = ({**request(schema), "openapi": version} for schema in (one_way, other_way))
    assert changes(before, after) == changes(after, before) == []


def test_properties_moved_into_a_branch_are_no_change() -> None:
    name, age = {"name": {"type": "string"}}, {"age": {"type": "integer"}}
    flat = {"type": "object", "properties": {**name, **age}, "required": ["name"]}
    split = {"allOf": [{"type": "object", "properties": name, "required": ["name"]}, {"type": "object", "properties": age}]}
    assert changes(request(flat), request(split)) == changes(response(split), response(flat)) == []


def test_a_property_that_two_branches_describe_is_bound_by_both() -> None:
    def described(**members: Any) -> Document:
        first = {"type": "object", "title": "First", "properties": {"a": {"type": "string"}}}
        second = {"type": "object", "title": "Second", "properties": {"a": {"type": "string", **members}}}
        return request({"allOf": [first, second, *([{"title": "Third", "maxProperties": 9}] if members else [])]})

    assert "request-property-max-length-set" in fired(described(), described(maxLength=3))


def test_a_schema_extended_by_a_branch_is_told_by_the_branch() -> None:
    base = {"type": "object", "properties": {"name": {"type": "string"}}}
    more = {"allOf": [base, {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}]}
    assert fired(request(base), request(more)) == {"request-body-all-of-added", "new-required-request-property"}


def test_a_schema_that_became_one_of_any_is_told_by_the_others() -> None:
    name, number = {"type": "object", "title": "Name", "properties": {"a": {"type": "string"}}}, {"type": "object", "title": "Number"}
    assert fired(request(name), request({"anyOf": [name, number]})) == {"request-body-any-of-added"}


def test_branches_are_matched_by_what_they_are_not_by_their_place() -> None:
    cat, dog = {"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"b": {"type": "string"}}}
    assert changes(request({"oneOf": [cat, dog]}), request({"oneOf": [dog, cat]})) == []


def test_a_renamed_component_is_the_same_alternative() -> None:
    cat = {"type": "object", "properties": {"a": {"type": "string"}}}
    dog = {"type": "object", "properties": {"b": {"type": "string"}}}

    def choice(name: str) -> Document:
        branches = [{"$ref": f"#/components/schemas/{name}"}, {"$ref": "#/components/schemas/Dog"}]
        return components(request({"oneOf": branches}), **{name: cat, "Dog": dog})

    assert fired(choice("Cat"), choice("Feline")) == {"api-schema-removed"}


# Direction


@pytest.mark.parametrize(
    ("kind", "in_request", "in_response"),
    [
        ("enum-value-removed", "breaking", "info"),
        ("enum-value-added", "info", "warning"),
        ("became-nullable", "info", "breaking"),
        ("became-not-nullable", "breaking", "info"),
        ("type-generalized", "info", "breaking"),
        ("type-specialized", "breaking", "info"),
        ("max-length-decreased", "breaking", "info"),
        ("max-length-increased", "info", "breaking"),
        ("one-of-added", "info", "breaking"),
        ("additional-properties-closed", "breaking", "info"),
    ],
)
def test_requests_and_responses_are_judged_apart(kind: str, in_request: str, in_response: str) -> None:
    old, new = SAMPLES[kind]
    assert [change.level for change in changes(request(old), request(new))] == [in_request]
    assert [change.level for change in changes(response(old), response(new))] == [in_response]


@pytest.mark.parametrize("build", [webhook, called], ids=["webhook", "callback"])
def test_where_the_api_calls_its_client_the_directions_change_places(build: Any) -> None:
    def sent(*required: str) -> Document:
        schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": list(required)}
        document: Document = build(requestBody={"content": {"application/json": {"schema": schema}}})
        return document

    assert fired(sent(), sent("id")) == {"response-property-became-required"}
    assert fired(sent("id"), sent()) == {"response-property-became-optional"}


def test_parameters_of_a_webhook_are_judged_as_what_the_client_reads() -> None:
    header = {"name": "X-Signature", "in": "header", "required": True, "schema": {"type": "string"}}
    assert fired(webhook(parameters=[header]), webhook()) == {"required-response-header-removed"}
    assert fired(webhook(), webhook(parameters=[header])) == {"response-header-added"}


def test_read_only_values_are_told_and_break_no_request() -> None:
    old, new = request(properties(readOnly=True)), request(properties(readOnly=True, pattern="^a$"))
    change = only(old, new)
    assert (change.rule, change.level) == ("request-property-pattern-added", "info")
    assert change.text.endswith("(read-only: no request carries it).")
    assert only(response(properties(writeOnly=True)), response(properties(writeOnly=True, type=["string", "null"]))).level == "info"


def test_text_on_the_wire_takes_any_value() -> None:
    def query(kind: str) -> Document:
        return holding("request", "parameter", {"type": kind})

    assert fired(query("integer"), query("string")) == {"request-parameter-type-generalized"}
    assert fired(query("string"), query("integer")) == {"request-parameter-type-changed"}
    assert fired(query("integer"), holding("request", "parameter", {"type": "array", "items": {"type": "integer"}})) == {
        "request-parameter-type-generalized"
    }
    assert fired(request({"type": "integer"}), request({"type": "string"})) == {"request-body-type-changed"}


# Media types and statuses


def test_a_range_takes_the_place_of_its_statuses() -> None:
    def answered(status: str) -> Document:
        return one(responses={status: {"description": "d", "content": {"application/json": {"schema": {"type": "string"}}}}})

    assert changes(answered("200"), answered("2XX")) == []
    assert fired(answered("2XX"), answered("200")) == {"response-success-status-removed", "response-success-status-added"}


def test_media_types_with_one_schema_are_told_once_and_with_two_apart() -> None:
    def typed(first: Any, second: Any) -> Document:
        return one(requestBody={"content": {"application/json": {"schema": first}, "application/vnd.a+json": {"schema": second}}})

    plain, long = {"type": "string"}, {"type": "string", "maxLength": 3}
    assert {change.location for change in changes(typed(plain, plain), typed(long, plain))} == {"request.body[application/json]"}
    shared = components(typed(REFERENCE, REFERENCE), A=plain), components(typed(REFERENCE, REFERENCE), A=long)
    assert {change.location for change in changes(*shared)} == {"request.body"}


def test_media_types_are_compared_without_regard_to_case_and_spaces() -> None:
    assert changes(accepted("Application/JSON; charset=utf-8"), accepted("application/json;charset=utf-8")) == []
    assert fired(content("application/json"), content("application/json", "application/xml")) == {"response-media-type-added"}


# Order, laws, limits


def test_the_worst_comes_first_and_the_order_is_always_the_same() -> None:
    old = one(parameters=[{"name": "a", "in": "query", "schema": {"type": "string"}}])
    new = one(parameters=[{"name": "b", "in": "query", "required": True, "schema": {"type": "string"}}], tags=["t"])
    found = changes(old, new)
    assert [change.level for change in found] == ["breaking", "warning", "info"]
    assert sort_changes(reversed(found)) == found


def test_nothing_depends_on_the_seed_of_hashes() -> None:
    script = (
        "import json, datetime; from specs.diff import compare, Deadlines; from tests.specs.diff.situations import SITUATIONS\n"
        "found = [c.as_dict() for pair in SITUATIONS.values() for c in compare(pair[0], pair[1], Deadlines(datetime.date(2026, 6, 15)))]\n"
        "print(json.dumps(found))"
    )
    root = Path(__file__).resolve().parents[3]
    answers = {
        subprocess.run(
            [sys.executable, "-c", script], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert len(json.loads(answers.pop())) >= len(SITUATIONS)


def test_too_many_changes_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(9)}}
    monkeypatch.setattr(comparison, "MAX_CHANGES", 5)
    found = changes(request(old), request({"type": "object"}))
    assert (len(found), found[0].rule, found[0].level) == (6, "too-many-changes", "breaking")


def test_walks_that_never_end_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MAX_VISITS", 1)
    assert "too-many-changes" in fired(circle(), circle(maxLength=3))


def test_a_change_too_deep_to_be_named_is_said() -> None:
    def chain(**members: Any) -> Document:
        links = {f"L{n}": {"type": "object", "properties": {"p": {"$ref": f"#/components/schemas/L{n + 1}"}}} for n in range(3000)}
        return components(request({"$ref": "#/components/schemas/L0"}), **links, L3000={"type": "string", **members})

    assert fired(chain(), chain(maxLength=3)) == {"too-many-changes"}


_NAMES = st.sampled_from(["a", "b", "c"])
_LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.just({}),
    st.just(REFERENCE),
    st.sampled_from([schema for sample in SAMPLES.values() for schema in sample]),
    st.booleans(),
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda below: st.one_of(
        st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(_NAMES, below, max_size=3)},
                              optional={"required": st.lists(_NAMES, max_size=2), "additionalProperties": below}),
        st.fixed_dictionaries({"type": st.just("array"), "items": below}),
        st.builds(lambda keyword, branches: {keyword: branches}, st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(below, min_size=1, max_size=3)),
        st.builds(lambda keyword, schema: {keyword: schema}, st.sampled_from(["not", "if", "contains", "propertyNames"]), below),
    ),
    max_leaves=8,
)  # fmt: skip
_PROPERTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_PROPERTY
@given(schema=_SCHEMAS, shared=_SCHEMAS)
def test_a_document_does_not_differ_from_itself(schema: Any, shared: Any) -> None:
    document = components(request(schema), A=shared)
    again = json.loads(json.dumps(document))
    assert changes(document, again) == []


@_PROPERTY
@given(old=_SCHEMAS, new=_SCHEMAS, before=_SCHEMAS, after=_SCHEMAS)
def test_every_difference_is_judged_in_every_direction(old: Any, new: Any, before: Any, after: Any) -> None:
    """No difference is dropped for want of a rule, and what is said there is said again in the same order."""
    dropped: list[str] = []
    judge = REGISTRY.judge

    def watched(occurrence: Any) -> Any:
        rule = judge(occurrence)
        if rule is None:
            dropped.append(f"{occurrence.place.direction} {occurrence.part} {occurrence.kind}")
        return rule

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(REGISTRY, "judge", watched)
        for direction, part in (("request", "body"), ("response", "body"), ("request", "parameter"), ("response", "header")):
            documents = components(holding(direction, part, old), A=before), components(holding(direction, part, new), A=after)
            found = [change.as_dict() for change in changes(*documents)]
            assert found == [change.as_dict() for change in changes(*documents)]
    assert dropped == []


@pytest.mark.parametrize("rule", sorted(SITUATIONS))
def test_every_situation_is_judged_whole(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = REGISTRY.judge
    monkeypatch.setattr(REGISTRY, "judge", lambda occurrence: judge(occurrence) or pytest.fail(f"{occurrence.kind} has no rule"))
    pair = SITUATIONS[rule]
    for old, new in ((pair[0], pair[1]), (pair[1], pair[0])):
        comparison.compare(old, new, deadlines_of(pair))


@needs_documents
@pytest.mark.parametrize("name", sorted(REAL))
def test_a_real_document_does_not_differ_from_itself(name: str) -> None:
    document = read_real(name)
    if document is not None:
        assert changes(document, json.loads(json.dumps(document))) == []


@needs_documents
def test_real_documents_are_judged_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = REGISTRY.judge
    monkeypatch.setattr(REGISTRY, "judge", lambda occurrence: judge(occurrence) or pytest.fail(f"{occurrence} has no rule"))
    old, new = read_real("github-api-22.0.0.json"), read_real("github-api-23.0.2.json")
    assert old is not None
    assert new is not None
    for before, after in ((old, new), (new, old)):
        assert {change.level for change in changes(before, after)} == {"breaking", "warning", "info"}


JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, "", "x", "#/components/schemas/A", [], {}, [[]], [None], [1, "a"], ["a", {}], {"a": {}}, {"": ""}),
    *({"$ref": "#"}, {"$ref": "#/paths"}, {"$ref": 7}, {"$ref": "#/components/schemas/Gone"}, "9999-99-99"),
)


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every container and the name or number of each thing in it."""
    if isinstance(value, dict | list):
        for name, member in list(value.items() if isinstance(value, dict) else enumerate(value)):
            found.append((value, name))
            places(member, found)
    return found


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_document_it_is_compared(data: st.DataObject) -> None:
    """The reader refuses much of this; the comparison stands on its own."""
    document = data.draw(st.sampled_from([document for pair in SITUATIONS.values() for document in pair[:2]]))
    broken = json.loads(json.dumps(document))
    for _time in range(data.draw(st.integers(1, 4))):
        container, name = data.draw(st.sampled_from(places(broken, []) or [({}, "")]))
        container[name] = json.loads(json.dumps(data.draw(st.sampled_from(JUNK))))
    for old, new in ((document, broken), (broken, document)):
        for change in changes(old, new):
            assert change.as_dict()["text"]
    assert changes(broken, json.loads(json.dumps(broken))) == []
