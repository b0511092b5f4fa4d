"""A rules repository and a documents repository, and what reads them: the same actions as a sync."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog import actions
from catalog.models import Publication, SyncRun
from tests.catalog import repositories

ENVIRONMENTS = """\
environments:
  sandbox:    {title: Sandbox}
  staging:    {title: Staging}
  production: {title: Production, protected: true}
platforms:
  genesys:
    title: Genesys Cloud CX
    at:
      sandbox: {base_url: "mock:"}
      staging:
        base_url: https://api.staging.example/api/v2
        per_second: 8
        networks: [10.20.0.0/16]
        token:
          grant: client_credentials
          url: https://login.staging.example/oauth/token
          client_id: portal-staging
          secret: env:GENESYS_STAGING_SECRET
          scopes: [integration:read, webhook:manage]
          max_ttl: 7200
      production: {base_url: "https://api.example/api/v2"}
  cxone:
    at: {}
"""
SOURCES = """\
sources:
  contact-center:
    git: %s
    branches: {sandbox: develop, staging: staging, production: main}
"""
ACCESS = """\
groups:
  sandbox-developers:
    role: developer
    environments: [sandbox, staging]
    per_minute: 50
    scopes: {genesys: [integration:read]}
  integration-architects:
    role: architect
    environments: [sandbox, staging, production]
    write: [sandbox, staging]
    per_minute: 200
    scopes: {genesys: [integration:read, webhook:manage]}
  platform-team:
    role: platform
    environments: [sandbox, staging, production]
    write: [sandbox, staging, production]
"""


def openapi(*paths: str, title: str = "Queues", portal: Mapping[str, Any] | None = None) -> str:
    """A sound document with a GET for each path; ``portal`` is its ``x-portal``."""
    operations = {
        path: {
            "get": {
                "operationId": "get" + path.title().replace("/", "").replace("{", "By").replace("}", ""),
                "summary": f"Read {path}",
                "tags": ["reading"],
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in [piece[1:-1] for piece in path.split("/") if piece.startswith("{")]
                ],
                "responses": {
                    "200": {
                        "description": f"What lies at {path}.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Queue"}}},
                    }
                },
            }
        }
        for path in paths or ("/queues",)
    }
    schema = {"type": "object", "properties": {"id": {"type": "string"}, "parent": {"$ref": "#/components/schemas/Queue"}}}
    document = {
        "openapi": "3.0.3",
        "info": {"title": title, "version": "1"} | ({"x-portal": portal} if portal else {}),
        "servers": [{"url": "https://attacker.example"}],
        "paths": operations,
        "components": {"schemas": {"Queue": schema}},
    }
    return json.dumps(document, indent=2)


class World:
    """``specs`` and ``rules`` are bare repositories; ``sync`` reads whatever is asked for."""

    def __init__(self, path: Path) -> None:
        self.specs = repositories.create(path / "specs.git")
        self.rules = repositories.create(path / "rules.git")
        self.write_rules()

    def write_rules(self, **files: str) -> str:
        texts = {"environments": ENVIRONMENTS, "sources": SOURCES % self.specs, "access": ACCESS} | files
        return repositories.commit(self.rules, {f"{name}.yaml": text for name, text in texts.items()})

    def write(self, branch: str, files: Mapping[str, Any], **options: Any) -> str:
        return repositories.commit(self.specs, files, branch=branch, **options)

    def everywhere(self, files: Mapping[str, Any]) -> str:
        """The same commit on all three branches."""
        made = self.write("main", files)
        for branch in ("develop", "staging"):
            repositories.run(self.specs, "update-ref", f"refs/heads/{branch}", made)
        return made

    def sync(self, *names: str) -> SyncRun:
        """Read the rules and the source, or only ``names``; the last run."""
        run = None
        for name in names or ("rules", "contact-center"):
            run = actions.sync_now(name)
            assert run is not None, f"{name} is held by another worker"
        assert run is not None
        return run


def shown(environment: str) -> dict[str, Publication]:
    """What an environment shows, by slug."""
    rows = Publication.objects.filter(current=True, environment=environment).select_related("api", "document")
    return {row.api.slug: row for row in rows}
