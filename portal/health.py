"""For orchestrators and monitors: is the process alive, can it serve, and what has it counted?"""

from __future__ import annotations

import hmac
from collections.abc import Callable

import prometheus_client
import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.errors import Unauthenticated


@login_not_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when every part this process needs answers; 503 naming the ones that do not."""
    parts: dict[str, Callable[[], str]] = {"database": _database}
    if settings.REDIS_URL:
        parts["redis"] = _redis
    states = {name: check() for name, check in parts.items()}
    healthy = all(state == "ok" for state in states.values())
    response = JsonResponse({"status": "ok" if healthy else "unavailable", "parts": states}, status=200 if healthy else 503)
    response["Cache-Control"] = "no-store"
    return response


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations are pending: run ./manage.py migrate"
    except DatabaseError:
        return "does not answer"
    return "ok"


def _redis() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return "does not answer"
    finally:
        client.close()
    return "ok"


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters in the Prometheus text format. With PORTAL_METRICS_TOKEN set, only for who sends it as a bearer token."""
    expected = settings.PORTAL_METRICS_TOKEN
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if expected and not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Unauthenticated("Send the metrics token as a bearer token.", headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(prometheus_client.generate_latest(), content_type=prometheus_client.CONTENT_TYPE_LATEST)
