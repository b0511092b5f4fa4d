"""A message against the plan of its operation: every violation, and what could not be checked.

Requests: unknown query parameters and a body the document does not have are violations of level ``error``; an API key
the security schemes put into the query is allowed, and so is any name where a free-form object is spread into the query.
Headers and cookies the document does not have are not judged. Credentials are not judged either (see ``credentials``).
Responses: never a reason to stop anything; format failures are warnings, because real services ignore formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from specs.decode import ParameterDecoder, Problem, decode_fields, decode_parts, is_ambiguous
from specs.explain import Explainer, Place, component_pointer, named
from specs.media import (
    JSON_CHARSETS,
    Malformed,
    MediaType,
    best_match,
    decode_text,
    deeper_than,
    header_values,
    load_json,
    load_multipart,
    load_urlencoded,
    parse_media_type,
)
from specs.schema import compile_schema
from specs.schema.convert import escape
from specs.violations import Level, Location, Verdict, Violation

MAXIMUM_VIOLATIONS = 25
RESPONSE_LIMIT = 5_000_000
EXPLAIN_DEPTH = 10
FORM = "application/x-www-form-urlencoded"
FORM_FAMILY = frozenset({FORM, "multipart/form-data", "multipart/mixed", "multipart/related"})
__all__ = ["MAXIMUM_VIOLATIONS", "RESPONSE_LIMIT", "OperationValidator", "Verdict", "Violation"]


UNPLANNED = "the operation could not be planned"
NOTHING_PLANNED: Mapping[str, Any] = {
    "method": "",
    "parameters": {"list": [], "check": None},
    "query": {"also": []},
    "body": None,
    "responses": {},
    "unchecked": {"request": [UNPLANNED], "response": [UNPLANNED]},
}


class OperationValidator:
    """Checks the messages of one operation. Thread-safe; schemas are compiled when first needed and kept.

    With an empty plan (the operation could not be planned) every message is ``unchecked``, and says so.
    """

    def __init__(self, plan: Mapping[str, Any], load_document: Callable[[str], bytes], load_bundle: Callable[[str], bytes]) -> None:
        self._plan = plan = plan or NOTHING_PLANNED
        self._load_document = load_document
        self._load_bundle = load_bundle
        self._compiled: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._decoder = ParameterDecoder(plan["parameters"]["list"], also_query=plan["query"]["also"])
        self._required = [(entry["in"], entry["name"], entry["at"]) for entry in plan["parameters"]["list"] if entry.get("required")]
        self._places = {(entry["in"], entry["name"]): entry["at"] for entry in plan["parameters"]["list"]}
        self._cookies = any(entry["in"] == "cookie" for entry in plan["parameters"]["list"])

    # requests

    def request(self, *, path_parameters: Mapping[str, str], query: str, headers: Sequence[tuple[str, str]], body: bytes) -> Verdict:
        """Judge a request. Path parameters and query are raw (percent-encoded); the query has no leading ``?``."""
        verdict = Verdict(notes=[f"Not checked: {text}." for text in self._plan["unchecked"]["request"]])
        if self._plan is NOTHING_PLANNED:
            return _settled(verdict, unchecked=True)
        self._parameters(verdict, path_parameters, query, headers)
        self._request_body(verdict, headers, body)
        return _settled(verdict, unchecked=bool(verdict.notes))

    def _parameters(self, verdict: Verdict, path: Mapping[str, str], query: str, headers: Sequence[tuple[str, str]]) -> None:
        lowered: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            lowered[key] = f"{lowered[key]}, {value}" if key in lowered else value
        cookies = _cookies(lowered.get("cookie", "")) if self._cookies else {}
        check = self._plan["parameters"]["check"]
        decoded = self._decoder.decode(path, query, lowered, cookies)
        violations = self._judge(check, decoded.values, None, verdict, decoded.problems)
        if violations and self._decoder.ambiguous:
            again = self._decoder.decode(path, query, lowered, cookies, prefer_text=True)
            if not self._judge(check, again.values, None, verdict, again.problems):
                violations = []
        verdict.violations += violations

    def _request_body(self, verdict: Verdict, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        plan = self._plan["body"]
        if not body:
            if plan and plan["required"]:
                verdict.violations.append(Violation("body", "", "required", "the body is required", "a body", "nothing"))
            return
        if plan is None:
            message = "the document describes no body for this operation, but one was sent"
            verdict.violations.append(Violation("body", "", "unknown", message, "no body", "a body"))
            return
        types = header_values(headers, "content-type")
        media = parse_media_type(types[0]) if len(types) == 1 else None
        key = best_match(plan["content"], media.essence) if media else None
        if media is None or key is None:
            verdict.violations.append(_media_violation(plan["content"], types, media))
            return
        self._body(verdict, plan["content"][key], media, body, response=False)

    # responses

    def response(self, *, status: int, headers: Sequence[tuple[str, str]], body: bytes, truncated: bool = False) -> Verdict:
        """Judge a response. ``truncated``: the body was cut, so it is not judged."""
        verdict = Verdict()
        responses = self._plan["responses"]
        plan = responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses.get("default")
        if self._plan is NOTHING_PLANNED:
            return Verdict("unchecked", notes=[f"Not checked: {UNPLANNED}."])
        if plan is None:
            expected = ", ".join(responses) or "none"
            message = f"status {status} is not in the document (it has {expected})"
            verdict.violations.append(Violation("status", "", "status", message, expected, str(status)))
            return _settled(verdict, unchecked=False)
        if plan.get("unchecked"):
            return Verdict("unchecked", notes=[f"Not checked: {text}." for text in plan["unchecked"]])
        unchecked = False
        if "headers" in plan:
            self._response_headers(verdict, plan["headers"], headers)
        if not (self._plan["method"] == "HEAD" or status < 200 or status in {204, 304}):
            unchecked = self._response_body(verdict, plan["content"], headers, body, truncated)
        return _settled(verdict, unchecked=unchecked or bool(verdict.notes))

    def _response_headers(self, verdict: Verdict, plan: Mapping[str, Any], headers: Sequence[tuple[str, str]]) -> None:
        decoder = ParameterDecoder(plan["list"])
        lowered: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            lowered[key] = f"{lowered[key]}, {value}" if key in lowered else value
        decoded = decoder.decode({}, "", lowered, {})
        places = {("header", entry["name"]): entry["at"] for entry in plan["list"]}
        verdict.violations += self._judge(plan["check"], decoded.values, None, verdict, decoded.problems, places=places, lenient=True)

    def _response_body(
        self, verdict: Verdict, content: Mapping[str, Any], headers: Sequence[tuple[str, str]], body: bytes, truncated: bool
    ) -> bool:
        """True when the body could not be judged."""
        if not content:
            if body:
                verdict.notes.append("The document describes no body for this status, so the body was not checked.")
            return bool(body)
        encodings = [value for value in header_values(headers, "content-encoding") if value.strip().lower() != "identity"]
        reason = (
            "was cut off"
            if truncated
            else f"is larger than {RESPONSE_LIMIT} bytes"
            if len(body) > RESPONSE_LIMIT
            else "is encoded"
            if encodings
            else ""
        )
        if reason:
            verdict.notes.append(f"The body {reason} and was not checked.")
            return True
        types = header_values(headers, "content-type")
        media = parse_media_type(types[0]) if types else None
        key = best_match(content, media.essence) if media else None
        if media is None or key is None:
            verdict.violations.append(_media_violation(content, types, media))
            return False
        return self._body(verdict, content[key], media, body, response=True)

    # bodies

    def _body(self, verdict: Verdict, plan: Mapping[str, Any], media: MediaType, body: bytes, *, response: bool) -> bool:
        """True when the body could not be judged against its schema."""
        check = plan.get("check")
        if response:
            verdict.notes += [f"Not checked: {text}." for text in plan.get("unchecked", ())]
        try:
            if media.is_json:
                if media.charset not in JSON_CHARSETS:
                    raise Malformed(f"JSON is UTF-8, not `{media.charset[:40]}`")
                value = load_json(body, strict=not response)
            elif not response and media.essence in FORM_FAMILY:
                self._form(verdict, plan, media, body)
                return False
            elif media.essence.startswith("text/"):
                value = decode_text(body, media.charset)
                if (plan.get("shape") or {}).get("types") == ["object"]:
                    check = None
            else:
                return self._opaque(verdict, plan, media)
        except Malformed as error:
            verdict.malformed = True
            verdict.violations.append(Violation("body", "", "malformed", error.sentence(), media.essence, ""))
            return False
        if check is not None:
            verdict.violations += self._judge(check, value, "body", verdict, [], lenient=response)
        return False

    @staticmethod
    def _opaque(verdict: Verdict, plan: Mapping[str, Any], media: MediaType) -> bool:
        """Bytes the portal cannot read: nothing to judge when the schema only says text or binary."""
        types = set((plan.get("shape") or {}).get("types", ()))
        if "check" not in plan or not types - {"string", "null"}:
            return False
        verdict.notes.append(f"A body of {media.essence} is not checked against its schema.")
        return True

    def _form(self, verdict: Verdict, plan: Mapping[str, Any], media: MediaType, body: bytes) -> None:
        shape, encoding = plan.get("shape"), plan.get("encoding", {})
        if media.essence == FORM:
            pairs = load_urlencoded(body)
            declared = {*((shape or {}).get("properties") or {}), *encoding}
            if b"=" not in body and declared and not any(name.partition("[")[0] in declared for name, _ in pairs):
                message = "the body is not a form: it has no `name=value` and names no field of the document"
                verdict.violations.append(Violation("body", "", "form", message, "name=value", ""))
                return
            decode = partial(decode_fields, pairs, shape, encoding)
        else:
            decode = partial(decode_parts, load_multipart(body, media), shape, encoding)
        violations = self._judge(plan.get("check"), decode(), "body", verdict, [])
        if violations and is_ambiguous(shape) and not self._judge(plan["check"], decode(prefer_text=True), "body", verdict, []):
            return
        verdict.violations += violations

    # judging

    def _validator(self, check: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
        known = self._compiled.get(check["schema"])
        if known is None:
            mode = check.get("bundle", "")
            bundle = self._load_bundle(mode) if mode else None
            known = compile_schema(self._load_document(check["schema"]), mode=mode, bundle=bundle)
            self._compiled[check["schema"]] = known
        return known

    def _judge(
        self,
        check: Mapping[str, Any] | None,
        value: Any,
        location: Location | None,
        verdict: Verdict,
        problems: Sequence[Problem],
        *,
        places: Mapping[tuple[str, str], str] | None = None,
        lenient: bool = False,
    ) -> list[Violation]:
        found = [_problem_violation(problem) for problem in problems]
        if check is None:
            return found
        if check.get("depth") and deeper_than(value, check["depth"]):
            verdict.notes.append(
                f"A value nested deeper than {check['depth']} levels was not checked: its schema would take too much work."
            )
            return found
        validator = self._validator(check)
        if validator.is_valid(value):
            return found
        if "depth" in check and deeper_than(value, EXPLAIN_DEPTH):
            # Explaining keeps every failed alternative of every level: it costs far more than checking.
            message = "the value does not match the document, and is nested too deep to say where"
            return [*found, Violation(location or "query", "", "depth", message, f"at most {EXPLAIN_DEPTH} levels", "more")]
        level: Level = "warning" if lenient else "error"
        place = Place(location, check["at"], places or self._places, lambda name: self._definition_pointer(check, name))
        explainer = Explainer(place, format_level=level)
        # A parameter that could not be decoded is missing from the value: say it once.
        undecoded = {(problem.location, f"/{escape(problem.name)}") for problem in problems}
        for error in islice(validator.iter_errors(value), MAXIMUM_VIOLATIONS + 1):
            found += [one for one in explainer.violations(error) if (one.location, one.pointer) not in undecoded]
        verdict.notes += explainer.notes
        if len(found) > MAXIMUM_VIOLATIONS:
            verdict.notes.append(f"Only the first {MAXIMUM_VIOLATIONS} findings are listed.")
        return found[:MAXIMUM_VIOLATIONS]

    def _definition_pointer(self, check: Mapping[str, Any], name: str) -> str:
        if not name.startswith("at-"):
            return component_pointer(name)
        mode = check.get("bundle")
        text = self._load_bundle(mode) if mode else self._load_document(check["schema"])
        return str(orjson.loads(text).get("$defs", {}).get(name, {}).get("$comment", ""))


def _settled(verdict: Verdict, *, unchecked: bool) -> Verdict:
    if any(violation.level == "error" for violation in verdict.violations):
        verdict.state = "invalid"
    elif unchecked:
        verdict.state = "unchecked"
    return verdict


def _cookies(header: str) -> dict[str, str]:
    pairs = (piece.strip().partition("=") for piece in header.split(";"))
    return {name: value.strip('"') for name, equals, value in pairs if equals}


def _problem_violation(problem: Problem) -> Violation:
    pointer = f"/{escape(problem.name)}" if problem.name else ""
    return Violation(problem.location, pointer, problem.keyword, f"{named(problem.location, pointer)} {problem.reason}")  # type: ignore[arg-type]


def _media_violation(content: Mapping[str, Any], types: Sequence[str], media: MediaType | None) -> Violation:
    expected = ", ".join(content) or "no body"
    if media is not None:
        message = f"the content type {media.essence[:80]} is not in the document (it has {expected})"
    elif not types:
        message = f"the content type is missing (the document has {expected})"
    else:
        message = "the content type cannot be read" if len(types) == 1 else "there is more than one content type"
    return Violation("body", "", "contentType", message, expected, media.essence[:80] if media else "")
