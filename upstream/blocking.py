"""The same door for synchronous code: one event loop in one thread of its own, shared by all callers of the process."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading

from portal.errors import UpstreamTimeout
from upstream import client, connections
from upstream.messages import Answer, Limits, Outgoing, Target

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0  # process id: a forked child must not use its parent's loop
# The loop keeps the deadlines itself; this only bounds how long a caller waits for a loop that is stuck.
GRACE_SECONDS = 5.0


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid():
            _loop, _owner = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_serve, args=(_loop,), name="upstream", daemon=True).start()
        return _loop


def send(target: Target, outgoing: Outgoing, *, limits: Limits = client.DEFAULT_LIMITS) -> Answer:
    """``upstream.client.send`` for callers without an event loop; same errors."""
    future = asyncio.run_coroutine_threadsafe(client.send(target, outgoing, limits=limits), _running_loop())
    try:
        return future.result(timeout=limits.total + GRACE_SECONDS)
    except concurrent.futures.TimeoutError:
        future.cancel()
        raise UpstreamTimeout(f"{target.name} did not answer within {limits.total:g} s.", code="upstream_timeout") from None


def stop() -> None:
    """Close the kept connections and end the thread; the next ``send`` starts another."""
    global _loop
    with _lock:
        loop, _loop = (_loop if _owner == os.getpid() else None), None
    if loop is None:
        return
    asyncio.run_coroutine_threadsafe(connections.close_all(), loop).result(timeout=GRACE_SECONDS)
    loop.call_soon_threadsafe(loop.stop)


atexit.register(stop)
