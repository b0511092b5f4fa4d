"""Every real document, compiled as a sync would: what is published, with how many findings, in what bounds."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
import yaml_rs

from specs.command import tree_reader
from specs.compiler import CompiledDocument
from specs.errors import DocumentRefused
from specs.route import Router
from specs.sandbox import Limits, compile_in_child
from specs.validate import OperationValidator
from specs.yaml_text import read_yaml
from tests.specs.documents import rules
from tests.specs.real import DOCUMENTS, REAL, REFUSED, compile_real, needs_documents

pytestmark = needs_documents

# name: (operations, webhooks, errors, warnings). Operations are the counts published with the documents;
# where a document is said to be valid there are no errors, the unsound ones are published with theirs.
EXPECTED = {
    "amazon-connect.json": (197, 0, 0, 10),
    "awkward-circular-tests.yaml": (1, 0, 6, 4),
    "awkward-issue-575-sibling-ref.yaml": (0, 0, 1, 0),
    "awkward-swagger-circular.yaml": (1, 0, 2, 3),
    "awkward-swagger-invalid-recursive.yaml": (1, 0, 0, 0),
    "awkward-yaml-anchor.yaml": (2, 0, 0, 0),
    "burgershop-3.1.yaml": (5, 1, 5, 2),
    "digitalocean-bundled.json": (290, 0, 0, 47),
    "genesys-purecloud-platform-v2-2017-09.json": (841, 0, 19, 19),
    "genesys-purecloud-platform-v2-older.json": (557, 0, 5, 14),
    "github-api-22.0.0.json": (1108, 261, 0, 3),
    "github-api-23.0.2.json": (1223, 270, 0, 2),
    "github-webhooks-12.1.0.json": (0, 261, 0, 0),
    "kubernetes-1.13.json": (1014, 0, 0, 0),
    "oai-3.2-mega.yaml": (1, 1, 0, 0),
    "openai-2.3.0.json": (237, 15, 9, 12),
    "readme-3.0-callbacks.json": (1, 0, 0, 0),
    "readme-3.0-circular-paths.json": (3, 0, 0, 0),
    "readme-3.0-circular-request-bodies.json": (4, 0, 0, 1),
    "readme-3.0-circular.json": (1, 0, 0, 0),
    "readme-3.0-discriminators.json": (10, 0, 0, 0),
    "readme-3.0-parameters-style.json": (25, 0, 0, 2),
    "readme-3.0-polymorphism.json": (13, 0, 0, 0),
    "readme-3.1-train-travel.json": (7, 1, 0, 0),
    "readme-3.1-webhooks.json": (0, 2, 0, 0),
    "slack.json": (174, 0, 0, 0),
    "spotify.json": (88, 0, 0, 0),
    "stripe-2022-04-12.json": (417, 0, 0, 0),
    "stripe-2023-09-07.yaml": (460, 0, 0, 0),
    "twilio-taskrouter-v1.json": (60, 0, 0, 0),
    "multi-digitalocean/specification/DigitalOcean-public.v2.yaml": (659, 0, 0, 0),
    "multi-relative/main.yaml": (4, 0, 0, 1),
    "multi-nested/test_specs/nested_files/openapi.yaml": (3, 0, 6, 0),
}
LARGE = 1_000_000
SIZED = [
    pytest.param(name, marks=pytest.mark.slow) if REAL.get(name, 0) > LARGE or "multi-digitalocean" in name else name for name in EXPECTED
]


def test_every_document_beside_the_repository_is_expected() -> None:
    assert set(REAL) == set(EXPECTED) | REFUSED


@pytest.mark.parametrize("name", SIZED)
def test_is_published_with_its_findings(name: str) -> None:
    document = compile_real(name)
    errors, warnings = (len(rules(document.findings, level)) for level in ("error", "warning"))
    assert (len(document.operations), len(document.webhooks), errors, warnings) == EXPECTED[name]
    assert all(finding.file in document.files and finding.line and finding.column for finding in document.findings)
    assert all(one.line is not None and one.file in document.files for one in document.operations)
    _check_keys_and_router(document)
    _check_schemas_are_there(document)
    _check_plans(document)


def _check_keys_and_router(document: CompiledDocument) -> None:
    keys = [one.key for one in document.operations]
    assert len(set(keys)) == len(keys)
    router = Router.from_json(document.router)
    routed = 0
    for one in document.operations:
        if "?" not in one.path and "#" not in one.path:
            # A literal standing for every parameter may be another, more concrete path; it must lead somewhere all the same.
            match = router.match(one.method.upper(), one.path.replace("{", "0").replace("}", "0"))
            assert match.operation is not None, one.path
            routed += match.operation == one.key
    assert routed >= 0.97 * sum("?" not in one.path and "#" not in one.path for one in document.operations)


_NOT_FOLLOWED = ("example", "examples", "callbacks")


def _check_schemas_are_there(document: CompiledDocument) -> None:
    """Every reference a page can meet leads to a schema that is kept, unless a finding says it dangles."""
    dangling = any(finding.rule.startswith("reference-") for finding in document.findings)
    wanted: set[str] = set()
    stack: list[object] = [one.detail for one in document.operations] + [orjson.loads(schema) for schema in document.schemas.values()]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            target = value.get("$ref")
            if isinstance(target, str) and target.startswith("#/"):
                wanted.add(target)
            stack.extend(member for name, member in value.items() if name not in _NOT_FOLLOWED and not name.startswith("x-"))
        elif isinstance(value, list):
            stack.extend(value)
    assert dangling or wanted <= set(document.schemas)


def _check_plans(document: CompiledDocument) -> None:
    """Every schema document a plan names is there, and every plan makes a validator."""
    named: set[str] = set()
    for one in document.operations:
        stack: list[object] = [one.plan]
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                if isinstance(value.get("schema"), str) and "at" in value:
                    named.add(value["schema"])
                stack.extend(value.values())
            elif isinstance(value, list):
                stack.extend(value)
        OperationValidator(one.plan, document.documents.__getitem__, document.bundle.__getitem__)
    assert named <= set(document.documents)


@pytest.mark.parametrize("name", sorted(REFUSED & set(REAL)))
def test_what_refers_to_another_host_is_refused_at_its_line(name: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        compile_real(name)
    (finding,) = caught.value.findings
    assert (finding.rule, finding.line) == ("reference-outside", 90)


@pytest.mark.slow
def test_the_largest_stays_within_400_mb_and_10_seconds_of_processor() -> None:
    limits = Limits(memory_bytes=400 << 20, cpu_seconds=10)
    document = compile_in_child(tree_reader(DOCUMENTS), "github-api-23.0.2.json", limits=limits)
    assert len(document.operations) == 1223
    assert [one.unchecked for one in document.operations if one.unchecked] == []


@pytest.mark.slow
def test_the_same_document_compiles_to_the_same() -> None:
    first, second = (compile_real("genesys-purecloud-platform-v2-older.json") for _run in range(2))
    assert first == second


# YAML files two readers of YAML 1.2 read differently, and why.
READ_DIFFERENTLY = {
    "awkward-circular-tests.yaml": "openapi: 3.0 is kept as text here",
    "existing_domain.yml": "ends inside a block scalar without a line break: none is added here",
    "mysql_advanced_config.yml": "an integer beyond 64 bits is floating point here",
}


def _as_we_write(value: Any) -> Any:
    """Keys as text and merge keys resolved, which yaml-rs leaves to its callers."""
    if isinstance(value, list):
        return [_as_we_write(item) for item in value]
    if not isinstance(value, dict):
        return value
    merged = value.get("<<")
    own = {name if isinstance(name, str) else json.dumps(name): _as_we_write(item) for name, item in value.items() if name != "<<"}
    for source in merged if isinstance(merged, list) else [merged] if merged else []:
        own = {**_as_we_write(source), **own}
    return own


@pytest.mark.slow
def test_every_real_yaml_file_is_read_as_another_reader_reads_it() -> None:
    files = [path for path in sorted(DOCUMENTS.rglob("*")) if path.suffix in (".yaml", ".yml")]
    assert len(files) > 2900
    differing = []
    for path in files:
        text = path.read_text(encoding="utf-8-sig")
        if read_yaml(text, path.name)[0] != _as_we_write(yaml_rs.loads(text, parse_datetime=False)):
            differing.append(path.name)
    assert sorted(differing) == sorted(READ_DIFFERENTLY)
