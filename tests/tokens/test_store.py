"""Where tokens lie, with Redis and without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone
from pytest_django import Settings

from tests.tokens.conftest import Endpoint
from tests.tokens.test_leases import READ, call
from tokens import store
from tokens.models import SealedToken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]


@pytest.fixture
def with_redis(settings: Settings) -> Iterator[redis.Redis]:
    settings.REDIS_URL = os.environ["PORTAL_TEST_REDIS_URL"]
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield client
    for key in client.scan_iter(f"{store.PREFIX}*"):
        client.delete(key)
    client.close()
    store._client(settings.REDIS_URL).close()
    store._client.cache_clear()


@pytest.mark.redis
def test_redis_holds_it_sealed_until_the_platform_would_forget_it(owner: Any, endpoint: Endpoint, with_redis: redis.Redis) -> None:
    leased = call(owner, READ)
    key = f"{store.PREFIX}{leased.lease_id}"
    assert leased.value.encode() not in (with_redis.get(key) or b"")  # type: ignore[operator]
    assert 3500 < with_redis.ttl(key) <= 3600  # type: ignore[operator]
    assert not SealedToken.objects.exists()
    assert call(owner, READ).value == leased.value
    store.forget(leased.lease_id)
    assert with_redis.get(key) is None


@pytest.mark.redis
def test_redis_that_lost_everything_means_asking_again(owner: Any, endpoint: Endpoint, with_redis: redis.Redis) -> None:
    leased = call(owner, READ)
    with_redis.delete(f"{store.PREFIX}{leased.lease_id}")
    assert call(owner, READ).value == endpoint.issued[1]


def test_while_redis_is_away_the_database_holds_it(owner: Any, endpoint: Endpoint, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    leased = call(owner, READ)
    assert SealedToken.objects.count() == 1
    assert call(owner, READ).value == leased.value
    assert len(endpoint.issued) == 1
    store._client.cache_clear()


def test_another_generation_is_never_served(owner: Any) -> None:
    leased = call(owner, READ)
    assert store.get(leased.lease_id, generation=1) == leased.value
    assert store.get(leased.lease_id, generation=2) is None
    store.put(leased.lease_id, generation=2, token="new", until=timezone.now() + timedelta(hours=1))
    assert store.get(leased.lease_id, generation=1) is None
