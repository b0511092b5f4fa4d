from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import QuotaExceeded, Unavailable
from quotas import actions
from quotas.actions import Window, peek, spend
from quotas.memory import SWEEP_EVERY, MemoryLog


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def minute(limit: int, key: str = "a") -> Window:
    return Window("user-minute", key, limit, 60)


@given(st.lists(st.floats(min_value=0.0, max_value=9.0), max_size=120), st.integers(1, 7), st.integers(1, 20))
def test_no_window_of_any_position_holds_more_than_the_limit(pauses: list[float], limit: int, seconds: int) -> None:
    clock = Clock()
    log = MemoryLog(clock)
    window = Window("w", "k", limit, seconds)
    admitted: list[float] = []
    for pause in pauses:
        clock.now += pause
        (usage,) = log.decide([window], charge=True)
        if not usage.wait:
            admitted.append(clock.now)
    for start in admitted:
        assert sum(start <= at < start + seconds for at in admitted) <= limit


@given(st.lists(st.floats(min_value=0.0, max_value=3.0), min_size=1, max_size=60), st.integers(1, 5), st.integers(1, 5))
def test_after_the_wait_there_is_room(pauses: list[float], limit: int, other_limit: int) -> None:
    clock = Clock()
    log = MemoryLog(clock)
    windows = [Window("w", "k", limit, 10), Window("v", "k2", other_limit, 4)]
    for pause in pauses:
        clock.now += pause
        usages = log.decide(windows, charge=True)
        if wait := max(usage.wait for usage in usages):
            clock.now += wait + 1e-6
            assert not any(usage.wait for usage in log.decide(windows, charge=True))


def test_all_windows_are_charged_or_none() -> None:
    clock = Clock()
    log = MemoryLog(clock)
    second, long = Window("second", "p", 1, 1), Window("minute", "u", 10, 60)
    log.decide([second, long], charge=True)
    for _ in range(5):
        usages = log.decide([second, long], charge=True)
        assert (usages[0].wait > 0, usages[1].used) == (True, 1)


def test_made_up_keys_do_not_stay_in_memory() -> None:
    clock = Clock()
    log = MemoryLog(clock)
    for number in range(3 * SWEEP_EVERY):
        clock.now += 1
        log.decide([minute(5, str(number))], charge=True)
    assert len(log) < SWEEP_EVERY + 70


def test_exactly_the_limit_passes_under_concurrency(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = ""
    monkeypatch.setattr(actions, "_alone", MemoryLog())
    passed: list[int] = []
    barrier = threading.Barrier(32)

    def attempt() -> None:
        barrier.wait()
        for _ in range(20):
            try:
                spend([minute(50)])
            except QuotaExceeded:
                continue
            passed.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50


def test_a_refusal_says_who_to_ask_and_when_to_come_back(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = ""
    clock = Clock()
    monkeypatch.setattr(actions, "_alone", MemoryLog(clock))
    windows = [minute(2), Window('odd "näme"', "b", 9, 1)]
    first = spend(windows)
    assert first.headers()["RateLimit"] == '"user-minute";r=1;t=60, "odd \\"n?me\\"";r=8;t=1'
    clock.now += 10.4
    spend(windows)
    with pytest.raises(QuotaExceeded) as caught:
        spend(windows)
    error = caught.value
    assert error.detail == "Internal developer quota exceeded. Contact platform team for temporary elevation."
    assert error.headers["Retry-After"] == "50"
    assert error.headers["RateLimit-Policy"] == '"user-minute";q=2;w=60, "odd \\"n?me\\"";q=9;w=1'
    assert re.match(r'"user-minute";r=0;t=50, ', error.headers["RateLimit"])
    assert error.extra["violated-policies"] == ["user-minute"]
    assert peek(windows).usages[1].used == 1
    clock.now += 50
    spend(windows)


def test_looking_costs_nothing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = ""
    monkeypatch.setattr(actions, "_alone", MemoryLog())
    for _ in range(5):
        assert peek([minute(1)]).usages[0].remaining == 1
    assert spend([minute(1)]).usages[0].remaining == 0


def test_a_limit_of_nothing_admits_nobody(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS_URL = ""
    monkeypatch.setattr(actions, "_alone", MemoryLog())
    with pytest.raises(QuotaExceeded):
        spend([minute(0)])


def test_without_redis_each_process_takes_its_share_and_protected_environments_close(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL, settings.PORTAL_WEB_PROCESSES = "redis://127.0.0.1:1/0", 4
    monkeypatch.setattr(actions, "_fallback", MemoryLog())
    passed = 0
    for _ in range(50):
        try:
            allowance = spend([minute(50)])
        except QuotaExceeded as error:
            assert error.headers["X-Portal-Quota"] == "local"
            continue
        assert allowance.headers()["X-Portal-Quota"] == "local"
        passed += 1
    assert passed == 12
    with pytest.raises(Unavailable) as caught:
        spend([minute(50)], fail_closed=True)
    assert (caught.value.code, caught.value.headers["Retry-After"]) == ("quota_unavailable", "2")
