"""Reading the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, time
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from audit.models import Entry, Seal, Verification
from audit.vocabulary import ACTIONS, OUTCOMES, sentence
from portal.errors import Malformed, NotFound

# An intent that nothing completed yet, or ever: not stored, but asked for like an outcome.
OPEN = "open"
LONGEST_FILTER = 255
NEWEST_LOOKED_AT = 1000
INTENTS = {name: action.completed_by for name, action in ACTIONS.items() if action.completed_by}


@dataclass(frozen=True, slots=True)
class Facets:
    """What is asked of the log; empty means any. ``since`` is inclusive, ``until`` exclusive, both with a time zone."""

    actor: str = ""
    action: str = ""
    api: str = ""
    environment: str = ""
    outcome: str = ""
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def as_query(self) -> dict[str, str]:
        """The facets that are set, as they stand in an address."""
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(self).items() if value}


TEXT_FACETS = tuple(field.name for field in fields(Facets) if field.name not in {"since", "until"})


def facets_from(query: Mapping[str, Any]) -> Facets:
    """Facets out of a query string. Raises Malformed naming every one that cannot be read."""
    errors: list[dict[str, str]] = []
    texts: dict[str, str] = {}
    for name in TEXT_FACETS:
        value = str(query.get(name) or "").strip()
        if len(value) > LONGEST_FILTER or not value.isprintable():
            errors.append(_error(name, f"at most {LONGEST_FILTER} printable characters"))
        texts[name] = value
    if texts["outcome"] not in {"", OPEN, *OUTCOMES}:
        errors.append(_error("outcome", f"one of {', '.join((*OUTCOMES, OPEN))}"))
    moments: dict[str, datetime | None] = {}
    for name in ("since", "until"):
        value = str(query.get(name) or "").strip()
        moments[name] = _moment(value)
        if value and moments[name] is None:
            errors.append(_error(name, "a date or a date and time of ISO 8601, such as 2026-11-21 or 2026-11-21T10:00:00Z"))
    if errors:
        raise Malformed("The filter of the log cannot be read.", errors=errors)
    return Facets(**texts, since=moments["since"], until=moments["until"])


def _error(name: str, expected: str) -> dict[str, str]:
    return {"location": "query", "pointer": f"/{name}", "keyword": "format", "message": f"{name} must be {expected}.", "expected": expected}


def _moment(text: str) -> datetime | None:
    # In a query an unescaped "+" of an offset arrives as a space.
    text = text.replace(" ", "+") if "T" in text else text
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)):
            moment = datetime.combine(day, time.min)
        return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # an offset may lead out of the years there are
        return None


def matching(facets: Facets) -> QuerySet[Entry]:
    """The entries asked for, in no order."""
    found = Entry.objects.all()
    for name, lookup in (("api", "api"), ("environment", "environment__iexact"), ("request_id", "request_id")):
        if value := getattr(facets, name):
            found = found.filter(**{lookup: value})
    if facets.actor:
        found = found.filter(Q(actor=facets.actor) | Q(actor_name__icontains=facets.actor))
    if facets.action:
        whole = ":" in facets.action and not facets.action.endswith(":")
        found = found.filter(action=facets.action) if whole else found.filter(action__startswith=facets.action.rstrip(":") + ":")
    if facets.outcome == OPEN:
        found = found.filter(_open())
    elif facets.outcome:
        found = found.filter(outcome=facets.outcome)
    if facets.since:
        found = found.filter(at__gte=facets.since)
    if facets.until:
        found = found.filter(at__lt=facets.until)
    return found


def _open() -> Q:
    wanted = Q(pk__in=[])
    for name, completed_by in INTENTS.items():
        completion = Entry.objects.filter(subject=OuterRef("subject"), action__in=completed_by, id__gt=OuterRef("id"))
        wanted |= Q(action=name, outcome="intent") & ~Q(Exists(completion))
    return wanted


def page(facets: Facets, *, before: int | None, size: int) -> tuple[list[Entry], int | None]:
    """The newest ``size`` entries with an id below ``before``, and the cursor of the next page (None at the end)."""
    found = matching(facets)
    if before is not None:
        found = found.filter(id__lt=before)
    entries = list(found.order_by("-id")[: size + 1])
    return entries[:size], (entries[size - 1].pk if len(entries) > size else None)


def entry(number: int) -> Entry:
    """One entry. Raises NotFound."""
    found = Entry.objects.filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotFound("There is no such entry in the log.")
    return found


def same_request(of: Entry, *, most: int = 50) -> list[Entry]:
    """The other entries of the same request or the same call, oldest first."""
    related = Q()
    if of.request_id:
        related |= Q(request_id=of.request_id)
    if of.subject and (of.action in INTENTS or any(of.action in completed for completed in INTENTS.values())):
        related |= Q(subject=of.subject, action__startswith=of.action.split(":")[0] + ":")
    return list(Entry.objects.filter(related).exclude(pk=of.pk).order_by("id")[:most]) if related else []


def known_apis() -> list[str]:
    """The APIs the newest entries name, for the filter to offer."""
    newest = Entry.objects.exclude(api="").order_by("-id").values_list("api", flat=True)[:NEWEST_LOOKED_AT]
    return sorted(set(newest))


def sealed_to() -> int:
    """The last entry that is under a seal; 0 when none is."""
    return Seal.objects.order_by("-number").values_list("last_entry", flat=True).first() or 0


def last_verification() -> Verification | None:
    """What the newest check of the whole log found."""
    return Verification.objects.order_by("-at").first()


def described(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries as the API shows them. ``outcome`` of an intent nothing has completed is ``open``."""
    rows = list(entries)
    completed = _completed(rows)
    sealed = sealed_to()
    return [
        _described(row, sealed=row.pk <= sealed, is_open=row.action in INTENTS and row.outcome == "intent" and row.pk not in completed)
        for row in rows
    ]


def _described(row: Entry, *, sealed: bool, is_open: bool) -> dict[str, Any]:
    names = {"actor": row.actor_name or row.actor, "subject": row.subject, "api": row.api, "environment": row.environment, "code": row.code}
    return {
        "id": row.pk,
        "at": row.at,
        "action": row.action,
        "outcome": OPEN if is_open else row.outcome,
        "text": sentence(row.action, names | row.data),
        "actor": {"id": row.actor, "name": row.actor_name, "session": row.session, "remote": row.remote},
        "subject": row.subject,
        "api": row.api,
        "environment": row.environment,
        "code": row.code,
        "request_id": row.request_id,
        "data": row.data,
        "sealed": sealed,
    }


def _completed(rows: list[Entry]) -> set[int]:
    """Ids of the intents among ``rows`` that were completed."""
    intents = [row for row in rows if row.action in INTENTS and row.outcome == "intent"]
    if not intents:
        return set()
    completions = {name for row in intents for name in INTENTS[row.action]}
    done = set(Entry.objects.filter(subject__in={row.subject for row in intents}, action__in=completions).values_list("subject", "action"))
    return {row.pk for row in intents if any((row.subject, name) in done for name in INTENTS[row.action])}
