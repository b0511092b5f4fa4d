"""The first steps of a call: who, is the environment allowed, is there quota, is there such an operation."""

from __future__ import annotations

from catalog import runtime
from catalog.selectors import environments_having
from gateway.addresses import split_address
from gateway.exchange import Exchange
from gateway.limits import windows_for
from gateway.places import place_of
from identity import edge as identity_edge
from identity.selectors import groups_granting
from portal.errors import Forbidden, MethodNotAllowed, NotFound
from quotas.actions import spend

_PAGE_DESTINATIONS = frozenset({"document", "embed", "frame", "iframe", "object"})
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def admit(exchange: Exchange) -> None:
    """Take ``exchange`` as far as its operation. Raises the PortalError of the first step that refuses."""
    refuse_navigation(exchange)
    exchange.caller = identity_edge.authenticate(exchange.head.fields, remote=exchange.head.remote)
    exchange.address = split_address(exchange.head.path)
    allow_environment(exchange)
    charge(exchange)
    find_operation(exchange)


def refuse_navigation(exchange: Exchange) -> None:
    """An upstream's bytes never become a page of the portal's origin: only scripts and programs may call."""
    fields = exchange.head.fields
    if fields.get("sec-fetch-mode") == "navigate" or fields.get("sec-fetch-dest") in _PAGE_DESTINATIONS:
        raise Forbidden(
            "The gateway is called by programs and by the portal's own pages, not opened in a browser. Use the operation's page, or curl.",
            code="navigation_refused",
        )


def allow_environment(exchange: Exchange) -> None:
    """May this person call there, and with this method?"""
    address, caller = exchange.address, exchange.caller
    if address is None or caller is None:
        raise ValueError("the address and the caller come first")
    name = address.environment
    place = place_of(name, address.api)
    rules = place.rules
    exchange.environment = rules.environment(name)
    if exchange.environment is None:
        known = [one.name for one in rules.environments if caller.access.may_read(one.name)]
        there = f"You may call: {', '.join(known)}." if known else "None is open to you."
        raise NotFound(f"There is no environment {name!r}. {there}", code="unknown_environment", environments=known)
    if not caller.access.may_read(name):
        raise _granted_by(f"You may not call {name}.", groups_granting(environment=name), code="environment_forbidden")
    if exchange.unsafe and not caller.access.may_write(name):
        raise _granted_by(
            f"You may read in {name} but not use {exchange.head.method} there.",
            groups_granting(environment=name, write=True),
            code="write_forbidden",
        )
    exchange.published = place.published
    if exchange.published is not None:
        exchange.place = rules.platform_at(exchange.published.platform, name)


def _granted_by(text: str, groups: list[str], *, code: str) -> Forbidden:
    who = f"These groups grant it: {', '.join(groups)}." if groups else "No group grants it yet; the rules repository decides."
    return Forbidden(f"{text} {who}", code=code, groups=groups)


def charge(exchange: Exchange) -> None:
    """Spend one call of the person and one of the environment's platform, or none."""
    caller, environment = exchange.caller, exchange.environment
    if caller is None or environment is None:
        raise ValueError("the environment comes first")
    windows = windows_for(caller.account_id, caller.access, exchange.place)
    exchange.allowance = spend(windows, subject_name=caller.name, fail_closed=environment.protected)


def find_operation(exchange: Exchange) -> None:
    """Match method and raw path against the document published in this environment."""
    address, published = exchange.address, exchange.published
    if address is None:
        raise ValueError("the address comes first")
    if published is None or exchange.place is None:
        having = environments_having(address.api)
        raise NotFound(
            f"There is no API {address.api!r} to call in {address.environment!r}.{_exists_in(having)}",
            code="unknown_api",
            environments=having,
        )
    method = exchange.head.method
    match = runtime.router(published.document_id).match(method, address.path)
    if match.operation is None and match.allowed:
        allowed = ", ".join(match.allowed)
        raise MethodNotAllowed(
            f"The document has no {method} at this path, only {allowed}.", headers={"Allow": allowed}, allowed=list(match.allowed)
        )
    if match.operation is None or method not in METHODS:
        having = operation_exists_in(address.api, method, address.path)
        raise NotFound(
            f"{address.api} has no operation {method} {address.path[:200]} in {address.environment!r}.{_exists_in(having)}",
            code="unknown_operation",
            environments=having,
        )
    exchange.path_parameters = dict(match.path_parameters)
    exchange.operation = runtime.operation(published.document_id, match.operation)


def operation_exists_in(api: str, method: str, path: str) -> list[str]:
    """The environments whose document of ``api`` has an operation for this method and raw path, in promotion order."""
    found = []
    for name in environments_having(api):
        published = runtime.published(name, api)
        if published is not None and runtime.router(published.document_id).match(method, path).operation is not None:
            found.append(name)
    return found


def operations_named_so(api: str, method: str, path: str, *, here: str) -> list[tuple[str, str]]:
    """(environment, path) where ``path`` is itself the path of an operation, with no parameter in it, and not ``here``'s."""
    found = []
    for name in environments_having(api):
        published = runtime.published(name, api)
        match = runtime.router(published.document_id).match(method, path) if published is not None else None
        if match is not None and match.operation is not None and published is not None and not match.path_parameters:
            other = runtime.operation(published.document_id, match.operation).path
            if other != here:
                found.append((name, other))
    return found


def _exists_in(environments: list[str]) -> str:
    return f" It exists in {', '.join(environments)}." if environments else ""
