"""The second opinion, and where it and we agree on real small documents."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from specs.reference import MAX_BYTES, ask, second_opinion
from tests.specs.documents import compiled, openapi, operation
from tests.specs.real import REAL, REFUSED, compile_real, needs_documents


def test_a_sound_document_is_valid_to_both() -> None:
    document = openapi(paths={"/a": {"get": operation()}})
    assert ask(document).state == "valid"
    assert second_opinion(orjson.dumps(document), compiled(document).findings) == []


def test_an_unsound_document_is_invalid_to_both() -> None:
    document = openapi(paths={"/a/{id}": {"get": operation()}})
    assert ask(document).state == "invalid"
    assert second_opinion(orjson.dumps(document), compiled(document).findings) == []


@pytest.mark.parametrize(
    "members",
    [
        {"components": {"schemas": {"A": {"$ref": "http://127.0.0.1:9/x"}}}},
        {"components": {"schemas": {"A": {"$schema": "http://127.0.0.1:9/x"}}}},
        {"x-large": "a" * MAX_BYTES},
    ],
)
def test_it_is_not_asked_about_what_could_make_it_reach_out_or_take_long(members: dict[str, Any]) -> None:
    opinion = ask(openapi("3.1.0", **members))
    assert opinion.state == "skipped"
    assert opinion.problems


def test_a_crash_of_it_is_said_and_is_no_verdict() -> None:
    document = openapi(paths={"x-scalar": 5})
    opinion = ask(document)
    assert opinion.state == "crashed"
    (finding,) = second_opinion(orjson.dumps(document), [])
    assert (finding.rule, finding.level) == ("second-opinion", "info")


@needs_documents
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, size in REAL.items() if 0 < size < MAX_BYTES and name not in REFUSED])
def test_verdicts_agree_on_real_small_documents(name: str) -> None:
    document = compile_real(name)
    opinion = ask(orjson.loads(document.source))
    if opinion.state in ("skipped", "crashed"):
        pytest.skip(f"the other side {opinion.state}: {opinion.problems[0]}")
    ours = "invalid" if any(finding.level == "error" for finding in document.findings) else "valid"
    assert (ours, opinion.problems if ours == "valid" else []) == (opinion.state, [])
