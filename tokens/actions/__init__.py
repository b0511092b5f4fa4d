"""Taking, using, showing and ending tokens."""

from __future__ import annotations

from tokens.actions.ending import end_lease, end_over_leases, revoke, revoke_anybodys, revoke_due_tokens
from tokens.actions.holding import refresh, refresh_due_leases, reveal
from tokens.actions.taking import (
    LONGEST_TTL,
    SHORTEST_TTL,
    Leased,
    check_tokenless_call,
    create_lease,
    lease_for_call,
    replace_rejected,
)

__all__ = [
    "LONGEST_TTL",
    "SHORTEST_TTL",
    "Leased",
    "check_tokenless_call",
    "create_lease",
    "end_lease",
    "end_over_leases",
    "lease_for_call",
    "refresh",
    "refresh_due_leases",
    "replace_rejected",
    "reveal",
    "revoke",
    "revoke_anybodys",
    "revoke_due_tokens",
]
