"""Background work of tokens."""

from __future__ import annotations

from tokens import actions


def sweep() -> int:
    """End what is over, replace what is used and near its end, tell platforms; how many rows that was."""
    return actions.end_over_leases() + actions.refresh_due_leases() + actions.revoke_due_tokens()
