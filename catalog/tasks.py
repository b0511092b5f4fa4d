"""Background work of the catalog: sources that are due, what differs between environments, and YAML that nobody should
have to wait for."""

from __future__ import annotations

import time

from catalog import actions

COMPARING_SECONDS = 20.0  # then sources are looked at again
LOOK_EVERY_SECONDS = 60.0  # for comparisons that are missing though nothing was published: other rules, dropped rows
_looked = -LOOK_EVERY_SECONDS  # the monotonic clock when this process last looked


def sweep() -> int:
    """Read every due source, the rules first; how many rows were worked on."""
    done = 0
    while (claimed := actions.claim_due()) is not None:
        actions.run_claimed(*claimed)
        done += 1
    return done or _compare() or actions.complete_yaml()


def _compare() -> int:
    global _looked
    now = time.monotonic()
    if now - _looked >= LOOK_EVERY_SECONDS:
        _looked = now
        actions.request_comparisons()
    return actions.compare_due(seconds=COMPARING_SECONDS)
