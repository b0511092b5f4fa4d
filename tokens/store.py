"""Where tokens lie: sealed, in Redis when there is one, else beside the lease in the database; never in clear.

A token belongs to one generation of its lease; another generation's is not served, wherever it turns up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import redis
import structlog
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from identity.encryption import SealBroken, resealed, seal, unseal
from tokens.models import SealedToken

logger = structlog.get_logger(__name__)

PREFIX = "portal:token:"
# Only while it is still the same; its end stays.
REPLACE = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('set', KEYS[1], ARGV[2], 'KEEPTTL') return 1 end return 0"
REST_SECONDS = 1.0  # after a failure Redis is left alone this long

_resting_until: dict[str, float] = {}  # address -> monotonic moment


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)


def put(lease_id: UUID, *, generation: int, token: str, until: datetime) -> None:
    """Keep a token until it is forgotten, at the latest until ``until``."""
    sealed = seal(f"{generation}:{token}".encode())
    milliseconds = max(1, int((until - timezone.now()).total_seconds() * 1000))
    if settings.REDIS_URL and _ask(lambda client: client.set(f"{PREFIX}{lease_id}", sealed, px=milliseconds)) is not None:
        SealedToken.objects.filter(lease_id=lease_id).delete()
        return
    SealedToken.objects.update_or_create(lease_id=lease_id, defaults={"generation": generation, "sealed": sealed})


class StoreAway(Exception):
    """Redis cannot be asked, and the token may lie there."""


def get(lease_id: UUID, *, generation: int) -> str | None:
    """The token of this generation, or None when it is not there: lost, replaced, sealed with a key that is gone, or out of reach."""
    try:
        return look(lease_id, generation=generation)
    except StoreAway:
        return None


def look(lease_id: UUID, *, generation: int) -> str | None:
    """As ``get``, for whoever must know whether it is really not there. Raises StoreAway."""
    away: StoreAway | None = None
    if settings.REDIS_URL:
        try:
            kept = _asked(lambda client: client.get(f"{PREFIX}{lease_id}"))
            token = _opened(kept, generation) if isinstance(kept, bytes) else None
            if token is not None:
                return token
        except StoreAway as error:
            away = error
    row = SealedToken.objects.filter(lease_id=lease_id).values_list("sealed", flat=True).first()
    found = None if row is None else _opened(bytes(row), generation)
    if found is None and away is not None:
        raise away
    return found


def forget(lease_id: UUID) -> None:
    """Delete the token wherever it lies. A Redis that is away lets its copy run out; no generation serves it again."""
    if settings.REDIS_URL:
        _ask(lambda client: client.delete(f"{PREFIX}{lease_id}"))
    SealedToken.objects.filter(lease_id=lease_id).delete()


def reseal() -> tuple[int, int, int]:
    """Encrypt what Redis holds with the first key again: how many were so already, are now, and fit no key. Raises RedisError."""
    current = changed = broken = 0
    if not settings.REDIS_URL:
        return current, changed, broken
    client = _client(settings.REDIS_URL)
    replace = client.register_script(REPLACE)
    for key in client.scan_iter(f"{PREFIX}*", count=500):
        kept = client.get(key)
        if not isinstance(kept, bytes):
            continue
        try:
            fresh = resealed(kept)
        except SealBroken:
            broken += 1
            continue
        if fresh is None:
            current += 1
        else:
            changed += int(replace(keys=[key], args=[kept, fresh]))
    return current, changed, broken


def _opened(sealed: bytes, generation: int) -> str | None:
    try:
        kept_generation, _, token = unseal(sealed).decode().partition(":")
    except SealBroken:
        logger.warning("sealed_token_unreadable")
        return None
    return token if kept_generation == str(generation) else None


def _ask(question: Callable[[redis.Redis], object]) -> object | None:
    """The answer of Redis, or None while it cannot be asked."""
    try:
        return _asked(question)
    except StoreAway:
        return None


def _asked(question: Callable[[redis.Redis], object]) -> object | None:
    """The answer of Redis. Raises StoreAway."""
    if time.monotonic() < _resting_until.get(settings.REDIS_URL, 0.0):
        raise StoreAway
    try:
        return question(_client(settings.REDIS_URL))
    except RedisError as error:
        _resting_until[settings.REDIS_URL] = time.monotonic() + REST_SECONDS
        logger.warning("token_store_unavailable", error=type(error).__name__)
        raise StoreAway from None
