"""Answers of a platform that is not there: made from the document, for environments whose base URL is ``mock:``."""

from __future__ import annotations

import re
import time

import orjson

from catalog.selectors import resolver
from gateway.exchange import Exchange
from specs.sample import example_response
from upstream.messages import Answer

_CODE = re.compile(r"(?:^|[,;\s])code=\"?([1-5][0-9]{2})\"?(?=$|[,;\s])")


def mock_answer(exchange: Exchange) -> Answer:
    """An example answer of the operation: the first success, or the status a ``Prefer: code=404`` asks for (RFC 7240)."""
    operation, published = exchange.operation, exchange.published
    if operation is None or published is None:
        raise ValueError("the operation comes first")
    started = time.perf_counter()
    found = _CODE.search(exchange.head.fields.get("prefer", ""))
    wanted = int(found[1]) if found else None
    document_id = published.document_id
    status, media_type, value = example_response(operation.detail, resolver(document_id), status=wanted)
    body = _written(media_type, value)
    headers = [("content-type", media_type)] if media_type and body else []
    took = (time.perf_counter() - started) * 1000
    return Answer(status=int(status), headers=headers, body=body, truncated=False, connect_ms=0.0, first_byte_ms=took, total_ms=took)


def _written(media_type: str | None, value: object) -> bytes:
    if value is None and not media_type:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and "json" not in (media_type or ""):
        return value.encode()
    return orjson.dumps(value, default=str)
