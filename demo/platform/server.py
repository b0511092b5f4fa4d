"""The demo platform: Genesys Cloud and NICE CXone as far as their documents go, on loopback, with their limits and tempers."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, deque
from typing import Any

from aiohttp import web

from demo.platform.documents import Documents
from demo.platform.faults import FaultRefused, Faults, strike
from demo.platform.tokens import Token, TokenStore
from demo.platform.vendors import VENDORS, Refusal, Vendor, Window
from demo.world import BASE_PATHS, BRANCHES, PRINCIPAL_PLACES, World

logger = logging.getLogger(__name__)

REMEMBERED = 2_000
SECRET_HEADERS = frozenset({"authorization", "cookie"})


class Platform:
    """Everything one process of the demo platform knows."""

    def __init__(self, world: World) -> None:
        self.documents = Documents(world.documents_repository)
        self.tokens = TokenStore(world.identity_database)
        self.faults = Faults()
        self.counts: Counter[str] = Counter()
        self.received: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._windows: dict[tuple[str, str, str], Window] = {}

    def window(self, platform: str, environment: str, client: str) -> Window:
        return self._windows.setdefault((platform, environment, client), Window(VENDORS[platform].per_second))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any request to ``/<platform>/<environment>/<base path>/…``."""
        parts = request.rel_url.raw_path.split("/", 3)
        platform, environment, rest = (parts + ["", "", ""])[1:4]
        base = BASE_PATHS.get(platform, "")
        if environment not in BRANCHES or not base or not (rest == base or rest.startswith(f"{base}/")):
            return web.json_response({"error": "nothing lives at this address"}, status=404)
        body = await request.read()
        path = "/" + rest[len(base) :].lstrip("/")
        note = self._note(request, platform, environment, path, len(body))
        response = await self._answer(request, platform, environment, path)
        note["status"] = response.status
        return response

    def _note(self, request: web.Request, platform: str, environment: str, path: str, size: int) -> dict[str, Any]:
        """Remember what arrived, without what is secret in it."""
        note: dict[str, Any] = {
            "at": time.time(),
            "platform": platform,
            "environment": environment,
            "method": request.method,
            "path": path,
            "query": request.rel_url.raw_query_string,
            "headers": [[name, "…" if name.lower() in SECRET_HEADERS else value] for name, value in request.headers.items()],
            "body_bytes": size,
            "request_id": request.headers.get("X-Request-Id", ""),
            "status": None,
        }
        self.received.append(note)
        self.counts[f"{platform}/{environment}"] += 1
        return note

    async def _answer(self, request: web.Request, platform: str, environment: str, path: str) -> web.StreamResponse:
        vendor = VENDORS[platform]
        fault = self.faults.take(platform=platform, environment=environment, path=path)
        if fault is not None and fault.kind == "unauthorized":
            return as_response(vendor.refuse(401, "bad.credentials", "Invalid login credentials."))
        token = self._token(request, platform, environment)
        if token is None:
            return as_response(vendor.refuse(401, "bad.credentials", "Invalid login credentials."))
        allowed, counted, reset = self.window(platform, environment, token.client).take()
        limits = vendor.limit_headers(counted, reset)
        if not allowed:
            return as_response(vendor.too_many(counted, reset), limits)
        if fault is not None and fault.kind == "status":
            return as_response(
                vendor.refuse(fault.status, "internal.server.error", "The server encountered an unexpected condition."), limits
            )
        response = await self._from_document(request, vendor, token, platform, environment, path)
        response.headers.update(limits)
        return response if fault is None else await strike(fault, request, response)

    def _token(self, request: web.Request, platform: str, environment: str) -> Token | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.tokens.find(value.strip()) if scheme.lower() == "bearer" and value.strip() else None
        return token if token is not None and PRINCIPAL_PLACES.get(token.client) == (platform, environment) else None

    async def _from_document(
        self, request: web.Request, vendor: Vendor, token: Token, platform: str, environment: str, path: str
    ) -> web.Response:
        found = await self.documents.find(platform=platform, branch=BRANCHES[environment], method=request.method, raw_path=path)
        if found.served is None or found.operation is None:
            if found.allowed:
                refusal = vendor.refuse(405, "method.not.allowed", f"{request.method} is not allowed here.")
                return as_response(refusal, {"Allow": ", ".join(found.allowed)})
            return as_response(vendor.refuse(404, "not.found", "The requested resource was not found."))
        scopes = found.operation.scopes
        if vendor.knows_scopes and scopes and not any(token.scopes.issuperset(every) for every in scopes):
            return as_response(vendor.refuse(403, "missing.any.permissions", f"One of the scopes is needed: {scopes}"))
        status, media_type, value = found.served.example(found.operation)
        if not media_type:
            return web.Response(status=status)
        text = json.dumps(value) if media_type.endswith("json") or not isinstance(value, str) else value
        return web.Response(status=status, body=text.encode(), headers={"Content-Type": media_type})


def as_response(refusal: Refusal, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers | (headers or {}))


def control_routes(platform: Platform) -> list[web.RouteDef]:
    """The switches: not part of any platform, and on loopback like everything here."""

    async def get_faults(request: web.Request) -> web.Response:
        return web.json_response(platform.faults.listed())

    async def put_faults(request: web.Request) -> web.Response:
        try:
            platform.faults.replace(await request.json())
        except (FaultRefused, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(platform.faults.listed())

    async def delete_faults(request: web.Request) -> web.Response:
        platform.faults.replace([])
        return web.json_response([])

    async def get_received(request: web.Request) -> web.Response:
        return web.json_response({"counts": dict(platform.counts), "requests": list(platform.received)})

    async def delete_received(request: web.Request) -> web.Response:
        platform.counts.clear()
        platform.received.clear()
        return web.json_response({"counts": {}, "requests": []})

    async def warm(request: web.Request) -> web.Response:
        platform.documents.prepare(list(BASE_PATHS), list(BRANCHES.values()))
        return web.Response(status=202)

    return [
        web.post("/_warm", warm),
        web.get("/_faults", get_faults),
        web.put("/_faults", put_faults),
        web.delete("/_faults", delete_faults),
        web.get("/_received", get_received),
        web.delete("/_received", delete_received),
    ]


def application(world: World) -> web.Application:
    """The aiohttp application of the demo platform."""
    platform = Platform(world)
    # A body a little above the portal's own limit must arrive whole, so that it is the portal that refuses it.
    app = web.Application(client_max_size=4 << 20)
    app.add_routes(control_routes(platform))
    app.router.add_route("*", "/{rest:.*}", platform.answer)
    return app
