"""Lint rules: each seen to fire and seen to be silent, their levels, and the file that sets them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from specs.check.rules import RULES
from specs.compiler import compile_document
from specs.errors import DocumentRefused
from specs.findings import Finding
from specs.lint import MAX_PER_RULE
from specs.lint.configuration import ConfigurationWrong, read_configuration
from specs.lint.examples import Judge, examples_of
from specs.lint.registry import LINT_RULES
from specs.lint.view import Setting, View
from tests.specs.documents import openapi, reader
from tests.specs.lint_cases import CASES, EXEMPLARY
from tests.specs.real import DOCUMENTS, needs_documents
from tests.specs.test_robustness import broken_documents

DOCS = Path(__file__).resolve().parents[2] / "docs" / "lint.md"


def linted(document: dict[str, Any], levels: dict[str, Setting] | None = None) -> list[Finding]:
    return compile_document(reader({"openapi.json": document}), "openapi.json", lint_levels=levels or {}).findings


def changed(change: Callable[[dict[str, Any]], Any], version: str = "3.0.3") -> dict[str, Any]:
    document = {**copy.deepcopy(EXEMPLARY), "openapi": version}
    change(document)
    return document


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_an_exemplary_document_has_no_findings(version: str) -> None:
    assert [one.sentence() for one in linted({**EXEMPLARY, "openapi": version})] == []


def test_every_rule_has_a_case() -> None:
    assert [rule.id for rule in LINT_RULES] == list(CASES)
    assert len(CASES) >= 40


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_fires_at_its_place_and_only_there(rule: str) -> None:
    case = CASES[rule]
    firing = [one for one in linted(changed(case.fires, case.version)) if one.rule == rule]
    assert [one.pointer for one in firing] == [case.pointer]
    assert all(one.line and one.column and one.file == "openapi.json" for one in firing)
    silent = [one for one in linted(changed(case.silent, case.version)) if one.rule == rule]
    assert silent == []


def test_ids_are_distinct_and_levels_never_fail_a_document() -> None:
    ids = [rule.id for rule in LINT_RULES]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & set(RULES)
    assert {rule.level for rule in LINT_RULES} == {"warning", "info"}


def test_a_document_is_compiled_to_the_same_with_and_without_lint() -> None:
    plain = compile_document(reader({"openapi.json": openapi()}), "openapi.json")
    rich = compile_document(reader({"openapi.json": openapi()}), "openapi.json", lint_levels={})
    assert plain.findings == []
    assert rich.findings
    rich.findings = []
    assert rich == plain


def test_levels_are_set_and_rules_turned_off() -> None:
    document = changed(lambda one: one["info"].pop("contact"))
    assert [one.level for one in linted(document)] == ["warning"]
    assert [one.level for one in linted(document, {"info-contact": "error"})] == ["error"]
    assert linted(document, {"info-contact": "off"}) == []


def test_what_is_found_too_often_is_counted() -> None:
    def many(document: dict[str, Any]) -> None:
        schemas = {f"S{number}": {"type": "string", "title": "s", "enum": [1]} for number in range(MAX_PER_RULE + 7)}
        document["components"]["schemas"].update(schemas)

    found = [one for one in linted(changed(many), {"component-unused": "off"}) if one.rule == "schema-enum-type"]
    assert len(found) == MAX_PER_RULE + 1
    assert found[0].text == "The values of an enum are of its type: 7 more places are not listed."


def test_a_swagger_document_is_linted_where_it_was_written() -> None:
    document = {
        "swagger": "2.0", "info": {"title": "t", "version": "1"}, "host": "localhost", "schemes": ["http"],
        "paths": {"/a": {"get": {"responses": {"200": {"description": ""}}}}}, "definitions": {"A": {"type": "object", "example": 5}},
    }  # fmt: skip
    found = {(one.rule, one.pointer) for one in linted(document)}
    assert {
        ("server-placeholder", "/host"), ("component-unused", "/definitions/A"), ("example-invalid", "/definitions/A/example"),
        ("response-description", "/paths/~1a/get/responses/200"),
    } <= found  # fmt: skip


def test_a_configuration_sets_levels() -> None:
    text = b"rules:\n  info-contact: off\n  tag-unused: error\n  path-style: warning\n"
    assert read_configuration(text, ".portal-lint.yaml") == {"info-contact": "off", "tag-unused": "error", "path-style": "warning"}
    assert read_configuration(b'{"rules": {"info-contact": false}}', "a.json") == {"info-contact": "off"}
    assert read_configuration(b"rules: {}\n", "a.yaml") == {}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("rules:\n  info-contacts: off\n", 2, "Did you mean 'info-contact'?"),
        ("rules:\n  standard: off\n", 2, "what the check finds cannot be re-levelled"),
        ("rules:\n  zzz: off\n", 2, "specs rules lint lists them"),
        ("rules:\n  info-contact: loud\n", 2, "'loud' is no level: off, info, warning, error"),
        ("rules: [info-contact]\n", 1, "rules is an object"),
        ("rule: {}\n", 1, "There is no setting 'rule'"),
        ("- rules\n", 1, "an object with one member"),
    ],
)
def test_a_wrong_configuration_says_where_and_what_was_meant(text: str, line: int, told: str) -> None:
    with pytest.raises(ConfigurationWrong) as caught:
        read_configuration(text.encode(), ".portal-lint.yaml")
    assert [one.line for one in caught.value.findings] == [line]
    assert told in str(caught.value)


def test_a_configuration_that_cannot_be_read_is_refused_with_its_line() -> None:
    with pytest.raises(DocumentRefused) as caught:
        read_configuration(b"rules: {}\nrules: {}\n", ".portal-lint.yaml")
    assert (caught.value.findings[0].rule, caught.value.findings[0].line) == ("duplicate-key", 2)
    with pytest.raises(ConfigurationWrong, match="65,536 bytes"):
        read_configuration(b"#" * 70_000, ".portal-lint.yaml")


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(broken_documents())
def test_broken_documents_are_linted_without_harm(document: dict[str, Any]) -> None:
    try:
        found = compile_document(reader({"a.file": document, "b.yaml": "x: {type: string}\n"}), "a.file", lint_levels={}).findings
    except DocumentRefused:
        return
    assert all(one.line and one.column and one.file for one in found)


@needs_documents
@pytest.mark.slow
def test_the_examples_of_github_are_judged_as_its_answers_are() -> None:
    """1,018 examples of answers, 214 of which fit neither as an answer nor as a request."""
    document = orjson.loads((DOCUMENTS / "github-api-23.0.2.json").read_bytes())
    shown = [
        one for one in examples_of(View(document, "3.0", set())) if one.mode == "response" and one.schema_tokens[-3:-2] == ("content",)
    ]
    assert len(shown) == 1018
    assert len(list(Judge(document).judge(shown, "The example"))) == 214


def test_the_documentation_lists_every_rule() -> None:
    text = DOCS.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{rule.id}` | {rule.level} | {rule.area} | {rule.summary} |" for rule in LINT_RULES]
