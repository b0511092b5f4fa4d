"""The operations of two documents, matched and compared: paths, webhooks, callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specs.diff.collected import Collected
from specs.diff.differences import Lifecycle
from specs.diff.exchange import Exchange
from specs.diff.lifecycle import Deadlines, ending_of, level_of
from specs.diff.messages import compare_request_body, compare_responses
from specs.diff.occurrence import NONE, OPERATION, Place
from specs.diff.parameters import PLACEHOLDER, compare_parameters
from specs.diff.security import compare_need, compare_security
from specs.operations import Operation, as_dict, as_list, as_text, followed, operations_below, security_of
from specs.shape import METHODS

MAX_CALLBACK_LEVELS = 3
Key = tuple[str, str]


def compare_paths(old: dict[str, Any], new: dict[str, Any], collected: Collected, deadlines: Deadlines) -> None:
    """Every operation below ``paths``. Paths that differ in the names of their parameters only are the same path."""
    before, after = _by_path(old), _by_path(new)
    renamed = _renamed(before, after)
    kept = {renamed.get(path, path) for path, _method in before}
    paths = {path for path, _method in after}
    for key, operation in before.items():
        path = renamed.get(key[0], key[0])
        if (path, key[1]) in after:
            exchange = Exchange(old, new, operation, after[path, key[1]], label(key[1], path))
            compare_operation(exchange, collected, deadlines, 0)
        else:
            _removed(operation, "operation" if path in paths else "path", collected, deadlines)
    back = {successor: path for path, successor in renamed.items()}
    for path, method in after:
        if path not in kept or (back.get(path, path), method) not in before:
            collected.note(_alone(method, path), "operation-added")


def label(method: str, path: str) -> str:
    """What people call an operation: ``GET /users/{id}``."""
    return f"{method.upper()} {path}"


def _by_path(document: dict[str, Any]) -> dict[Key, Operation]:
    return {(one.path, one.method): one for one in operations_below(document, "paths")}


def _renamed(before: dict[Key, Operation], after: dict[Key, Operation]) -> dict[str, str]:
    """Old path → new path, where only the names of parameters differ."""
    free: dict[str, str] = {}
    old_paths = {path for path, _method in before}
    for path, _method in after:
        if path not in old_paths:
            free.setdefault(PLACEHOLDER.sub("{}", path), path)
    new_paths = {path for path, _method in after}
    renamed: dict[str, str] = {}
    for path in dict.fromkeys(path for path, _method in before):
        if path not in new_paths and (successor := free.pop(PLACEHOLDER.sub("{}", path), None)) is not None:
            renamed[path] = successor
    return renamed


def _alone(method: str, path: str) -> Place:
    return Place(NONE, OPERATION, label(method, path), "", "The operation")


def _removed(operation: Operation, what: str, collected: Collected, deadlines: Deadlines) -> None:
    lifecycle = Lifecycle.of(operation.value)
    ending = ending_of(lifecycle, level_of(lifecycle.stability), deadlines)
    kind = "sunset-invalid" if ending == "sunset-parse" else f"{what}-removed-{ending}"
    place = _alone(operation.method, operation.path)
    collected.note(place, kind, lifecycle.sunset, ending=ending)
    if lifecycle.stability is not None and not level_of(lifecycle.stability):
        collected.note(place, "stability-invalid", lifecycle.stability)


def compare_operation(exchange: Exchange, collected: Collected, deadlines: Deadlines, level: int) -> None:
    """One operation that is in both documents."""
    old, new = exchange.old.value, exchange.new.value
    lifecycles = Lifecycle.of(old), Lifecycle.of(new)
    if lifecycles[0] != lifecycles[1]:
        collected.note(exchange.operation(), "lifecycle", *lifecycles)
    _compare_identity(exchange, collected)
    compare_parameters(exchange, collected, deadlines)
    compare_request_body(exchange, collected)
    compare_responses(exchange, collected, deadlines)
    in_force = security_of(exchange.old_document, exchange.old), security_of(exchange.new_document, exchange.new)
    if "security" in old or "security" in new:
        compare_security(exchange.operation("security"), in_force[0], in_force[1], collected)
    compare_need(exchange, in_force[0], in_force[1], collected)
    servers = [one.value.get("servers", one.item.get("servers")) for one in (exchange.old, exchange.new)]
    compare_servers(exchange.operation("servers"), servers[0], servers[1], collected)
    if level < MAX_CALLBACK_LEVELS:
        _compare_callbacks(exchange, collected, deadlines, level)


def _compare_identity(exchange: Exchange, collected: Collected) -> None:
    old, new = exchange.old.value, exchange.new.value
    before, after = as_text(old.get("operationId")), as_text(new.get("operationId"))
    if before != after:
        kind = "operation-id-changed" if before and after else "operation-id-removed" if before else "operation-id-added"
        collected.note(exchange.operation("operationId"), kind, before or None, after or None)
    tags, now = ([tag for tag in as_list(one.get("tags")) if isinstance(tag, str)] for one in (old, new))
    for tag in dict.fromkeys(tags):
        if tag not in now:
            collected.note(exchange.operation("tags"), "tag-removed", tag)
    for tag in dict.fromkeys(now):
        if tag not in tags:
            collected.note(exchange.operation("tags"), "tag-added", None, tag)


def compare_servers(place: Place, old: Any, new: Any, collected: Collected) -> None:
    """Two lists of servers, by address."""
    before, after = _addresses(old), _addresses(new)
    for address in before:
        if address not in after:
            collected.note(place, "server-removed", address)
    for address in after:
        if address not in before:
            collected.note(place, "server-added", None, address)


def _addresses(servers: Any) -> list[str]:
    return list(dict.fromkeys(as_text(as_dict(server).get("url")).rstrip("/") or "/" for server in as_list(servers)))


# Where the API calls its client


def compare_webhooks(old: dict[str, Any], new: dict[str, Any], collected: Collected, deadlines: Deadlines) -> None:
    """Webhooks of 3.1, and ``x-webhooks``, by name."""
    before, after = ({(one.path, one.method): one for one in _webhooks(document)} for document in (old, new))
    for (name, method), operation in before.items():
        place = Place(NONE, OPERATION, f"{method.upper()} {name}", f"webhooks.{name}", "The webhook")
        if (name, method) not in after:
            collected.note(place, "webhook-removed", name=name)
            continue
        exchange = Exchange(old, new, operation, after[name, method], place.operation, f"webhooks.{name}.", inverted=True)
        compare_operation(exchange, collected, deadlines, MAX_CALLBACK_LEVELS)
    for name, method in after:
        if (name, method) not in before:
            place = Place(NONE, OPERATION, f"{method.upper()} {name}", f"webhooks.{name}", "The webhook")
            collected.note(place, "webhook-added", name=name)


def _webhooks(document: dict[str, Any]) -> Iterator[Operation]:
    for section in ("webhooks", "x-webhooks"):
        yield from operations_below(document, section)


def _compare_callbacks(exchange: Exchange, collected: Collected, deadlines: Deadlines, level: int) -> None:
    before = _callbacks(exchange.old_document, exchange.old)
    after = _callbacks(exchange.new_document, exchange.new)
    for key, operation in before.items():
        location = f"{exchange.prefix}callbacks.{'.'.join(key)}"
        if key not in after:
            collected.note(exchange.operation(f"callbacks.{'.'.join(key)}"), "callback-removed", name=key[0])
            continue
        called = Exchange(
            exchange.old_document, exchange.new_document, operation, after[key], exchange.label, f"{location}.", not exchange.inverted
        )
        compare_operation(called, collected, deadlines, level + 1)
    for key in after:
        if key not in before:
            collected.note(exchange.operation(f"callbacks.{'.'.join(key)}"), "callback-added", name=key[0])


def _callbacks(document: dict[str, Any], operation: Operation) -> dict[tuple[str, str, str], Operation]:
    found: dict[tuple[str, str, str], Operation] = {}
    for name, raw in as_dict(operation.value.get("callbacks")).items():
        for expression, raw_item in as_dict(followed(document, raw)).items():
            item = as_dict(followed(document, raw_item))
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    found[name, expression, method] = Operation(expression, method, item[method], item, ())
    return found
