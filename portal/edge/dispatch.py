"""Who gets a request: a plain handler by prefix, or Django; and what happens when the server starts and stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from portal.web.asgi import Application, Receive, Scope, Send

logger = structlog.get_logger(__name__)

Hook = Callable[[], Awaitable[None]]


class Dispatch:
    """One ASGI application out of several. The longest prefixes are few, so they are tried in order."""

    def __init__(
        self,
        fallback: Application,
        doors: Mapping[str, Application],
        *,
        starting: Sequence[Hook] = (),
        stopping: Sequence[Hook] = (),
    ) -> None:
        self.fallback = fallback
        self.doors = tuple(doors.items())
        self.starting = starting
        self.stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            for prefix, door in self.doors:
                if path.startswith(prefix):
                    await door(scope, receive, send)
                    return
            await self.fallback(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run the start and stop hooks when the server says so; a hook that fails keeps the server from starting."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    for hook in self.starting:
                        await hook()
                except Exception as error:  # noqa: BLE001  (whatever it is, the server must say it and not start)
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                for hook in self.stopping:
                    try:
                        await hook()
                    except Exception:  # the other hooks must still run
                        logger.exception("stop_hook_failed")
                await send({"type": "lifespan.shutdown.complete"})
                return
