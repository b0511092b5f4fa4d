"""The one ASGI application: the guard in front, plain handlers for the doors, Django for everything else."""

from __future__ import annotations

import gc
import os
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()  # sets Django up: the rooms below need its registry

from gateway.edge import the_gateway
from harness.edge import application as webhook_door
from portal.checks import refuse_unsafe_production
from portal.edge.dispatch import Dispatch
from portal.edge.guard import Guard
from portal.edge.lock import WebProcessLock
from portal.web.asgi import Application
from upstream.connections import close_all as close_connections

web_process_lock = WebProcessLock(settings.PORTAL_HOME)
gateway = the_gateway()
DOORS: dict[str, Application] = {"/gateway/": gateway, "/in/": webhook_door}


async def refuse_to_start_unsafe() -> None:
    """Settings that are unsafe in production, and a second process where only one can count, keep the server from starting."""
    refuse_unsafe_production()
    if not settings.REDIS_URL:
        web_process_lock.acquire()


async def settle_memory() -> None:
    """What was imported stays: the collector need not walk it for every few hundred objects of a parsed answer (a tenth of a call's time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def let_go() -> None:
    """Finish what was begun: calls are written down, connections closed, the place is free for another process."""
    await gateway.stop()
    await close_connections()
    web_process_lock.release()


def body_limit(path: str) -> int | None:
    """The doors count for themselves, in the order their contracts promise; Django is never given more than this."""
    return None if path.startswith(tuple(DOORS)) else settings.DATA_UPLOAD_MAX_MEMORY_SIZE


application = Guard(
    Dispatch(cast("Application", django_application), DOORS, starting=[refuse_to_start_unsafe, settle_memory], stopping=[let_go]),
    body_limit=body_limit,
)
