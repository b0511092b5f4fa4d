"""What runs in the background: forgetting."""

from __future__ import annotations

from django.utils import timezone

from harness.actions.forgetting import forget_old


def sweep() -> int:
    """Remove what is kept no longer; how many rows that was."""
    return forget_old(timezone.now())
