"""The last steps of a call: read the answer enough to check it, and write what goes back."""

from __future__ import annotations

import zlib

from django.conf import settings

from gateway.exchange import Exchange
from gateway.fields import Fields, answer_fields
from upstream.messages import Answer

_NO_BODY = frozenset({204, 304})
_LIMITS = frozenset({"ratelimit", "ratelimit-policy"})


def check_answer(exchange: Exchange) -> None:
    """Compare the answer with the document. It is reported and never blocks: a fifth of a large vendor's own examples do not match."""
    answer, operation = exchange.answer, exchange.operation
    if answer is None or operation is None:
        raise ValueError("the answer comes first")
    body, readable = readable_body(answer)
    truncated = answer.truncated
    if not readable:
        exchange.answer_notes.append("The answer's body could not be decoded, so it was not checked.")
        truncated = True
    headers = [(name, value) for name, value in answer.headers if name.lower() != "content-encoding"]
    exchange.response_verdict = operation.validator.response(status=answer.status, headers=headers, body=body, truncated=truncated)


def readable_body(answer: Answer) -> tuple[bytes, bool]:
    """The body without its coding, at most the response cap; False when it cannot be had whole (unknown or several codings, cut, too large)."""
    codings = [part.strip().lower() for name, value in answer.headers if name.lower() == "content-encoding" for part in value.split(",")]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if not codings or not answer.body:
        return answer.body, True
    if codings not in (["gzip"], ["x-gzip"], ["deflate"]) or answer.truncated:
        return b"", False
    # 47: a gzip or a zlib header, whichever is there. The bound makes a small body that unpacks to gigabytes harmless.
    unpacking = zlib.decompressobj(wbits=47)
    try:
        body = unpacking.decompress(answer.body, settings.RESPONSE_BODY_LIMIT)
    except zlib.error:
        return b"", False
    # What follows the first member is read by some clients and not by others: it is not judged.
    return (body, True) if unpacking.eof and not unpacking.unused_data else (b"", False)


def answer_headers(exchange: Exchange) -> Fields:
    """The header fields of an upstream answer as the caller gets them."""
    answer = exchange.answer
    if answer is None:
        raise ValueError("the answer comes first")
    if exchange.answer_fields is not None:
        return exchange.answer_fields
    kept, exchange.stopped = answer_fields(answer.headers)
    present = {name for name, _ in kept}
    own = [
        ("x-portal-origin", "upstream"),
        ("x-portal-request", exchange.request_verdict.state if exchange.request_verdict else "unchecked"),
        ("x-portal-response", exchange.response_verdict.state if exchange.response_verdict else "unchecked"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ]
    if exchange.mocked:
        own.append(("x-portal-mock", "true"))
    if answer.truncated:
        own.append(("x-portal-truncated", str(len(answer.body))))
    # Where the platform states limits of its own, the developer sees those, all of them; the portal's are at /api/v1/quota.
    if present & _LIMITS:
        present |= _LIMITS
    own.extend((name, value) for name, value in exchange.portal_headers() if name not in present)
    exchange.answer_fields = [*kept, *own]
    return exchange.answer_fields


def head_length(exchange: Exchange) -> Fields:
    """``Content-Length`` of an answer to HEAD: what the other side says a GET would carry (RFC 9110 §8.6); none when it does not say."""
    answer = exchange.answer
    if answer is None or answer.status in _NO_BODY:
        return []
    stated = str(len(answer.body)) if exchange.mocked else answer.header("content-length")
    return [("content-length", stated)] if stated.isascii() and stated.isdigit() else []


def answer_body(exchange: Exchange) -> bytes:
    """The body as it came; none where HTTP allows none."""
    answer = exchange.answer
    if answer is None or answer.status in _NO_BODY or exchange.head.method == "HEAD":
        return b""
    return answer.body
