"""The writer: what is promised is committed, one bad write takes no other with it, and what must be kept is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from gateway import writer as writer_module
from gateway.models import Call
from gateway.writer import QueueFull, Writer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer()
    yield made
    made.stop()


def count() -> int:
    return Call.objects.count()


def insert(identifier: int) -> int:
    Call.objects.bulk_create(
        [
            Call(
                id=UUID(int=identifier),
                at=datetime.now(UTC),
                request_id="r",
                environment="e",
                api="a",
                method="GET",
                path="/",
                state="sent",
            )
        ]
    )
    return identifier


def test_a_write_is_committed_when_its_result_is_there(writer: Writer) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(writer.write(partial(insert, number), seconds=5) for number in range(1, 41)))

    assert asyncio.run(main()) == list(range(1, 41))
    assert count() == 40


def test_one_bad_write_takes_no_other_with_it(writer: Writer) -> None:
    async def main() -> list[object]:
        numbers = [1, 2, 2, 3]  # the second 2 breaks the primary key
        return await asyncio.gather(*(writer.write(partial(insert, number), seconds=5) for number in numbers), return_exceptions=True)

    results = asyncio.run(main())
    assert [one for one in results if isinstance(one, int)] == [1, 2, 3]
    assert sum(isinstance(one, Exception) for one in results) == 1
    assert count() == 3


def test_a_write_that_was_called_off_while_waiting_is_left_out(writer: Writer) -> None:
    held = threading.Event()

    async def main() -> None:
        blocking = asyncio.ensure_future(writer.write(lambda: held.wait(5), seconds=10))
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            await writer.write(lambda: insert(1), seconds=0.1)
        held.set()
        await blocking
        await writer.write(lambda: insert(2), seconds=5)

    asyncio.run(main())
    assert [call.id.int for call in Call.objects.all()] == [2]


def test_a_kept_write_is_tried_until_the_database_takes_it(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PAUSE_SECONDS", 0.05)
    tries = []

    def reluctant() -> int:
        tries.append(1)
        if len(tries) < 4:
            raise OperationalError("the database is away")
        return insert(7)

    assert asyncio.run(writer.write(reluctant, seconds=5, keep=True)) == 7
    assert count() == 1


def test_a_kept_write_with_a_bug_is_not_tried_for_ever(writer: Writer) -> None:
    def broken() -> int:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        asyncio.run(writer.write(broken, seconds=5, keep=True))


def test_a_queue_that_is_full_promises_nothing(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "LONGEST_QUEUE", 0)
    with pytest.raises(QueueFull):
        asyncio.run(writer.write(lambda: insert(1), seconds=1))


def test_stopping_writes_what_is_waiting() -> None:
    made = Writer()

    async def main() -> None:
        waiting = [asyncio.ensure_future(made.write(partial(insert, number), seconds=5)) for number in range(1, 21)]
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, made.stop)
        await asyncio.gather(*waiting)

    asyncio.run(main())
    assert count() == 20
    assert connection.in_atomic_block is False
