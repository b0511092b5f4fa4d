"""Background work of the catalog: sources that are due, and YAML that nobody should have to wait for."""

from __future__ import annotations

from catalog import actions


def sweep() -> int:
    """Read every due source, the rules first; how many rows were worked on."""
    done = 0
    while (claimed := actions.claim_due()) is not None:
        actions.run_claimed(*claimed)
        done += 1
    return done or actions.complete_yaml()
