"""What changes the catalog: reading rules, reading sources, publishing, comparing. Called by the sweep, a command, a button, a push."""

from __future__ import annotations

from catalog.actions.drift import compare_due, request_comparisons, tell_drift
from catalog.actions.rules import ensure_rules_source
from catalog.actions.store import complete_yaml, source_yaml
from catalog.actions.sync import claim_due, request_sync, request_sync_by_push, run_claimed, sync_now

__all__ = [
    "claim_due",
    "compare_due",
    "complete_yaml",
    "ensure_rules_source",
    "request_comparisons",
    "request_sync",
    "request_sync_by_push",
    "run_claimed",
    "source_yaml",
    "sync_now",
    "tell_drift",
]
