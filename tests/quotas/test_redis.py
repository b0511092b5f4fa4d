from __future__ import annotations

import multiprocessing
import os
import threading
import time
import uuid
from typing import Any

import pytest
import redis

from portal.errors import QuotaExceeded
from quotas.actions import Window, spend
from quotas.redis_log import RedisLog

pytestmark = pytest.mark.redis


@pytest.fixture
def url() -> str:
    return os.environ["PORTAL_TEST_REDIS_URL"]


def attempts(url: str, key: str, admitted: Any) -> None:
    log = RedisLog(url)
    window = Window("w", key, 50, 60)

    def attempt() -> None:
        for _ in range(10):
            (usage,) = log.decide([window], charge=True)
            if not usage.wait:
                with admitted.get_lock():
                    admitted.value += 1

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_exactly_the_limit_passes_across_processes(url: str) -> None:
    context = multiprocessing.get_context("fork")
    admitted = context.Value("i", 0)
    key = uuid.uuid4().hex
    processes = [context.Process(target=attempts, args=(url, key, admitted)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert admitted.value == 50


def test_after_exactly_retry_after_the_call_passes(url: str, settings: Any) -> None:
    settings.REDIS_URL = url
    windows = [Window("second", uuid.uuid4().hex, 3, 1), Window("minute", uuid.uuid4().hex, 100, 60)]
    for _ in range(3):
        spend(windows)
    with pytest.raises(QuotaExceeded) as caught:
        spend(windows)
    time.sleep(int(caught.value.headers["Retry-After"]))
    allowance = spend(windows)
    assert allowance.usages[1].used == 4, "the refused call was not charged to the minute"
    assert not allowance.local


def test_keys_end_by_themselves_and_hold_no_text_of_callers(url: str) -> None:
    key = "somebody@example.com " + uuid.uuid4().hex
    RedisLog(url).decide([Window("w", key, 5, 2)], charge=True)
    client: Any = redis.Redis.from_url(url)
    mine = [name for name in client.scan_iter("portal:{quota}:*:2") if 0 < int(client.pttl(name)) <= 3000]
    assert mine
    assert all(b"example" not in name for name in mine)
