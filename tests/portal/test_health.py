from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal import health

pytestmark = pytest.mark.django_db


def test_a_process_that_answers_is_alive(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}


def test_a_migrated_database_is_ready(client: Client) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["parts"]["database"] == "ok"


def test_a_dead_redis_is_named(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["parts"]["redis"] == "does not answer"


def test_pending_migrations_are_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pending:
        def __init__(self, connection: Any) -> None:
            self.loader = self
            self.graph = self

        def leaf_nodes(self) -> list[Any]:
            return []

        def migration_plan(self, targets: list[Any]) -> list[str]:
            return ["one"]

    monkeypatch.setattr(health, "MigrationExecutor", Pending)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "migrate" in response.json()["parts"]["database"]


def test_metrics_are_prometheus_text(client: Client) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert b"process_cpu_seconds_total" in response.content


def test_metrics_with_a_token_are_for_who_has_it(client: Client, settings: Any) -> None:
    settings.PORTAL_METRICS_TOKEN = "the token"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer the token"}).status_code == 200
