"""Writing calls. Each runs inside the transaction of the writer, together with its entry in the log."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.actions import PORTAL, record
from gateway.exchange import Exchange
from gateway.models import Call
from gateway.records import actor_of, entry_outcome
from identity.callers import Caller
from portal.statements import Rows

# An upstream may take 30 s, the token endpoint and the database theirs; after this nobody can still be working on it.
UNKNOWN_AFTER = timedelta(minutes=2)
SWEEP_BATCH = 200
_calls = Rows(Call)
_TIMES = ("total_ms", "upstream_ms", "connect_ms", "first_byte_ms")


def record_intent(*, exchange: Exchange, fields: dict[str, Any]) -> int:
    """Write down what is about to be sent; returns the entry's id. Nothing may leave before this is committed."""
    environment = exchange.environment
    entry = _record(
        "call:sent",
        exchange,
        outcome="intent",
        target=fields["target"],
        commit=fields["commit"],
        body_bytes=fields["request_bytes"],
        body_sha256=hashlib.sha256(exchange.body).hexdigest() if exchange.body else "",
        lease=fields["lease"],
        scopes=fields["scopes"],
        request_state=fields["request_verdict"],
        via=fields["via"],
        confirmed=bool(environment and environment.protected and exchange.head.fields.get("x-portal-confirm") == environment.name),
    )
    _insert(exchange, fields | {"state": Call.SENT, "intent_entry": entry})
    return entry


def record_outcome(*, exchange: Exchange, fields: dict[str, Any]) -> int:
    """Write down how a call that was sent ended; returns the entry's id."""
    entry = _record(
        "call:answered",
        exchange,
        outcome=entry_outcome(exchange),
        status=fields.get("status"),
        origin=fields.get("origin", ""),
        response_state=fields["response_verdict"],
        findings=len(fields["response_findings"]),
        body_bytes=fields.get("response_bytes", 0),
        truncated=fields.get("truncated", False),
        mock=exchange.mocked,
        client_gone=exchange.client_gone,
        **{name: exchange.timings[name] for name in _TIMES if name in exchange.timings},
    )
    _calls.update(exchange.id, fields | {"finished_at": timezone.now(), "outcome_entry": entry})
    return entry


def record_end(*, exchange: Exchange, fields: dict[str, Any]) -> int:
    """Write down the end of a call whose intent was asked for: sent or not, the intent decides which kind of end it is."""
    if exchange.intent_entry is None and not Call.objects.filter(pk=exchange.id).exists():
        return record_refusal(exchange=exchange, fields=fields)
    return record_outcome(exchange=exchange, fields=fields)


def record_refusal(*, exchange: Exchange, fields: dict[str, Any]) -> int:
    """Write down a call that was not sent, and why; returns the entry's id."""
    error = exchange.error
    said: dict[str, Any] = (
        {name: error.extra[name] for name in ("groups", "limit", "size") if name in error.extra} if error is not None else {}
    )
    if error is not None and "violated-policies" in error.extra:
        said["windows"] = error.extra["violated-policies"]
    entry = _record(
        "call:refused",
        exchange,
        outcome="failed" if error is None or error.status >= 500 else "refused",
        status=fields.get("status"),
        findings=len(fields["request_findings"]),
        via=fields["via"],
        commit=fields["commit"],
        **said,
    )
    _insert(exchange, fields | {"finished_at": timezone.now(), "outcome_entry": entry})
    return entry


@transaction.atomic
def record_replay(*, original: Call, exchange: Exchange, by: Caller, equal: bool | None) -> int:
    """Write down that ``exchange`` was ``original`` sent again; ``equal`` is None where there was no answer to compare."""
    outcome = "failed" if exchange.error is not None and exchange.error.status >= 500 else "refused" if exchange.error is not None else "ok"
    said = {} if equal is None else {"equal": equal}
    return record(
        "call:replayed",
        by=by.actor,
        outcome=outcome,
        subject=str(exchange.id),
        api=original.api,
        environment=exchange.address.environment if exchange.address else "",
        code=exchange.error.code if exchange.error is not None else "",
        request_id=exchange.request_id,
        method=original.method,
        path=original.path,
        operation=exchange.operation.key if exchange.operation else original.operation,
        call=str(exchange.id),
        original=str(original.pk),
        **said,
    )


def close_unknown() -> int:
    """Say of every call that was sent and never heard of again that its outcome is unknown; how many there were."""
    with transaction.atomic():
        late = Call.objects.select_for_update(skip_locked=True, no_key=True).filter(state=Call.SENT, at__lt=timezone.now() - UNKNOWN_AFTER)
        calls = list(late.order_by("at")[:SWEEP_BATCH])
        for call in calls:
            entry = record(
                "call:unknown",
                by=PORTAL,
                outcome="failed",
                subject=str(call.pk),
                api=call.api,
                environment=call.environment,
                code="outcome_unknown",
                request_id=call.request_id,
                method=call.method,
                path=call.path,
                operation=call.operation,
                sent_at=call.at.isoformat(),
            )
            Call.objects.filter(pk=call.pk, state=Call.SENT).update(
                state=Call.UNKNOWN,
                code="outcome_unknown",
                detail="The portal stopped while this call was under way: it may or may not have reached the platform.",
                finished_at=timezone.now(),
                outcome_entry=entry,
            )
    return len(calls)


def _insert(exchange: Exchange, fields: dict[str, Any]) -> None:
    known = {"id": exchange.id, "at": exchange.at, "request_id": exchange.request_id, "method": exchange.head.method[:20]}
    _calls.insert(known | fields)


def _record(action: str, exchange: Exchange, *, outcome: str, **data: Any) -> int:
    address, operation = exchange.address, exchange.operation
    code = "client_gone" if exchange.client_gone else exchange.error.code if exchange.error is not None else ""
    return record(
        action,
        by=actor_of(exchange),
        outcome=outcome,
        subject=str(exchange.id),
        api=address.api if address else "",
        environment=address.environment if address else "",
        code=code,
        request_id=exchange.request_id,
        method=exchange.head.method[:20],
        path=address.path if address else exchange.head.path,
        operation=operation.key if operation else "",
        **data,
    )
