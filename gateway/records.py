"""What is kept of a call: headers masked, bodies redacted before they are cut (P54, P55)."""

from __future__ import annotations

import re
from typing import Any

from audit.actions import Actor
from audit.redaction import redact
from gateway.completion import readable_body
from gateway.exchange import Exchange, findings
from gateway.models import Call
from upstream.masking import mask_headers

KEPT_BYTES = 65_536  # of each body
# Redaction looks a little further than what is kept, so that a secret on the edge is seen whole.
REDACTED_BYTES = KEPT_BYTES + 8_192
MOST_FINDINGS = 100
# Refusals of the door out, after the intent was written and before anything left.
NOT_SENT = frozenset({"circuit_open", "upstream_busy", "url_refused", "header_refused", "method_refused"})
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def actor_of(exchange: Exchange) -> Actor:
    """Who calls; somebody unknown is named by where they come from."""
    if exchange.caller is not None:
        return exchange.caller.actor
    return Actor(name="stranger", remote=exchange.head.remote)


def kept_body(body: bytes) -> str:
    """A body as text for the record: secrets redacted, at most KEPT_BYTES; what is no text is only counted."""
    if not body:
        return ""
    if b"\x00" in body[:1_024]:
        return f"({len(body):,} bytes that are no text)"
    text = redact(body[:REDACTED_BYTES].decode("utf-8", "replace"))
    # Three dots, not an ellipsis: one wide character would make every later step of plain text four times as slow.
    return text if len(text) <= KEPT_BYTES else f"{text[:KEPT_BYTES]}\n... ({len(body):,} bytes in all)"


def storable(value: Any) -> Any:
    """``value`` without the characters PostgreSQL's text and jsonb cannot hold: NUL and lone surrogates, each a replacement character."""
    if isinstance(value, str):
        return value if _is_storable(value) else _NOT_STORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    return value


def _is_storable(text: str) -> bool:
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def request_fields(exchange: Exchange) -> dict[str, Any]:
    """The columns known before anything is sent."""
    fields: dict[str, Any] = storable(_request_fields(exchange))
    return fields


def _request_fields(exchange: Exchange) -> dict[str, Any]:
    caller, address, published, operation = exchange.caller, exchange.address, exchange.published, exchange.operation
    outgoing = exchange.outgoing
    headers = outgoing.headers if outgoing is not None else [field for field in exchange.head.headers if field[0] != "host"]
    return {
        "account_id": caller.account_id if caller else None,
        "session": caller.session_id if caller else None,
        "via": caller.via if caller else "",
        "environment": address.environment if address else "",
        "api": address.api if address else "",
        "platform": published.platform if published else "",
        "operation": operation.key if operation else "",
        "commit": published.commit if published else "",
        "path": redact(address.path if address else exchange.head.path)[:8_000],
        "query": redact(exchange.head.query)[:4_000],
        "target": redact(outgoing.url)[:8_000] if outgoing is not None and not exchange.mocked else "",
        "mocked": exchange.mocked,
        "request_verdict": exchange.request_verdict.state if exchange.request_verdict else "",
        "request_findings": findings(exchange.request_verdict)[:MOST_FINDINGS],
        "scopes": list(exchange.leased.scopes) if exchange.leased else [],
        "lease": str(exchange.leased.lease_id) if exchange.leased else "",
        "request_headers": mask_headers(headers),
        "withheld": exchange.withheld,
        "request_body": kept_body(exchange.body),
        "request_bytes": exchange.body_size,
    }


def outcome_fields(exchange: Exchange) -> dict[str, Any]:
    """The columns known when it is over."""
    fields: dict[str, Any] = storable(_outcome_fields(exchange))
    return fields


def _outcome_fields(exchange: Exchange) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "response_findings": findings(exchange.response_verdict)[:MOST_FINDINGS],
        "notes": exchange.notes(),
        "timings": exchange.timings,
        "response_verdict": exchange.response_verdict.state if exchange.response_verdict else "",
    }
    if exchange.client_gone:
        fields |= {"state": Call.FAILED, "code": "client_gone", "detail": "The client closed the connection before the answer."}
    elif exchange.error is not None:
        error = exchange.error
        state = Call.FAILED if exchange.intent_entry is not None and error.code not in NOT_SENT else Call.REFUSED
        fields |= {"state": state, "status": error.status, "origin": "portal", "code": error.code, "detail": error.detail[:2_000]}
    answer = exchange.answer
    if answer is not None:
        fields |= {
            "state": fields.get("state", Call.ANSWERED),
            "status": fields.get("status", answer.status),
            "origin": fields.get("origin", "upstream"),
            "response_headers": mask_headers(answer.headers),
            "stopped": exchange.stopped,
            "response_body": kept_body(readable_body(answer)[0]),
            "response_bytes": len(answer.body),
            "truncated": answer.truncated,
        }
    return fields


def entry_outcome(exchange: Exchange) -> str:
    """``ok`` for an answer of the other side, whatever its status; ``failed`` where there was none; ``refused`` where nothing was sent."""
    sent = exchange.intent_entry is not None and (exchange.error is None or exchange.error.code not in NOT_SENT)
    if exchange.client_gone or (exchange.error is not None and sent):
        return "failed"
    return "refused" if exchange.error is not None else "ok"
