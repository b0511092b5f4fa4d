"""What a call leaves behind when something ends in the middle of it: the client, the database, the process."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.edge import MOST_READ_UNKNOWN, THREADS
from identity.refusals import REFUSALS_A_MINUTE
from tests.gateway.upstreams import wait_until
from tests.gateway.world import ROOT, World

pytestmark = pytest.mark.own_process


def raw_request(world: World, path: str) -> bytes:
    return (
        f"GET /gateway/staging/plain-things-v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.people['tess']['key']}\r\n\r\n"
    ).encode()


def newest(world: World) -> dict[str, object]:
    return next(iter(world.rows("SELECT * FROM gateway_call ORDER BY id DESC LIMIT 1")), {"code": None, "method": None})


def test_a_client_that_hangs_up_ends_the_call_at_the_platform_and_is_recorded(world: World) -> None:
    before = world.platform.open_connections
    with socket.create_connection(("127.0.0.1", world.port)) as client:
        client.sendall(raw_request(world, "/behave/never"))
        assert wait_until(lambda: len(world.platform.calls) == 1)
    started = time.monotonic()
    assert wait_until(lambda: newest(world)["code"] == "client_gone", seconds=3)
    assert wait_until(lambda: world.platform.open_connections <= before, seconds=3)
    assert time.monotonic() - started < 1.5
    call = world.rows("SELECT action, outcome, code FROM audit_entry WHERE request_id = ? ORDER BY id", newest(world)["request_id"])
    assert [(row["action"], row["outcome"], row["code"]) for row in call] == [
        ("call:sent", "intent", ""),
        ("call:answered", "failed", "client_gone"),
    ]


def test_a_client_that_hangs_up_in_its_body_is_recorded_and_nothing_is_sent(world: World) -> None:
    head = (
        f"PUT /gateway/staging/plain-things-v1/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.people['tess']['key']}\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: 300000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", world.port)) as client:
        client.sendall(head.encode() + b"x" * 1_000)
        time.sleep(0.2)
    assert wait_until(lambda: (newest(world)["code"], newest(world)["method"]) == ("client_gone", "PUT"), seconds=3)
    assert world.platform.received == []


def test_nothing_is_left_open_after_everything_went_wrong(world: World) -> None:
    def some_of_everything() -> None:
        paths = ["/things", "/behave/endless", "/behave/bomb", "/behave/redirect", "/behave/wrong", "/behave/twice", "/behave/cookies"]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda path: world.call("GET", path), paths * 4))
            list(pool.map(lambda name: world.call("GET", f"/behave/{name}", platform=name), ["cut", "reset", "malformed", "closed"] * 2))
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", world.port)) as client:
                client.sendall(raw_request(world, "/behave/never"))
                time.sleep(0.02)

    def quiet() -> bool:
        return world.platform.open_connections == 0 and world.sockets() <= before

    def under_way() -> int:
        """Calls of this test without an outcome; a portal that was killed before it may have left others to the sweep."""
        return int(world.rows("SELECT count(*) AS n FROM gateway_call WHERE state = 'sent' AND id > ?", newest_before)[0]["n"])

    world.call("GET", "/things")
    newest_before = newest(world)["id"]
    before = world.sockets()
    for _ in range(2):
        some_of_everything()
        assert wait_until(quiet, seconds=12), (before, world.sockets(), world.platform.open_connections)
    assert world.files() <= 12 + 3 * (THREADS + 8)  # no more than the threads there are: the gateway's, Django's, the writer's
    assert wait_until(lambda: under_way() == 0, seconds=20)


def test_bodies_that_never_come_keep_nobody_else_out(world: World) -> None:
    head = (
        b"POST /gateway/staging/plain-things-v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    )
    with contextlib.ExitStack() as open_sockets:
        clients = [
            open_sockets.enter_context(socket.create_connection(("127.0.0.1", world.port), source_address=("127.0.0.2", 0)))
            for _ in range(MOST_READ_UNKNOWN + 20)
        ]
        for client in clients:
            client.sendall(head)
        # Past the bound nobody is waited for: a stranger learns at once that they are one.
        assert wait_until(lambda: b" 401 " in _first_line(clients[-1]), seconds=5)
        assert world.call("GET", "/things").status == 200
        assert world.call("POST", "/things", body={"name": "mine"}).status == 201
    assert wait_until(lambda: world.call("GET", "/things").status == 200)


def _first_line(client: socket.socket) -> bytes:
    client.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        return client.recv(200).partition(b"\r\n")[0]
    return b""


def test_strangers_do_not_fill_the_log(world: World) -> None:
    remote = "127.0.0.3"  # an address of its own: the others' refusals are still written down

    def refused(_: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=10, source_address=(remote, 0))
        with contextlib.closing(connection):
            connection.request("GET", "/gateway/staging/plain-things-v1/things")
            return connection.getresponse().status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(refused, range(REFUSALS_A_MINUTE + 60))) == {401}
    assert world.rows("SELECT count(*) AS n FROM audit_entry WHERE remote = ?", remote) == [{"n": REFUSALS_A_MINUTE}]
    assert world.entries(world.call("GET", "/things").call_id)  # who is known is written down as ever


def test_a_quota_is_exact_whoever_carries_it_and_however_many_come_at_once(world: World) -> None:
    quinn = world.people["quinn"]
    ways = [{"Authorization": f"Bearer {quinn['key']}"}, {"Cookie": quinn["cookie"], "X-CSRFToken": quinn["csrf"]}]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: world.call("GET", "/things", person=None, headers=ways[number % 2]), range(80)))
    assert sorted(answer.status for answer in answers) == [200] * 20 + [429] * 60
    assert len(world.platform.calls) == 20
    over = [answer for answer in answers if answer.status == 429]
    assert all(world.entries(answer.call_id)[-1]["code"] == "quota_exceeded" for answer in over)
    assert min(int(answer.headers["retry-after"]) for answer in over) > 50


def test_what_cannot_be_recorded_is_not_sent(world: World) -> None:
    world.call("GET", "/things")
    world.platform.forget()
    with contextlib.closing(sqlite3.connect(world.home / "portal.sqlite3", isolation_level=None)) as hog:
        hog.execute("BEGIN IMMEDIATE")
        try:
            answer = world.call("GET", "/things", timeout=40)
        finally:
            hog.execute("ROLLBACK")
    assert (answer.status, answer.json["code"]) == (503, "unrecordable")
    assert int(answer.headers["retry-after"]) >= 1
    assert world.platform.received == []
    # The refusal itself is written as soon as the database is back.
    assert answer.headers["x-portal-recorded"] == "late"
    assert wait_until(lambda: [entry["code"] for entry in world.entries(answer.call_id)][-1:] == ["unrecordable"], seconds=10)
    assert world.record(answer.call_id)["state"] == "refused"
    assert world.call("GET", "/things").status == 200


def test_a_second_web_process_is_refused_with_a_sentence(world: World) -> None:
    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", "0"], cwd=ROOT, env=world.environment, capture_output=True, text=True, timeout=60
    )
    assert second.returncode != 0
    assert world.process is not None
    assert f"Process {world.process.pid} already serves" in second.stderr


def test_after_kill_nine_every_call_that_reached_the_platform_has_its_entry(world: World) -> None:
    stop = threading.Event()

    def keep_calling() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                world.call("GET", "/behave/slow", timeout=5)

    threads = [threading.Thread(target=keep_calling) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(world.platform.calls) >= 24, seconds=15)
    world.stop(signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    reached = {one.header("x-request-id") for one in world.platform.calls}
    sent = {row["request_id"] for row in world.rows("SELECT request_id FROM audit_entry WHERE action = 'call:sent'")}
    assert len(reached) >= 24
    assert reached <= sent
    assert world.rows("SELECT count(*) AS n FROM gateway_call WHERE state = 'sent'")[0]["n"] > 0  # it was in the middle of some
    world.start()
    assert world.call("GET", "/things").status == 200


def test_a_stop_under_load_is_quick_and_loses_nothing(world: World) -> None:
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(world.call, "GET", "/behave/slow", timeout=5) for _ in range(4)]
        assert wait_until(lambda: len(world.platform.calls) == 4)
        started = time.monotonic()
        assert world.stop() in {0, -signal.SIGTERM}  # uvicorn ends by the signal it was ended with
        assert time.monotonic() - started < 10
        assert [call.result().status for call in calls] == [200] * 4
    states = world.rows("SELECT state FROM gateway_call ORDER BY id DESC LIMIT 4")
    assert [row["state"] for row in states] == ["answered"] * 4
    world.start()
