"""The log as a stream of bytes: JSON lines for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Max

from audit.actions import Actor, record
from audit.models import Entry
from audit.selectors import Facets, described, matching
from portal.errors import Malformed

CHUNK = 1_000
CONTENT_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
COLUMNS = (
    "id", "at", "action", "outcome", "text", "actor_id", "actor_name", "session", "remote", "subject", "api", "environment", "code",
    "request_id", "sealed", "data",
)  # fmt: skip
# A spreadsheet reads a cell that begins with one of these as a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Export:
    """The entries that match ``facets`` now, oldest first. What is written while it runs is not in it.

    Making one is itself recorded, before the first byte leaves. Raises Malformed for another format than jsonl or csv.
    """

    def __init__(self, facets: Facets, kind: str, *, by: Actor, via: str) -> None:
        if kind not in CONTENT_TYPES:
            raise Malformed(
                "The log is exported as jsonl or csv.", errors=[{"location": "query", "pointer": "/format", "expected": "jsonl or csv"}]
            )
        self.facets, self.kind = facets, kind
        self.last: int = Entry.objects.aggregate(last=Max("id"))["last"] or 0
        self.count = self._matching(0).count()
        with transaction.atomic():
            record("audit:exported", by=by, format=kind, entries=self.count, filters=facets.as_query(), via=via)

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.kind]

    @property
    def name(self) -> str:
        return f"audit.{self.kind}"

    def head(self) -> bytes:
        # The byte order mark makes spreadsheets read UTF-8 as UTF-8.
        return b"\xef\xbb\xbf" + _csv_line(COLUMNS) if self.kind == "csv" else b""

    def chunk(self, after: int) -> tuple[bytes, int | None]:
        """The lines of the next entries above ``after``, and where to go on (None at the end)."""
        rows = list(self._matching(after).order_by("id")[:CHUNK])
        write = _as_csv if self.kind == "csv" else _as_json
        return b"".join(write(item) for item in described(rows)), rows[-1].pk if len(rows) == CHUNK else None

    def __iter__(self) -> Iterator[bytes]:
        yield self.head()
        after: int | None = 0
        while after is not None:
            lines, after = self.chunk(after)
            yield lines

    def _matching(self, after: int) -> Any:
        return matching(self.facets).filter(id__gt=after, id__lte=self.last)


def _as_json(item: dict[str, Any]) -> bytes:
    return orjson.dumps(item) + b"\n"


def _as_csv(item: dict[str, Any]) -> bytes:
    actor = item["actor"]
    flat = item | {
        "at": item["at"].isoformat(),
        "actor_id": actor["id"],
        "actor_name": actor["name"],
        "session": actor["session"],
        "remote": actor["remote"],
        "sealed": "yes" if item["sealed"] else "no",
        "data": orjson.dumps(item["data"]).decode(),
    }
    return _csv_line([cell(str(flat[column])) for column in COLUMNS])


def cell(text: str) -> str:
    """``text`` so that no spreadsheet takes it for a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def _csv_line(cells: Any) -> bytes:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()
