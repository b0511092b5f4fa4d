"""One thread that writes for all calls: whatever is waiting becomes one transaction.

A call waits until its intent is committed. With a transaction each, SQLite serves one writer at a time and PostgreSQL
waits for the disk each time; together they pay once (measured on SQLite: 2.8 thousand rows a second against 11.6).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

logger = structlog.get_logger(__name__)

Result = TypeVar("Result")
LONGEST_QUEUE = 4_000  # writes waiting for the database; beyond it nothing can be recorded, so nothing is sent
LARGEST_BATCH = 128
MOST_LATE = 10_000  # outcomes kept in memory while the database is away; the intents of the rest are swept as unknown
PAUSE_SECONDS = 1.0


class QueueFull(Exception):
    """The database is so far behind that no more can be promised to it."""


@dataclass(slots=True)
class _Write:
    run: Callable[[], Any]
    keep: bool  # try again until it succeeds
    done: Future[Any] = field(default_factory=Future)

    def is_wanted(self) -> bool:
        """False when whoever asked for it has called it off; after True it can no longer be."""
        return self.done.running() or self.done.set_running_or_notify_cancel()


class Writer:
    """Starts its thread with the first write. ``stop`` writes what is waiting and ends the thread."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._late: list[_Write] = []
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    async def write(self, run: Callable[[], Result], *, seconds: float, keep: bool = False) -> Result:
        """Run ``run`` in the next transaction and return what it returned, once that is committed.

        Raises what ``run`` or the commit raised; QueueFull; TimeoutError after ``seconds``. With ``keep`` the write is
        not given up then: it is tried again until the database takes it.
        """
        write = self._submit(run, keep=keep)
        try:
            async with asyncio.timeout(seconds):
                result: Result = await asyncio.shield(asyncio.wrap_future(write.done)) if keep else await asyncio.wrap_future(write.done)
        except (TimeoutError, asyncio.CancelledError):
            if not keep:
                write.done.cancel()
            raise
        return result

    def stop(self, *, seconds: float = 10.0) -> None:
        """Write what is waiting and end. Safe to call twice."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(timeout=seconds)

    def _submit(self, run: Callable[[], Any], *, keep: bool) -> _Write:
        if self._queue.qsize() >= LONGEST_QUEUE:
            raise QueueFull
        write = _Write(run, keep)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="gateway-writer", daemon=True)
                self._thread.start()
            self._queue.put(write)
        return write

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = self._next_batch()
            try:
                self._commit(batch)
            finally:
                close_old_connections()
        if self._late:
            logger.error("outcomes_not_recorded", count=len(self._late))

    def _next_batch(self) -> tuple[list[_Write], bool]:
        """Whatever waits now, late writes first; waits for the first one. True when this is the last batch."""
        batch, self._late = self._late, []
        try:
            first = self._queue.get(timeout=PAUSE_SECONDS if batch else None)
            while first is not None:
                batch.append(first)
                if len(batch) >= LARGEST_BATCH:
                    return batch, False
                first = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _commit(self, batch: Sequence[_Write]) -> None:
        done: list[tuple[_Write, Any]] = []
        try:
            with transaction.atomic():
                # Waiting for the database happens above; a write that was called off meanwhile is left out.
                done.extend((write, write.run()) for write in batch if write.is_wanted())
        except Exception:  # noqa: BLE001  (one bad write must not take the others with it: each gets its own transaction)
            for write in batch:
                self._commit_alone(write)
            return
        for write, result in done:
            write.done.set_result(result)

    def _commit_alone(self, write: _Write) -> None:
        try:
            with transaction.atomic():
                if not write.is_wanted():
                    return
                result = write.run()
        except Exception as error:  # noqa: BLE001  (whatever it is, the caller is told, or the write is kept)
            if write.keep and isinstance(error, (OperationalError, InterfaceError)) and len(self._late) < MOST_LATE:
                logger.warning("outcome_late", reason=type(error).__name__)
                self._late.append(write)
            elif write.is_wanted():
                write.done.set_exception(error)
        else:
            write.done.set_result(result)
