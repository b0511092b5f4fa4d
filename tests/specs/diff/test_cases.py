"""Pairs of documents that oasdiff judged (Apache-2.0, read from outside the project): the same verdict, the same thing named."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from specs.compiler import read_document
from specs.diff import REGISTRY, Change, Deadlines, compare
from specs.tree import tree_reader

CASES = Path(__file__).resolve().parents[4] / "shared" / "data" / "diff-cases"
TODAY = datetime.date(2026, 6, 15)
DAYS = {"stable": 180, "beta": 31}
LEVELS = {"ERR": "breaking", "WARN": "warning", "INFO": "info"}

# We judge otherwise; each line says why, and docs/diff.md says it too.
WAIVED = {
    "TestBreaking_RequestParameterMaxItemsWithoutFlatten": (
        "A parameter of the path item is a parameter of the operation; that a tool was not asked to look there makes it no less breaking."
    ),
}
# The peer's own test says that these must not be found; a thing that is said twice would be the mistake.
NOT_EXPECTED = {
    "TestRequestPropertyAllOfAdded_AnnotationOnly_AtProperty_EmitsInfo": {"request-property-all-of-added"},
    "TestRequestPropertyAnyOfInlineEnumRefactorToRef": {"request-property-any-of-added", "request-property-any-of-removed"},
    "TestRequestPropertyOneOfWrappingIsBreaking": {
        *("request-body-one-of-added", "request-body-type-generalized", "request-property-became-optional", "request-property-removed"),
    },
    "TestRequestBodyTypeWideningMultiTypeNotBreaking": {"request-body-type-changed"},
    "TestRequestBodyTypeRemovedNotBreaking": {"request-body-type-changed"},
}
# A comment of the peer on another finding, and no rule.
COMMENTS = frozenset(
    ("pattern-added-error-comment", "TypeChangeLooselyTypedCommentId", "required-request-property-with-default-error-comment")
)
# What the peer asserts of the way there and of the way back.
BOTH_WAYS = frozenset(("TestMediaTypeSchemaExistence",))
WITH_DEADLINES = frozenset(("TestBreaking_ParameterDeprecationWithoutSunsetWithPolicy",))


def body_type(*, before: Any, after: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(old: dict[str, Any], new: dict[str, Any]) -> None:
        for document, kind in ((old, before), (new, after)):
            schema = document["paths"]["/test"]["post"]["requestBody"]["content"]["application/json"]["schema"]
            schema.clear()
            schema.update({} if kind is None else {"type": kind})

    return change


def header_schema(before: dict[str, Any], after: dict[str, Any]) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(old: dict[str, Any], new: dict[str, Any]) -> None:
        for document, schema in ((old, before), (new, after)):
            item = next(iter(document["paths"].values()))
            operation = next(value for name, value in item.items() if name in ("get", "post", "put", "delete"))
            response = next(iter(operation["responses"].values()))
            response["headers"] = {"Retry-After": {"schema": schema}}

    return change


def parameter_types(old: dict[str, Any], new: dict[str, Any]) -> None:
    two, three = ({"anyOf": [{"type": kind} for kind in kinds]} for kinds in (("integer", "boolean"), ("integer", "boolean", "number")))
    for document, schemas in ((old, (two, three)), (new, (three, two))):
        item = next(iter(document["paths"].values()))
        operation = next(value for name, value in item.items() if name in ("get", "post", "put", "delete"))
        operation["parameters"] = [{"name": f"q{number}", "in": "query", "schema": schema} for number, schema in enumerate(schemas)]


# The peer's test changed the documents in its own code; the files are one file twice. The change is made here as described.
MADE_HERE: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "TestRequestBodyTypeWideningMultiTypeNotBreaking": body_type(before=["string"], after=["string", "integer"]),
    "TestRequestBodyTypeRemovedNotBreaking": body_type(before=["string"], after=None),
    "TestRequestBodyTypeNarrowingStillBreaking": body_type(before=["string", "integer"], after=["string"]),
    "TestRequestBodyTypeAddedFromUntypedStillBreaking": body_type(before=None, after=["string"]),
    "TestResponseHeaderBecameNullable": header_schema({"type": "string"}, {"type": "string", "nullable": True}),
    "TestResponseHeaderBecameNotNullable": header_schema({"type": "string", "nullable": True}, {"type": "string"}),
    "TestResponseHeaderTypeChanged_StringDateTimeToInteger": header_schema({"type": "string", "format": "date-time"}, {"type": "integer"}),
    "TestResponseHeaderTypeChanged_IntegerToNumberIsGeneralized": header_schema({"type": "integer"}, {"type": "number"}),
    "TestResponseHeaderTypeChanged_NumberToIntegerIsSpecialized": header_schema({"type": "number"}, {"type": "integer"}),
    "TestResponseHeaderTypeChanged_StringToIntegerIsCompatible": header_schema({"type": "string"}, {"type": "integer"}),
    "TestListOfTypesIntegration_ParameterChanges": parameter_types,
}


def cases() -> list[Any]:
    if not (CASES / "cases.json").is_file():
        return []
    listed = json.loads((CASES / "cases.json").read_text())["cases"]
    return [pytest.param(case, id=f"{number}-{case['test'].removeprefix('Test')}") for number, case in enumerate(listed)]


@cache
def document(path: str) -> dict[str, Any]:
    file = CASES / path
    return read_document(tree_reader(file.parent), file.name)


def judged(case: dict[str, Any]) -> list[Change]:
    old, new = copy.deepcopy(document(case["base"])), copy.deepcopy(document(case["revision"]))
    if case["test"] in MADE_HERE:
        MADE_HERE[case["test"]](old, new)
    deadlines = Deadlines(TODAY, DAYS if case["test"] in WITH_DEADLINES else {})
    back = compare(new, old, deadlines) if case["test"] in BOTH_WAYS else []
    return [*compare(old, new, deadlines), *back]


needs_cases = pytest.mark.skipif(not cases(), reason=f"no judged pairs at {CASES}")


@needs_cases
@pytest.mark.parametrize("case", cases())
def test_it_is_judged_as_practitioners_judge(case: dict[str, Any]) -> None:
    found = judged(case)
    breaking = [change.as_dict() for change in found if change.level == "breaking"]
    rules = {change.rule for change in found}
    if case["test"] in WAIVED:
        assert breaking
        return
    if case["expects_none"]:
        assert breaking == []
    expected = set(case["expected_ids"]) - COMMENTS - NOT_EXPECTED.get(case["test"], set())
    assert expected <= rules
    assert NOT_EXPECTED.get(case["test"], set()).isdisjoint(rules)
    for level in case["expected_levels"]:
        assert LEVELS[level] in {change.level for change in found if change.rule in expected}
    if any(REGISTRY.rules[rule].level == "breaking" for rule in expected):
        assert breaking
    for change in found:
        assert change.text


@needs_cases
def test_waivers_are_few_and_written_down() -> None:
    assert len(WAIVED) <= 10
    page = (Path(__file__).resolve().parents[3] / "docs" / "diff.md").read_text()
    for reason in WAIVED.values():
        assert reason in " ".join(page.split())


@needs_cases
def test_identical_files_are_told_apart_by_the_change_made_here() -> None:
    same = {case.values[0]["test"] for case in cases() if case.values[0]["base"] == case.values[0]["revision"]}
    assert same - {"TestBreaking_Same"} == MADE_HERE.keys()
