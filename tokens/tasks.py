"""Background work of tokens: two sweeps, because waiting for a platform's new token must not hold back the end of another."""

from __future__ import annotations

from tokens import actions


def sweep() -> int:
    """End what is over, and tell platforms; how many rows that was."""
    return actions.end_over_leases() + actions.revoke_due_tokens()


def refresh() -> int:
    """Replace what is used and near its end; how many rows that was."""
    return actions.refresh_due_leases()
