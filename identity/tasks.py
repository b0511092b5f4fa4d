"""Background work of sign-ins: two sweeps, because waiting for the provider must not hold back the end of anything."""

from __future__ import annotations

from identity import actions, revalidation


def sweep() -> int:
    """End sign-ins whose time is over; how many rows that was."""
    return actions.end_lapsed_sessions()


def revalidate() -> int:
    """Ask the provider about the sign-ins that are due; how many rows that was."""
    return revalidation.revalidate_due_sessions()
