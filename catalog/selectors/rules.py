"""The rules in force."""

from __future__ import annotations

from functools import lru_cache

from django.db.models import QuerySet

from catalog import rules_check
from catalog.models import RulesRevision
from catalog.rules import Environment, Rules
from identity.access import Access


def current_rules() -> Rules:
    """The rules in force; empty ones before the first sound commit. One query; parsing is cached by content."""
    row = RulesRevision.objects.filter(current=True).values_list("digest", "commit").first()
    return Rules() if row is None else _rules_of(*row)


@lru_cache(maxsize=4)
def _rules_of(digest: str, commit: str) -> Rules:
    files = RulesRevision.objects.filter(digest=digest, sound=True).values_list("files", flat=True)[:1]
    return rules_check.read(files[0], commit=commit).rules


def storable(*values: str) -> bool:
    """False when a value from an address can be no row's: PostgreSQL refuses even to compare NUL."""
    return not any("\0" in value for value in values)


def environments_for(access: Access) -> tuple[Environment, ...]:
    """The environments this person may look at, in promotion order."""
    return current_rules().environments if access.role else ()


def rules_revisions() -> QuerySet[RulesRevision]:
    """Every commit of the rules that was judged, newest first."""
    return RulesRevision.objects.defer("files").order_by("-pk")
