"""A second opinion on documents: openapi-spec-validator. For tests and ``specs check --cross-check``, never in a sync.

It takes 200 to 2,000 times as long as our own check, follows what it should not and crashes on legal input, so it only
ever sees small documents without any reference or identifier that could make it reach out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import orjson
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator, OpenAPIV31SpecValidator, OpenAPIV32SpecValidator

from specs.check.standard import version_of
from specs.findings import Finding
from specs.targets import has_external

MAX_BYTES = 300_000
MAX_PROBLEMS = 50
_VALIDATORS = {
    "2.0": OpenAPIV2SpecValidator,
    "3.0": OpenAPIV30SpecValidator,
    "3.1": OpenAPIV31SpecValidator,
    "3.2": OpenAPIV32SpecValidator,
}
_REACHING = ("$id", "$schema", "$self", "jsonSchemaDialect", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class Opinion:
    """``skipped``: not asked, ``problems`` says why. ``crashed``: it did not survive the document."""

    state: Literal["valid", "invalid", "crashed", "skipped"]
    problems: list[str] = field(default_factory=list)


def ask(document: dict[str, Any]) -> Opinion:
    """What openapi-spec-validator says of a bundled document (internal references only)."""
    size = len(orjson.dumps(document))
    if size > MAX_BYTES:
        return Opinion("skipped", [f"the document has {size:,} bytes, more than {MAX_BYTES:,}"])
    if has_external(document) or _has_reaching(document):
        return Opinion("skipped", ["the document holds references or identifiers that could make it reach out"])
    validator = _VALIDATORS[version_of(document)](document)
    try:
        problems = [str(error.message)[:300] for error in islice(validator.iter_errors(), MAX_PROBLEMS)]
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return Opinion("crashed", [type(error).__name__])
    return Opinion("invalid" if problems else "valid", problems)


def _has_reaching(value: Any) -> bool:
    stack = [value]
    while stack:
        parent = stack.pop()
        if isinstance(parent, dict):
            if any(isinstance(parent.get(name), str) for name in _REACHING):
                return True
            stack.extend(parent.values())
        elif isinstance(parent, list):
            stack.extend(parent)
    return False


def second_opinion(source: bytes, ours: Sequence[Finding]) -> list[Finding]:
    """Where openapi-spec-validator and our errors do not agree on whether the document is valid; ``source`` is JSON."""
    opinion = ask(orjson.loads(source))
    errors = [finding for finding in ours if finding.level == "error"]
    if opinion.state in ("skipped", "crashed"):
        told = "was not asked" if opinion.state == "skipped" else "failed"
        return [Finding("second-opinion", "info", f"openapi-spec-validator {told}: {opinion.problems[0]}.")]
    if opinion.state == "valid" and errors:
        return [Finding("second-opinion", "info", f"openapi-spec-validator finds nothing, where {len(errors)} errors were found here.")]
    if opinion.state == "invalid" and not errors:
        return [Finding("second-opinion", "warning", f"openapi-spec-validator: {problem}") for problem in opinion.problems]
    return []
