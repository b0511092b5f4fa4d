"""Paths as people type them: with other parameter names than the document's, or as the address of a real call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

_PARAMETER = re.compile(r"\{[^{}]*\}")


def path_shape(path: str) -> str:
    """The path without its parameters' names: ``/users/{id}`` and ``/users/{userId}`` are both ``/users/{}``."""
    return _PARAMETER.sub("{}", path)


def segments_of(address: str) -> list[str]:
    """The segments of a path or of a whole URL, without query and fragment; [] for what is neither."""
    try:
        path = urlsplit(address).path if "://" in address else address.partition("?")[0].partition("#")[0]
    except ValueError:
        return []
    return [segment for segment in path.split("/") if segment] if "/" in path else []


def answers(path: str, segments: Sequence[str]) -> int:
    """How many segments of the template ``path`` are named in the end of ``segments`` word for word; 0 when it does not match.

    The address may begin with the base path of a server, so only its end is compared.
    """
    parts = [part for part in path.split("/") if part]
    if not parts or len(parts) > len(segments):
        return 0
    literal = 0
    for part, segment in zip(parts, segments[-len(parts) :], strict=True):
        if part.lower() == segment.lower():
            literal += 1
        elif not _PARAMETER.search(part):
            return 0
    return literal
