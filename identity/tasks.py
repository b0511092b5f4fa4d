"""Background work of sign-ins."""

from __future__ import annotations

from identity import actions


def sweep() -> int:
    """End sign-ins whose time is over; how many rows that was."""
    return actions.end_lapsed_sessions()
