"""Reading the catalog. Everybody with a role reads every environment, so that differences can be seen; only calls and
tokens are bound to the environments of a person's groups."""

from __future__ import annotations

from catalog.selectors.apis import ApiAt, ApiRow, api_at, api_in, api_row, apis, current_publications, environments_having, repeated_titles
from catalog.selectors.operations import (
    base_url_of,
    operation_in,
    operation_slice,
    operations,
    resolver,
    schema,
    schema_pointers,
    schemas,
    server_members,
    source_text,
    with_servers,
    yaml_with_servers,
)
from catalog.selectors.rules import current_rules, environments_for, rules_revisions, storable
from catalog.selectors.search import OperationHit, SchemaHit, search_apis, search_operations, search_schemas
from catalog.selectors.sync import (
    commits_shown,
    errors_of,
    files_of,
    findings_of,
    newest_runs,
    running_sources,
    runs,
    source,
    sources,
    troubles_of,
)

__all__ = [
    "ApiAt",
    "ApiRow",
    "OperationHit",
    "SchemaHit",
    "api_at",
    "api_in",
    "api_row",
    "apis",
    "base_url_of",
    "current_publications",
    "current_rules",
    "environments_for",
    "environments_having",
    "commits_shown",
    "errors_of",
    "files_of",
    "findings_of",
    "newest_runs",
    "operation_in",
    "operation_slice",
    "operations",
    "repeated_titles",
    "resolver",
    "rules_revisions",
    "running_sources",
    "runs",
    "schema",
    "schema_pointers",
    "schemas",
    "search_apis",
    "search_operations",
    "search_schemas",
    "server_members",
    "source",
    "source_text",
    "sources",
    "storable",
    "troubles_of",
    "with_servers",
    "yaml_with_servers",
]
