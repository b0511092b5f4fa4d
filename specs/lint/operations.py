"""Rules on operations: what a caller must know before the first call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from specs.lint.view import Found, View, outliers
from specs.operations import Operation, as_dict, as_list, as_text, parameters_of, security_of
from specs.shape import Node

_UNSAFE = re.compile(r"[^A-Za-z0-9._~-]")
_SUCCESSOR = re.compile(
    r"\b(use|instead|replace[sd]?|replacement|successor|superseded|migrat\w+|sunset\w*|removed|in favou?r of)\b", re.IGNORECASE
)
_SUNSET = ("x-sunset", "x-sunset-date", "x-deprecated-at", "x-deprecation", "x-replaced-by")
_PAGING = re.compile(r"page|cursor|offset|limit|size|count|after|before|since|marker|token|next|top|skip|start|max", re.IGNORECASE)
MAX_SUMMARY = 120


def operation_summary(_view: View, one: Operation) -> Iterator[Found]:
    if not as_text(one.value.get("summary")).strip() and not as_text(one.item.get("summary")).strip():
        yield Found(one.tokens, "The operation has no summary; lists show its path only.")


def operation_summary_long(_view: View, one: Operation) -> Iterator[Found]:
    if len(as_text(one.value.get("summary"))) > MAX_SUMMARY:
        yield Found((*one.tokens, "summary"), f"The summary has more than {MAX_SUMMARY} characters; details belong in the description.")


def operation_description(_view: View, one: Operation) -> Iterator[Found]:
    if not as_text(one.value.get("description")).strip() and not as_text(one.item.get("description")).strip():
        yield Found(one.tokens, "The operation has no description.")


def operation_id_missing(_view: View, one: Operation) -> Iterator[Found]:
    if not as_text(one.value.get("operationId")).strip():
        yield Found(one.tokens, "The operation has no operationId; its address in the portal changes with its path.")


def operation_id_unsafe(_view: View, one: Operation) -> Iterator[Found]:
    name = as_text(one.value.get("operationId")).strip()
    # Slashes are how several vendors group their ids, and are harmless.
    if name and _UNSAFE.search(name.replace("/", "")):
        yield Found((*one.tokens, "operationId"), "The operationId holds characters that must be escaped in addresses and code.")


def operation_id_style(view: View, _document: Node) -> Iterator[Found]:
    names = [(as_text(one.value.get("operationId")), (*one.tokens, "operationId")) for one in view.operations]
    for _name, style, most, tokens in outliers(names):
        yield Found(tokens, f"The operationId is written in {style}, most of the document in {most}.")


def operation_tags(_view: View, one: Operation) -> Iterator[Found]:
    if not as_list(one.value.get("tags")):
        yield Found(one.tokens, "The operation has no tag, so it stands in no group.")


def operation_tags_repeated(_view: View, one: Operation) -> Iterator[Found]:
    tags = [tag for tag in as_list(one.value.get("tags")) if isinstance(tag, str)]
    if len(set(tags)) != len(tags):
        yield Found((*one.tokens, "tags"), "A tag stands twice.")


def operation_success(view: View, one: Operation) -> Iterator[Found]:
    statuses = [status for status, _response, _tokens in view.responses(one)]
    if not any(status[:1] in "123" or status == "default" for status in statuses):
        yield Found((*one.tokens, "responses"), "No answer of success is described.")


def operation_client_errors(view: View, one: Operation) -> Iterator[Found]:
    statuses = [status for status, _response, _tokens in view.responses(one)]
    if not any(status[:1] == "4" or status == "default" for status in statuses):
        yield Found((*one.tokens, "responses"), "No 4xx answer is described; callers cannot tell what their mistakes look like.")


def operation_unauthorized(view: View, one: Operation) -> Iterator[Found]:
    statuses = {status for status, _response, _tokens in view.responses(one)}
    if any(security_of(view.document, one)) and not statuses & {"401", "403", "4XX", "4xx", "default"}:
        yield Found((*one.tokens, "responses"), "The operation needs credentials, but neither 401 nor 403 is described.")


def operation_rate_limit(view: View, one: Operation) -> Iterator[Found]:
    statuses = {status for status, _response, _tokens in view.responses(one)}
    if not statuses & {"429", "4XX", "4xx", "default"}:
        yield Found(
            (*one.tokens, "responses"), "No 429 answer is described; platforms limit rates, and callers must know how they are told."
        )


def operation_security(view: View, one: Operation) -> Iterator[Found]:
    if "security" not in one.value and "security" not in view.document:
        yield Found(one.tokens, "Neither the operation nor the document says which credentials are needed; security: [] says none are.")


def operation_deprecated(_view: View, one: Operation) -> Iterator[Found]:
    if one.value.get("deprecated") is not True or any(name in one.value for name in (*_SUNSET, "externalDocs")):
        return
    if not _SUCCESSOR.search(f"{as_text(one.value.get('summary'))} {as_text(one.value.get('description'))}"):
        yield Found(one.tokens, "The operation is deprecated without a word on what replaces it, or a date (x-sunset).")


def operation_body_on_get(_view: View, one: Operation) -> Iterator[Found]:
    if one.method in ("get", "head", "delete", "trace") and "requestBody" in one.value:
        yield Found((*one.tokens, "requestBody"), f"{one.method.upper()} has a body; servers, proxies and clients drop it.")


def operation_body_missing(_view: View, one: Operation) -> Iterator[Found]:
    if one.method in ("put", "patch") and "requestBody" not in one.value:
        yield Found(one.tokens, f"{one.method.upper()} has no body; nothing says what is written.")


def operation_body_optional(view: View, one: Operation) -> Iterator[Found]:
    body = view.followed(one.value.get("requestBody"))
    schemas = [view.followed(as_dict(media).get("schema")) for media in as_dict(body.get("content")).values()]
    if body and body.get("required") is not True and any(as_list(schema.get("required")) for schema in schemas):
        yield Found((*one.tokens, "requestBody"), "The body may be left out, but its schema requires members: say required: true.")


def operation_paging(view: View, one: Operation) -> Iterator[Found]:
    if one.method != "get":
        return
    schemas = [
        view.followed(as_dict(media).get("schema"))
        for status, response, _tokens in view.responses(one)
        if status == "200"
        for media in as_dict(response.get("content")).values()
    ]
    if not any(schema.get("type") == "array" and "maxItems" not in schema for schema in schemas):
        return
    names = [as_text(parameter.get("name")) for parameter in parameters_of(view.document, one) if parameter.get("in") == "query"]
    if not any(_PAGING.search(name) for name in names):
        yield Found(one.tokens, "The answer is a list without bound, and no query parameter pages through it.")
