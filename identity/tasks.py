"""Background work of sign-ins."""

from __future__ import annotations

from identity import actions, revalidation


def sweep() -> int:
    """End sign-ins whose time is over, ask the provider about those that are due; how many rows that was."""
    return actions.end_lapsed_sessions() + revalidation.revalidate_due_sessions()
