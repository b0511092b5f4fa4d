"""Bodies, responses, media types and headers of an operation, compared."""

from __future__ import annotations

from typing import Any

from specs.diff.collected import Collected
from specs.diff.differences import Lifecycle
from specs.diff.exchange import Exchange
from specs.diff.lifecycle import Deadlines, ending_of
from specs.diff.occurrence import Place
from specs.operations import as_dict, followed

_IGNORED_HEADERS = frozenset(("content-type",))


def compare_request_body(exchange: Exchange, collected: Collected) -> None:
    """The request bodies."""
    old = followed(exchange.old_document, exchange.old.value.get("requestBody"))
    new = followed(exchange.new_document, exchange.new.value.get("requestBody"))
    place = exchange.request_body()
    if not isinstance(old, dict) or not isinstance(new, dict):
        if isinstance(new, dict):
            collected.note(place, "body-added-required" if new.get("required") is True else "body-added-optional")
        elif isinstance(old, dict):
            collected.note(place, "body-removed")
        return
    if (old.get("required") is True) != (new.get("required") is True):
        collected.note(place, "became-required" if new.get("required") is True else "became-optional")
    _compare_content(place, as_dict(old.get("content")), as_dict(new.get("content")), collected)


def compare_responses(exchange: Exchange, collected: Collected, deadlines: Deadlines) -> None:
    """The responses; a status and a range or default that takes its place go together."""
    old, new = _responses(exchange.old.value), _responses(exchange.new.value)
    taken = {status: status for status in old if status in new}
    for status in old:
        if status not in taken:
            cover = f"{status[:1]}XX"
            if cover in new and cover not in old and len(status) == 3:
                taken[status] = cover
    for status, value in old.items():
        if status not in taken:
            collected.note(exchange.response(status), _status_kind(exchange, status, "removed"), name=status)
            continue
        before, after = followed(exchange.old_document, value), followed(exchange.new_document, new[taken[status]])
        if isinstance(before, dict) and isinstance(after, dict):
            _compare_content(exchange.response_body(status), as_dict(before.get("content")), as_dict(after.get("content")), collected)
            _compare_headers(exchange, status, as_dict(before.get("headers")), as_dict(after.get("headers")), collected, deadlines)
            if not exchange.inverted:
                _compare_links(exchange, status, as_dict(before.get("links")), as_dict(after.get("links")), collected)
    for status in new:
        if status not in taken.values():
            collected.note(exchange.response(status), _status_kind(exchange, status, "added"), name=status)


def _responses(operation: dict[str, Any]) -> dict[str, Any]:
    return {
        (status.upper() if status != "default" else status): value
        for status, value in as_dict(operation.get("responses")).items()
        if not status.startswith("x-")
    }


def _status_kind(exchange: Exchange, status: str, verb: str) -> str:
    if exchange.inverted:
        return f"status-{verb}"
    return f"success-status-{verb}" if status.startswith("2") else f"non-success-status-{verb}"


def _compare_content(place: Place, old: dict[str, Any], new: dict[str, Any], collected: Collected) -> None:
    names = _same_media_types(old, new)
    lost = [name for name in old if name not in dict(names)]
    gained = [name for name in new if name not in {after for _before, after in names}]
    for name in list(lost):
        successor = next((after for after in gained if _kin(name, after)), None)
        if successor is not None and place.direction == "response":
            lost.remove(name)
            gained.remove(successor)
            names.append((name, successor))
            collected.note(place, _kin(name, successor), name, successor)
    collected.contents(place, old, new, names)
    for name in lost:
        collected.note(place, "media-type-removed", name, name=name)
    for name in gained:
        collected.note(place, "media-type-added", None, name, name=name)
    for before, after in names:
        _compare_encoding(place, old[before], new[after], collected)


def _same_media_types(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    plain = {name.replace(" ", "").lower(): name for name in new}
    return [(name, plain[text]) for name in old if (text := name.replace(" ", "").lower()) in plain]


def _kin(old: str, new: str) -> str:
    """How one media type takes the place of another: by another parameter, by a range, out of a range; else empty."""
    before, after = (name.partition(";")[0].strip().lower() for name in (old, new))
    if before == after:
        return "media-type-name-changed"
    if _covers(after, before):
        return "media-type-name-generalized"
    return "media-type-name-specialized" if _covers(before, after) else ""


def _covers(wide: str, narrow: str) -> bool:
    if wide in ("*/*", "*"):
        return True
    if wide.endswith("/*"):
        return narrow.startswith(wide[:-1])
    family, _slash, kind = wide.partition("/")
    return narrow.startswith(f"{family}/") and narrow.endswith(f"+{kind}")


def _compare_encoding(place: Place, old: Any, new: Any, collected: Collected) -> None:
    before, after = as_dict(as_dict(old).get("encoding")), as_dict(as_dict(new).get("encoding"))
    for name in [name for name in before if name in after]:
        one, other = as_dict(before.get(name)), as_dict(after.get(name))
        for member in ("contentType", "style", "explode"):
            if one.get(member) != other.get(member):
                collected.note(place, "encoding-changed", one.get(member), other.get(member), name)


def _compare_headers(
    exchange: Exchange, status: str, old: dict[str, Any], new: dict[str, Any], collected: Collected, deadlines: Deadlines
) -> None:
    known = {name.lower(): name for name in new if name.lower() not in _IGNORED_HEADERS}
    for name, value in old.items():
        if name.lower() in _IGNORED_HEADERS:
            continue
        place = exchange.response_header(status, name)
        before = as_dict(followed(exchange.old_document, value))
        must = before.get("required") is True
        if name.lower() not in known:
            kind = "required-header-removed" if must else "optional-header-removed"
            lifecycle = Lifecycle.of(before)
            ending = ending_of(lifecycle, exchange.stability, deadlines)
            collected.note(place, "parameter-removed" if exchange.inverted else kind, lifecycle.sunset, ending=ending)
            continue
        after = as_dict(followed(exchange.new_document, new[known[name.lower()]]))
        if must != (after.get("required") is True):
            collected.note(place, "became-optional" if must else "became-required")
        if (before.get("deprecated") is True) != (after.get("deprecated") is True):
            collected.note(place, "deprecated" if after.get("deprecated") is True else "reactivated")
        collected.schemas(place, before.get("schema", True), after.get("schema", True))
    gone = {name.lower() for name in old}
    for name in known:
        if name not in gone:
            kind = "optional-parameter-added" if exchange.inverted else "header-added"
            collected.note(exchange.response_header(status, known[name]), kind)


def _compare_links(exchange: Exchange, status: str, old: dict[str, Any], new: dict[str, Any], collected: Collected) -> None:
    place = exchange.response(status)
    for name in old:
        if name not in new:
            collected.note(place, "link-removed", name=name)
    for name in new:
        if name not in old:
            collected.note(place, "link-added", name=name)
