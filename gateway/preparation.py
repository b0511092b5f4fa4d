"""The middle steps of a call: validate the request, guard production, take a token, write down what will be sent."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from gateway.addresses import destination
from gateway.admission import operations_named_so
from gateway.exchange import Exchange, findings
from gateway.fields import Fields, chosen_cookies, outgoing_fields
from portal.errors import ConfirmationRequired, Invalid, Malformed, UnsupportedMediaType
from tokens.actions import check_tokenless_call, lease_for_call
from upstream.messages import Outgoing, Target

CONFIRM = "x-portal-confirm"
# What the portal itself can read back; the answer goes on undecoded, but it has to be checked.
_READABLE_CODINGS = ("gzip", "deflate", "identity")
_NEVER_CHECKED = frozenset({"authorization", "cookie"})


def check(exchange: Exchange) -> None:
    """Validate, then guard production. Raises the PortalError of the first step that refuses."""
    check_request(exchange)
    guard_protected(exchange)


def equip(exchange: Exchange) -> None:
    """Take a token where the platform wants one, and hold the person to their scopes where it wants none; then write down what will be sent."""
    take_token(exchange)
    write_outgoing(exchange)


def declared_names(detail: dict[str, Any], place: str) -> frozenset[str]:
    """The names of an operation's parameters in ``place``; header names in lower case."""
    names = (str(one.get("name", "")) for one in detail.get("parameters", ()) if isinstance(one, dict) and one.get("in") == place)
    return frozenset(name.lower() if place == "header" else name for name in names)


def check_request(exchange: Exchange) -> None:
    """Compare the request with the document; every finding is in the refusal, not the first."""
    head, operation = exchange.head, exchange.operation
    if operation is None:
        raise ValueError("the operation comes first")
    coding = head.fields.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise UnsupportedMediaType(
            f"The body is encoded with {coding[:40]}. The portal checks what it sends on, so send it as it is.", code="encoded_body"
        )
    own = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    exchange.cookies = chosen_cookies(head.fields.get("cookie", ""), declared=declared_names(operation.detail, "cookie"), own=own)
    checked = [(name, value) for name, value in head.headers if name not in _NEVER_CHECKED]
    if exchange.cookies:
        checked.append(("cookie", exchange.cookies))
    verdict = operation.validator.request(path_parameters=exchange.path_parameters, query=head.query, headers=checked, body=exchange.body)
    exchange.request_verdict = verdict
    if verdict.malformed:
        raise Malformed("The body is not what its content type says.", code="malformed_body", errors=findings(verdict))
    if verdict.state == "invalid":
        wrong = [violation for violation in verdict.violations if violation.level == "error"]
        count = "one place" if len(wrong) == 1 else f"{len(wrong)} places"
        said = f"The request does not match the document in {count}.{_meant_elsewhere(exchange)}"
        raise Invalid(said, code="request_invalid", errors=findings(verdict))


def _meant_elsewhere(exchange: Exchange) -> str:
    """In other environments this very path may be an operation of its own, which a template takes for a value here."""
    address, operation, verdict = exchange.address, exchange.operation, exchange.request_verdict
    if address is None or operation is None or verdict is None or not any(one.location == "path" for one in verdict.violations):
        return ""
    named = operations_named_so(address.api, exchange.head.method, address.path, here=operation.path)
    return "".join(
        f" In {environment} this path is another operation, {path}, which {address.environment} does not have."
        for environment, path in named
    )


def guard_protected(exchange: Exchange) -> None:
    """A protected environment wants to hear its own name before anything unsafe, or unchecked, is sent to it."""
    environment, verdict = exchange.environment, exchange.request_verdict
    if environment is None or verdict is None:
        raise ValueError("the environment and the verdict come first")
    if not environment.protected or exchange.head.fields.get(CONFIRM) == environment.name:
        return
    if exchange.unsafe:
        reason = f"{exchange.head.method} changes something in {environment.name}"
    elif verdict.state == "unchecked":
        reason = f"This request to {environment.name} cannot be checked against the document"
    else:
        return
    raise ConfirmationRequired(
        f"{reason}. Send it again with the header X-Portal-Confirm: {environment.name}.", environment=environment.name
    )


def take_token(exchange: Exchange) -> None:
    """The person's live lease that covers the operation's scopes, or a new one with just those; none where the platform takes none."""
    caller, published, operation, address = exchange.caller, exchange.published, exchange.operation, exchange.address
    if caller is None or published is None or operation is None or address is None:
        raise ValueError("the operation comes first")
    if exchange.place is not None and not exchange.place.principals:
        check_tokenless_call(by=caller, platform=published.platform, environment=address.environment, scopes=operation.scopes)
        return
    exchange.leased = lease_for_call(by=caller, platform=published.platform, environment=address.environment, scopes=operation.scopes)


def write_outgoing(exchange: Exchange) -> None:
    """What leaves, exactly."""
    head, operation, place, address = exchange.head, exchange.operation, exchange.place, exchange.address
    if operation is None or place is None or address is None:
        raise ValueError("the operation comes first")
    declared = declared_names(operation.detail, "header")
    kept, exchange.withheld = outgoing_fields(head.headers, declared=declared, cookies=exchange.cookies)
    fields: Fields = [(name, value) for name, value in kept if name != "accept-encoding"]
    fields.append(("accept-encoding", readable_codings(head.fields.get("accept-encoding", ""))))
    fields.append(("user-agent", f"portal/{settings.PORTAL_VERSION}"))
    fields.append(("x-request-id", exchange.request_id))
    if exchange.leased is not None:
        fields.append(("authorization", f"Bearer {exchange.leased.value}"))
    # A mocked platform has no address; the path is still rebuilt, so that what would be refused is refused there too.
    base_url = "https://mock.invalid" if place.mock else place.base_url
    url = destination(base_url, address.path, head.query)
    exchange.target = Target(
        name=f"{place.platform} in {place.environment}",
        base_url=base_url,
        networks=place.networks,
        allow_loopback=settings.DEVELOPMENT,
        per_second=place.per_second,
    )
    exchange.outgoing = Outgoing(method=head.method, url=url, headers=fields, body=exchange.body)


def readable_codings(accepted: str) -> str:
    """The caller's Accept-Encoding less what the portal could not read back to check it."""
    wanted = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    return ", ".join(coding for coding in _READABLE_CODINGS if coding in wanted) or "identity"
