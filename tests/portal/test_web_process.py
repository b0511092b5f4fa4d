"""One web process where quotas are counted inside it; start and stop; who gets a request."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.edge.dispatch import Dispatch
from portal.edge.lock import AlreadyServed, WebProcessLock

HOLD = "import sys,time;from pathlib import Path;from portal.edge.lock import WebProcessLock as W;l=W(Path(sys.argv[1]));l.acquire();print('held',flush=True);time.sleep(60)"


def test_a_second_process_is_refused_and_told_which_one_serves(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyServed, match=f"Process {holder.pid} already serves"):
            WebProcessLock(tmp_path).acquire()
        holder.kill()
        holder.wait()
    after = WebProcessLock(tmp_path)
    after.acquire()  # a process that was killed holds nothing
    after.release()


def live(dispatch: Dispatch) -> list[dict[str, Any]]:
    """Drive one lifespan and return what the application said."""
    said: list[dict[str, Any]] = []
    orders = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(orders)}

    async def send(message: Any) -> None:
        said.append(dict(message))

    asyncio.run(dispatch({"type": "lifespan"}, receive, send))
    return said


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("not for this application")


def test_hooks_run_at_start_and_at_stop() -> None:
    ran: list[str] = []

    async def start() -> None:
        ran.append("start")

    async def stop() -> None:
        ran.append("stop")

    assert [message["type"] for message in live(Dispatch(nobody, {}, starting=[start], stopping=[stop]))] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert ran == ["start", "stop"]


def test_a_hook_that_refuses_keeps_the_server_from_starting() -> None:
    async def refuse() -> None:
        raise AlreadyServed("Process 7 already serves it.")

    assert live(Dispatch(nobody, {}, starting=[refuse])) == [{"type": "lifespan.startup.failed", "message": "Process 7 already serves it."}]


def test_a_request_goes_to_the_door_of_its_prefix() -> None:
    seen: list[str] = []

    async def door(scope: Any, receive: Any, send: Any) -> None:
        seen.append("door " + scope["path"])

    async def django(scope: Any, receive: Any, send: Any) -> None:
        seen.append("django " + scope["path"])

    dispatch = Dispatch(django, {"/gateway/": door})
    for path in ("/gateway/a/b", "/gateway", "/apis"):
        asyncio.run(dispatch({"type": "http", "path": path}, None, None))  # type: ignore[arg-type]
    assert seen == ["door /gateway/a/b", "django /gateway", "django /apis"]
