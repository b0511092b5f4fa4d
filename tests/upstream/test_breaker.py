from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from portal.errors import Unavailable
from upstream.breaker import OPEN_SECONDS, Breaker, State


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    for _ in range(6):
        breaker.failed(breaker.acquire())
    assert breaker.state is State.OPEN
    return breaker, clock


def test_six_failures_in_ten_seconds_open_it_and_five_do_not() -> None:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    for _ in range(5):
        breaker.failed(breaker.acquire())
    assert breaker.state is State.CLOSED
    clock.now += 10.1
    for _ in range(5):
        breaker.failed(breaker.acquire())
    assert breaker.state is State.CLOSED
    breaker.failed(breaker.acquire())
    with pytest.raises(Unavailable):
        breaker.acquire()


def test_alternating_failures_open_it_by_rate() -> None:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    made = 0
    while breaker.state is State.CLOSED and made < 100:
        permit = breaker.acquire()
        breaker.failed(permit) if made % 2 else breaker.succeeded(permit)
        made += 1
        clock.now += 2.5  # never more than five failures in ten seconds
    assert made == 20


def test_half_open_lets_exactly_one_of_fifty_through() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    passed: list[bool] = []
    barrier = threading.Barrier(50)

    def attempt() -> None:
        barrier.wait()
        with suppress(Unavailable):
            passed.append(breaker.acquire().probe)

    threads = [threading.Thread(target=attempt) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed == [True]


def test_the_probe_decides_and_a_probe_that_left_gives_its_place_back() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    breaker.abandoned(breaker.acquire())
    probe = breaker.acquire()
    assert probe.probe
    breaker.failed(probe)
    with pytest.raises(Unavailable):
        breaker.acquire()
    clock.now += OPEN_SECONDS
    breaker.succeeded(breaker.acquire())
    assert breaker.state is State.CLOSED
    assert not breaker.acquire().probe


def test_answers_to_calls_from_before_it_opened_change_nothing() -> None:
    clock = Clock()
    breaker = Breaker("x", clock=clock)
    early = breaker.acquire()
    for _ in range(6):
        breaker.failed(breaker.acquire())
    breaker.succeeded(early)
    assert breaker.state is State.OPEN


def test_it_says_when_to_try_again() -> None:
    breaker, clock = opened()
    clock.now += 12.5
    with pytest.raises(Unavailable) as caught:
        breaker.acquire()
    assert (caught.value.code, caught.value.headers["Retry-After"]) == ("circuit_open", "18")
