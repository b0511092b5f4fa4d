"""Sending deliveries: to the endpoint itself, or through the door out to a receiver on the allow-list."""

from __future__ import annotations

import ipaddress
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.actions import record
from audit.redaction import one_line
from harness import selectors
from harness.actions.receiving import Incoming, receive
from harness.models import HookEndpoint, Sending
from harness.sending.faults import FAULTS, Draft, faults_of, made_up_secret
from harness.signatures.signing import CannotSign
from harness.signatures.values import Request
from identity.callers import Caller
from portal.errors import Conflict, Forbidden, Invalid, PortalError
from quotas.actions import Window, spend
from upstream import blocking
from upstream.masking import mask_headers
from upstream.messages import Limits, Outgoing, Target, origin_of

MOST_PAYLOAD = 262_144  # bytes
MOST_REPEATS = 5
KEPT = 50  # of one endpoint
PER_MINUTE = 60  # of one person
LIMITS = Limits(connect=3.0, first_byte=10.0, total=10.0, body=65_536, concurrency=8)
DEVELOPMENT_RECEIVERS = ("http://127.0.0.1:*", "http://localhost:*")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to send. ``target`` "" is the endpoint itself; ``repeat`` sends the very same delivery several times."""

    payload: bytes
    content_type: str = "application/json"
    fault: str = ""
    target: str = ""
    repeat: int = 1


def send(*, by: Caller, endpoint_id: UUID, wanted: Wanted) -> list[Sending]:
    """Send and keep the whole exchange. Each is recorded before it leaves; what cannot be recorded is not sent.

    Raises NotFound, Invalid naming each field, Forbidden ``receiver_forbidden`` for a receiver that is not allowed, Conflict
    ``cannot_sign`` where only the platform has the key, QuotaExceeded. A receiver that cannot be reached is no error: it is the result.
    """
    endpoint = selectors.endpoint(by.account_id, endpoint_id)
    _check(endpoint, wanted)
    target = _target(wanted.target) if wanted.target else None
    spend([Window("webhook-send", f"person:{by.account_id}", PER_MINUTE, 60)], subject_name=endpoint.name)
    headers, body = _made(endpoint, wanted)
    done = []
    for _ in range(wanted.repeat):
        sending = _begin(by, endpoint, wanted, headers, body)
        started = time.monotonic()
        changes = _to_receiver(target, sending, body) if target is not None else _to_itself(endpoint, headers, body)
        changes["duration_ms"] = round((time.monotonic() - started) * 1000, 1)
        for field, value in changes.items():
            setattr(sending, field, value)
        sending.save(update_fields=list(changes))
        done.append(sending)
    return done


def _check(endpoint: HookEndpoint, wanted: Wanted) -> None:
    errors = []
    if len(wanted.payload) > MOST_PAYLOAD:
        errors.append(("payload", f"at most {MOST_PAYLOAD:,} bytes"))
    if not (wanted.content_type.isascii() and wanted.content_type.isprintable() and 0 < len(wanted.content_type) <= 100):
        errors.append(("content_type", "a media type such as application/json"))
    if wanted.fault not in {fault.id for fault in faults_of(selectors.profile(endpoint))} | {""}:
        errors.append(("fault", f"empty or one of {', '.join(fault for fault in FAULTS if fault)}, as far as the profile has it"))
    if not 1 <= wanted.repeat <= MOST_REPEATS:
        errors.append(("repeat", f"1 to {MOST_REPEATS}"))
    if errors:
        found = [
            {"location": "body", "pointer": f"/{name}", "keyword": "format", "message": f"{name} must be {expected}.", "expected": expected}
            for name, expected in errors
        ]
        raise Invalid("This cannot be sent.", errors=found)


def _made(endpoint: HookEndpoint, wanted: Wanted) -> tuple[list[tuple[str, str]], bytes]:
    profile = selectors.profile(endpoint)
    secrets = selectors.secrets_for_verification(endpoint.pk, timezone.now())
    other = secrets[1].value if len(secrets) > 1 and wanted.target else made_up_secret(profile, endpoint.token_hash.encode())
    url = wanted.target or (selectors.address(endpoint) if profile.signs_address else "")
    request = Request([("content-type", wanted.content_type)], wanted.payload, "POST", url)
    draft = Draft(profile, secrets[0].value if secrets else b"", other, request, int(time.time()), f"bench-{uuid.uuid4()}")
    try:
        return FAULTS[wanted.fault].make(draft)
    except CannotSign as error:
        raise Conflict(str(error), code="cannot_sign") from None


@transaction.atomic
def _begin(by: Caller, endpoint: HookEndpoint, wanted: Wanted, headers: list[tuple[str, str]], body: bytes) -> Sending:
    sending = Sending.objects.create(endpoint=endpoint, target=wanted.target, fault=wanted.fault, headers=headers, body=body)
    surplus = list(endpoint.sendings.order_by("-at", "-pk").values_list("pk", flat=True)[KEPT:])
    Sending.objects.filter(pk__in=surplus).delete()
    where = urlsplit(wanted.target)
    record(
        "hook:sent",
        by=by.actor,
        subject=str(endpoint.pk),
        name=endpoint.name,
        profile=endpoint.profile,
        target=f"{where.scheme}://{where.netloc}" if wanted.target else "the bench itself",
        fault=wanted.fault or "none",
        sending=str(sending.pk),
        size=len(body),
    )
    return sending


def _to_itself(endpoint: HookEndpoint, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Nothing leaves: the delivery is handed to the door in, as if it had come."""
    try:
        delivery = receive(endpoint_id=endpoint.pk, incoming=Incoming(tuple(headers), "", body, "bench"))
    except HookEndpoint.DoesNotExist:
        return {"error": "The webhook was deleted meanwhile."}
    return {"status": delivery.status, "delivery": delivery}


def _to_receiver(target: Target, sending: Sending, body: bytes) -> dict[str, Any]:
    outgoing = Outgoing("POST", sending.target, [(name, value) for name, value in sending.headers], body)
    try:
        answer = blocking.send(target, outgoing, limits=LIMITS)
    except PortalError as error:
        return {"error": error.detail[:300]}
    headers = [[name, one_line(value)[:2000]] for name, value in mask_headers(answer.headers)]
    return {"status": answer.status, "answer_headers": headers, "answer_body": answer.body, "truncated": answer.truncated}


def _target(url: str) -> Target:
    """The receiver at ``url``. Raises Forbidden when no entry of WEBHOOK_SEND_ALLOWED names its origin."""
    try:
        scheme, host, port = origin_of(url)
    except ValueError:
        scheme, host, port = "", "", 0
    written = f"{scheme}://{host}:{port}"
    allowed, networks = receivers_allowed()
    if scheme not in {"http", "https"} or not host or not any(_matches(entry, scheme, host, port) for entry in allowed):
        known = ", ".join(allowed) or "none"
        raise Forbidden(
            f"Nothing may be sent to {written if host else 'this address'}. Receivers that are allowed: {known}. The platform team"
            " adds one in WEBHOOK_SEND_ALLOWED.",
            code="receiver_forbidden",
        )
    parts = urlsplit(url)
    return Target(f"webhook receiver {written}", f"{parts.scheme}://{parts.netloc}", tuple(networks), allow_loopback=settings.DEVELOPMENT)


def receivers_allowed() -> tuple[list[str], list[str]]:
    """Origins that may be sent to, and non-public networks they may lie in."""
    entries = settings.WEBHOOK_SEND_ALLOWED or (DEVELOPMENT_RECEIVERS if settings.DEVELOPMENT else ())
    return [entry for entry in entries if "://" in entry], [entry for entry in entries if "://" not in entry and _is_network(entry)]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _matches(entry: str, scheme: str, host: str, port: int) -> bool:
    any_port = entry.endswith(":*")
    try:
        allowed = origin_of(entry.removesuffix(":*"))
    except ValueError:
        return False
    return allowed[:2] == (scheme, host) and (any_port or allowed[2] == port)
