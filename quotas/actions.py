"""Spending quotas: all windows or none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from prometheus_client import Counter

from portal.errors import QuotaExceeded, Unavailable
from quotas.memory import MemoryLog
from quotas.redis_log import RedisLog, RedisUnavailable
from quotas.windows import Allowance, Window, divided

__all__ = ["MESSAGE", "Allowance", "Window", "peek", "spend"]

logger = structlog.get_logger(__name__)

MESSAGE = "Internal developer quota exceeded. Contact platform team for temporary elevation."  # P67, word for word
REFUSED = Counter("portal_quota_refused", "Calls refused because a quota was used up", ["window"])
LOCAL = Counter("portal_quota_local", "Quota decisions one process took alone because Redis could not be asked")

_alone = MemoryLog()  # the only log without Redis
_fallback = MemoryLog()  # each process's share while Redis is down
_outage = threading.Event()


@lru_cache(maxsize=4)
def _shared(url: str) -> RedisLog:
    return RedisLog(url)


def spend(windows: Sequence[Window], *, subject_name: str = "", fail_closed: bool = False) -> Allowance:
    """Charge one call to every window, or to none.

    Raises QuotaExceeded with ``Retry-After``, ``RateLimit`` and ``RateLimit-Policy``, and the windows in ``violated``.
    When Redis is configured and cannot be asked, this process takes its share (limit divided by
    ``PORTAL_WEB_PROCESSES``) and says so in the header ``X-Portal-Quota: local``; with ``fail_closed`` (protected
    environments) it raises Unavailable ``quota_unavailable`` instead. ``subject_name`` is only logged.
    """
    allowance = _decide(windows, charge=True, fail_closed=fail_closed)
    if violated := allowance.violated:
        for usage in violated:
            REFUSED.labels(usage.window.name).inc()
        names = [usage.window.name for usage in violated]
        policies: dict[str, Any] = {"violated-policies": names}  # the member the draft's problem type names
        logger.info("quota_exceeded", windows=names, subject=subject_name, retry_after=allowance.retry_after)
        raise QuotaExceeded(
            MESSAGE,
            headers={"Retry-After": str(allowance.retry_after)} | allowance.headers(),
            violated=[
                {"name": u.window.name, "limit": u.window.limit, "seconds": u.window.seconds, "wait": round(u.wait, 3)} for u in violated
            ],
            **policies,
        )
    return allowance


def peek(windows: Sequence[Window]) -> Allowance:
    """What is left, without spending anything."""
    return _decide(windows, charge=False, fail_closed=False)


def _decide(windows: Sequence[Window], *, charge: bool, fail_closed: bool) -> Allowance:
    if not windows:
        return Allowance(())
    if not settings.REDIS_URL:
        return Allowance(tuple(_alone.decide(windows, charge=charge)))
    try:
        usages = _shared(settings.REDIS_URL).decide(windows, charge=charge)
    except RedisUnavailable:
        if not _outage.is_set():
            _outage.set()
            logger.warning("quota_local", processes=settings.PORTAL_WEB_PROCESSES)
        if fail_closed:
            raise Unavailable(
                "The quota store cannot be asked, and a protected environment is not called without it. Try again in a moment.",
                code="quota_unavailable",
                headers={"Retry-After": "2"},
            ) from None
        LOCAL.inc()
        share = divided(windows, settings.PORTAL_WEB_PROCESSES)
        return Allowance(tuple(_fallback.decide(share, charge=charge)), local=True)
    if _outage.is_set():
        _outage.clear()
        logger.info("quota_shared_again")
    return Allowance(tuple(usages))
