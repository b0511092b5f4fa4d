"""Which parts of two documents are the same, references included, without looking inside them.

Most of a large document does not change. Its bytes are compared in one go; a reference counts as the same when what it
leads to, and everything reached from there, is written the same in both documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from specs.errors import PointerMissing
from specs.shape import resolve, tokens_of

_REFERENCE = re.compile(rb'"\$ref":("(?:[^"\\]|\\.)*")')
_LONE_REFERENCE = re.compile(rb'\{"\$ref":"(?:[^"\\]|\\.)*"\}')
MAX_COMPARED = 2 << 30
"""Bytes compared in one comparison of documents; after that, everything is looked into."""


class Unchanged:
    """Answers for two upgraded documents."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old, self.new = old, new
        self.same_version = str(old.get("openapi"))[:3] == str(new.get("openapi"))[:3]
        self.compared = 0
        """Bytes compared so far."""
        self._changed = self._find_changed()

    def same(self, old: Any, new: Any) -> bool:
        """Whether two parts are written the same and refer to the same."""
        if self.compared > MAX_COMPARED:
            return False
        before, after = _written(old), _written(new)
        self.compared += len(before) + len(after)
        return before == after and self._means_the_same(before) and not any(target in self._changed for target in _targets(before))

    def _means_the_same(self, written: bytes) -> bool:
        """What stands beside a reference counts since 3.1 and did not before; all else is read alike."""
        return self.same_version or len(_REFERENCE.findall(written)) == len(_LONE_REFERENCE.findall(written))

    def _find_changed(self) -> set[str]:
        """Targets of references that are not written the same in both documents, or reach one that is not."""
        changed: set[str] = set()
        referrers: dict[str, list[str]] = {}
        waiting = list({*_targets(_written(self.old)), *_targets(_written(self.new))})
        known = set(waiting)
        for target in waiting:
            if self.compared > MAX_COMPARED:
                changed.add(target)
                continue
            before, after = _behind(self.old, target), _behind(self.new, target)
            self.compared += len(before or b"") + len(after or b"")
            if before is None or before != after or not self._means_the_same(before):
                changed.add(target)
                continue
            for below in _targets(before):
                referrers.setdefault(below, []).append(target)
                if below not in known:
                    known.add(below)
                    waiting.append(below)
        pending = list(changed)
        while pending:
            for target in referrers.get(pending.pop(), ()):
                if target not in changed:
                    changed.add(target)
                    pending.append(target)
        return changed


def _written(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str)


def _targets(written: bytes) -> Iterator[str]:
    """The references in a part; a mapping of a discriminator is written in full and need not be followed."""
    for found in set(_REFERENCE.findall(written)):
        yield orjson.loads(found)


def _behind(document: dict[str, Any], target: str) -> bytes | None:
    if not target.startswith("#"):
        return b""
    try:
        return _written(resolve(document, tokens_of(target)))
    except PointerMissing:
        return None
