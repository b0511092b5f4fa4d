"""What changes the gateway's rows: calls as they come and go, and limits that are raised for a while."""

from __future__ import annotations

from gateway.actions.calls import UNKNOWN_AFTER, close_unknown, record_end, record_intent, record_outcome, record_refusal, record_replay
from gateway.actions.elevations import decide_elevation, request_elevation

__all__ = [
    "UNKNOWN_AFTER",
    "close_unknown",
    "decide_elevation",
    "record_end",
    "record_intent",
    "record_outcome",
    "record_refusal",
    "record_replay",
    "request_elevation",
]
