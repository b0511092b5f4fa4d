"""What runs in the background: searching for mistakes, and forgetting."""

from __future__ import annotations

from django.utils import timezone

from harness.actions.diagnosing import run_due
from harness.actions.forgetting import forget_old


def sweep() -> int:
    """Run the searches that are due and remove what is kept no longer; how many rows that was."""
    return run_due() + forget_old(timezone.now())
