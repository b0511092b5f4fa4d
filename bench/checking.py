"""Time to check one message: our compiled plan against openapi-core on the same document, warm and cold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from specs.compiler import CompiledDocument
from specs.sandbox import compile_in_child
from specs.validate import OperationValidator

ISSUE_PATH = "/repos/{owner}/{repo}/issues"
PARAMETERS = {"owner": "octocat", "repo": "hello-world"}
ISSUE = json.dumps({"title": "Found a bug", "body": "Steps to follow.", "labels": ["bug"], "assignees": ["octocat"]}).encode()
# The document itself is not checked: on this one that alone takes minutes.
UNCHECKED = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # None is how it is switched off
JSON = [("content-type", "application/json")]


@dataclass(frozen=True, slots=True)
class Checked:
    """Milliseconds one message takes: the median when warm, the first one when cold."""

    what: str
    ours_warm: float
    ours_cold: float
    theirs_warm: float
    theirs_cold: float


def timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def warm(call: Callable[[], Any], *, seconds: float) -> float:
    """The median of calls made for ``seconds``, at least five."""
    samples: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(samples) < 5:
        samples.append(timed(call))
    return median(samples)


def validator(document: CompiledDocument, key: str) -> OperationValidator:
    """What the gateway keeps for an operation."""
    (operation,) = [one for one in document.operations if one.key == key]
    return OperationValidator(operation.plan, document.documents.__getitem__, document.bundle.__getitem__)


def measure(path: Path, answer: bytes, *, seconds: float) -> list[Checked]:
    """Check the request that creates an issue, and ``answer``, the large list of issues."""
    data = path.read_bytes()
    document = compile_in_child(lambda name: data if name == path.name else None, path.name)
    create, listing = ("issues-create", "issues-list-for-repo")

    def our_request(checker: OperationValidator) -> None:
        verdict = checker.request(path_parameters=PARAMETERS, query="", headers=JSON, body=ISSUE)
        assert verdict.state == "valid", verdict

    def our_response(checker: OperationValidator) -> None:
        verdict = checker.response(status=200, headers=JSON, body=answer)
        assert verdict.state == "valid", verdict

    request = MockRequest(
        "https://api.github.com", "post", "/repos/octocat/hello-world/issues", path_pattern=ISSUE_PATH, view_args=PARAMETERS, data=ISSUE
    )
    listed = MockRequest(
        "https://api.github.com", "get", "/repos/octocat/hello-world/issues", path_pattern=ISSUE_PATH, view_args=PARAMETERS
    )
    response = MockResponse(answer, status_code=200, content_type="application/json")
    loaded = json.loads(data)

    def fresh() -> OpenAPI:
        return OpenAPI.from_dict(loaded, config=UNCHECKED)

    measured: list[Checked] = []
    for what, key, ours, theirs in (
        ("POST issue, the request", create, our_request, partial(their_request, request)),
        ("GET issues, the answer", listing, our_response, partial(their_response, listed, response)),
    ):
        our_cold = timed(lambda: ours(validator(document, key)))  # noqa: B023  (called at once)
        kept = validator(document, key)
        their_cold = timed(lambda: theirs(fresh()))  # noqa: B023  (called at once)
        api = fresh()
        theirs(api)
        measured.append(
            Checked(what, warm(partial(ours, kept), seconds=seconds), our_cold, warm(partial(theirs, api), seconds=seconds), their_cold)
        )
    return measured


def their_request(request: MockRequest, api: OpenAPI) -> None:
    api.validate_request(request)


def their_response(request: MockRequest, response: MockResponse, api: OpenAPI) -> None:
    api.validate_response(request, response)
