"""Rules on answers and media types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from specs.lint.view import Found, View
from specs.media import is_json
from specs.operations import Operation, as_dict, as_text
from specs.shape import Node, Tokens


def _headers(response: dict[str, object]) -> set[str]:
    return {name.lower() for name in as_dict(response.get("headers"))}


def response_description(_view: View, response: Node) -> Iterator[Found]:
    value = response.value
    if isinstance(value, dict) and "$ref" not in value and not as_text(value.get("description")).strip():
        yield Found(response.tokens, "The answer is not described.")


def response_created_location(view: View, one: Operation) -> Iterator[Found]:
    for status, response, tokens in view.responses(one):
        if status == "201" and "location" not in _headers(response):
            yield Found(tokens, "201 has no Location header; callers cannot tell where what they made is.")


def response_accepted_progress(view: View, one: Operation) -> Iterator[Found]:
    for status, response, tokens in view.responses(one):
        if status == "202" and not response.get("content") and not _headers(response) & {"location", "operation-location"}:
            yield Found(tokens, "202 has neither a body nor a Location header; callers cannot follow what was accepted.")


def response_no_content_body(view: View, one: Operation) -> Iterator[Found]:
    for status, response, tokens in view.responses(one):
        if status in ("204", "205", "304") and as_dict(response.get("content")):
            yield Found((*tokens, "content"), f"{status} has no body (RFC 9110), but one is described.")


def response_success_body(view: View, one: Operation) -> Iterator[Found]:
    if one.method != "get":
        return
    for status, response, tokens in view.responses(one):
        if status == "200" and not as_dict(response.get("content")):
            yield Found(tokens, "GET answers 200 without a body; nothing says what comes back.")


def response_error_body(view: View, one: Operation) -> Iterator[Found]:
    for status, response, tokens in view.responses(one):
        if status[:1] in "45" and not as_dict(response.get("content")):
            yield Found(tokens, f"The answer {status} has no body; callers cannot tell what was wrong.")


def response_error_media_type(view: View, _document: Node) -> Iterator[Found]:
    used: list[tuple[str, Tokens]] = []
    for one in view.operations:
        for status, response, tokens in view.responses(one):
            if status[:1] in "45":
                used.extend((name, (*tokens, "content", name)) for name in as_dict(response.get("content")))
    counts = Counter(name.partition(";")[0].strip().lower() for name, _tokens in used)
    if len(counts) < 2:
        return
    (most, _count), *_rest = counts.most_common(1)
    for name, tokens in used:
        if name.partition(";")[0].strip().lower() != most:
            yield Found(tokens, f"This error is {name[:80]}, most errors of the document are {most[:80]}.")


def response_retry_after(view: View, one: Operation) -> Iterator[Found]:
    for status, response, tokens in view.responses(one):
        if status in ("429", "503") and not _headers(response) & {"retry-after", "ratelimit", "ratelimit-reset", "x-ratelimit-reset"}:
            yield Found(tokens, f"{status} has no Retry-After header; callers cannot tell when to try again.")


def header_x_prefix(_view: View, header: Node) -> Iterator[Found]:
    if header.tokens[-2:-1] == ("headers",) and header.tokens[-1].lower().startswith("x-") and "components" not in header.tokens[:1]:
        yield Found(header.tokens, "New headers have no X- prefix (RFC 6648).")


def media_type_schema(_view: View, media: Node) -> Iterator[Found]:
    name = media.tokens[-1].partition(";")[0].strip().lower()
    if is_json(name) and isinstance(media.value, dict) and not {"schema", "itemSchema", "$ref"} & media.value.keys():
        yield Found(media.tokens, "The JSON here has no schema; messages are not checked.")


def media_type_any(_view: View, media: Node) -> Iterator[Found]:
    if media.tokens[-1].startswith("*/*"):
        yield Found(media.tokens, "*/* says nothing of the format: name the media types.")


def media_type_examples(_view: View, media: Node) -> Iterator[Found]:
    if isinstance(media.value, dict) and "example" in media.value and "examples" in media.value:
        yield Found(media.tokens, "example and examples exclude each other.")
