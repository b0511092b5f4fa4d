"""Prism's own harness (Apache-2.0), read from outside the project: verdict and status class of each case."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from specs.credentials import missing_credentials
from specs.load import load
from specs.plan import PlanBuilder
from specs.route import METHODS, Router, build_router
from specs.sample import example_response
from specs.schema.convert import resolve_pointer
from specs.upgrade import upgrade
from specs.validate import OperationValidator

CASES = Path(__file__).resolve().parents[3] / "shared" / "data" / "proxy-cases"
BOUNDARY = "boundary-of-the-test"

# The portal means something else here; each line says what.
BY_DESIGN = {
    "proxy/proxy-invalid-request-no.errors.txt": "Without --errors Prism only reports a bad request; the portal never sends one.",
}
# The verdict agrees, the status class does not.
OTHER_STATUS = {
    "proxy/proxy.get-with-body.txt": "Prism cannot send such a request (501); here it does not match the document (422).",
}


def cases() -> list[dict[str, Any]]:
    if not CASES.is_dir():
        return []
    return [case for case in json.loads((CASES / "cases.json").read_text())["cases"] if (CASES / case["file"]).is_file()]


def sections(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("====") and line.rstrip().endswith("===="):
            name = line.strip().strip("=")
            found[name] = ""
        else:
            found[name] += line
    return found


class Curl:
    """The subset of curl's command line the cases use."""

    def __init__(self, command: str) -> None:
        self.method, self.headers, data, parts = "", [], [], []
        words = iter(shlex.split(command)[1:])
        self.url = ""
        for word in words:
            if word in {"-X", "--request"}:
                self.method = next(words)
            elif word in {"-sIXGET", "-IXGET"}:
                self.method = "GET"
            elif word in {"-H", "--header"}:
                name, _, value = next(words).partition(":")
                self.headers.append((name, value.strip()))
            elif word == "--cookie":
                self.headers.append(("Cookie", next(words)))
            elif word in {"--data", "-d"}:
                data.append(next(words))
            elif word == "--data-urlencode":
                name, equals, value = next(words).partition("=")
                data.append(f"{name}={quote(value, safe='')}" if equals else quote(name, safe=""))
            elif word == "-F":
                parts.append(next(words).partition("="))
            elif word in {"-i", "-s", "-I", "--url"}:
                continue
            else:
                self.url = word
        self.body = "&".join(data).encode()
        if parts:
            lines = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, _, value in parts]
            self.body = ("".join(lines) + f"--{BOUNDARY}--\r\n").encode()
            self.headers = [(name, value) for name, value in self.headers if name.lower() != "content-type"]
            self.headers.append(("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"))
        self.method = self.method or ("POST" if self.body else "GET")
        rest = self.url.partition("://")[2]
        self.path, _, self.query = ("/" + rest.partition("/")[2]).partition("?")


class Served:
    """A document as the gateway would serve it, answering from the document itself."""

    def __init__(self, text: str) -> None:
        document = load(text.encode(), "document.yaml").value
        if "swagger" in document:
            document = upgrade(document)[0]
        self.document = document
        keys = {(method, path): f"{method} {path}" for path, item in document["paths"].items() for method in METHODS if method in item}
        self.router = Router.from_json(build_router(document, keys))
        builder = PlanBuilder(document)
        self.plans = {key: orjson.loads(orjson.dumps(builder.operation(path, method)[0])) for (method, path), key in keys.items()}
        builder.finish()
        self.builder = builder

    def answer(self, curl: Curl, *, report_responses: bool) -> int:
        """The status a caller gets."""
        match = self.router.match(curl.method, curl.path)
        if match.operation is None:
            return 405 if match.allowed else 404
        plan = self.plans[match.operation]
        validator = OperationValidator(plan, self.builder.documents.__getitem__, self.builder.bundle.__getitem__)
        verdict = validator.request(path_parameters=match.path_parameters, query=curl.query, headers=curl.headers, body=curl.body)
        if verdict.malformed:
            return 400
        if missing_credentials(plan, query=curl.query, headers=curl.headers):
            return 401
        if verdict.state == "invalid":
            return 422
        method, path = match.operation.split(" ", 1)
        return self._respond(validator, self.document["paths"][path][method], report_responses)

    def _respond(self, validator: OperationValidator, operation: dict[str, Any], report: bool) -> int:
        status, media, value = example_response(operation, lambda pointer: resolve_pointer(self.document, pointer))
        headers: Sequence[tuple[str, str]] = [("Content-Type", media)] if media else []
        body = b"" if not media else orjson.dumps(value) if "json" in media else str(value).encode()
        verdict = validator.response(status=status, headers=headers, body=body)
        return 500 if report and verdict.state == "invalid" else status


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases of Prism's harness are not beside this checkout")
@pytest.mark.parametrize("case", [case for case in cases() if "verdict" in case], ids=lambda case: case["file"])
def test_verdict_and_status_class_agree(case: dict[str, Any]) -> None:
    if case["file"] in BY_DESIGN:
        pytest.skip(BY_DESIGN[case["file"]])
    parts = sections((CASES / case["file"]).read_text())
    status = Served(parts["spec"]).answer(Curl(parts["command"]), report_responses="--errors" in parts["server"])
    assert ("accept" if status < 400 else "reject") == case["verdict"], status
    if case["file"] not in OTHER_STATUS:
        assert status // 100 == case["status"] // 100


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases of Prism's harness are not beside this checkout")
def test_a_response_is_reported_with_every_violation() -> None:
    parts = sections((CASES / "proxy/proxy.validation.httpHeader-truncated.txt").read_text())
    served = Served(parts["spec"])
    validator = OperationValidator(served.plans["get /json"], served.builder.documents.__getitem__, served.builder.bundle.__getitem__)
    verdict = validator.response(status=200, headers=[("Content-Type", "application/json")], body=b"{}")
    assert len(verdict.violations) == 25
    assert "first 25" in verdict.notes[0]


def test_basic_credentials_are_a_user_and_a_password() -> None:
    plan = {"security": [[{"place": "authorization", "name": "basic"}]]}
    good = base64.b64encode(b"user:word").decode()
    assert missing_credentials(plan, query="", headers=[("authorization", f"BASIC {good}")]) == []
    assert missing_credentials(plan, query="", headers=[("authorization", "Basic abc123")])
