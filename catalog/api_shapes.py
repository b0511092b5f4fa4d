"""The shapes of the catalog's API: what the portal's own document says, and what turns rows into JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from catalog.models import Branch, BranchFile, Operation, Source, SyncRun
from catalog.rules import Environment, Rules
from catalog.selectors import ApiRow
from identity.access import Access


class PlatformPlace(serializers.Serializer[Any]):
    platform = serializers.CharField()
    title = serializers.CharField()
    base_url = serializers.CharField(help_text="Where calls go; `mock:` when the portal answers from the document.")
    per_second = serializers.IntegerField(allow_null=True)


class EnvironmentShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    protected = serializers.BooleanField(help_text="Unsafe methods need confirmation and a permission that names it.")
    may_call = serializers.BooleanField()
    may_write = serializers.BooleanField()
    platforms = PlatformPlace(many=True)


class EnvironmentList(serializers.Serializer[Any]):
    results = EnvironmentShape(many=True)
    next = serializers.URLField(allow_null=True)


class ApiAtShape(serializers.Serializer[Any]):
    release = serializers.CharField()
    commit = serializers.CharField()
    operations = serializers.IntegerField()
    findings = serializers.IntegerField(help_text="Errors and warnings.")
    published_at = serializers.DateTimeField()
    stale = serializers.BooleanField(help_text="Git has something else that could not be published.")
    stale_reason = serializers.CharField()


class ApiShape(serializers.Serializer[Any]):
    slug = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    platform = serializers.CharField()
    version = serializers.CharField()
    owner = serializers.CharField()
    contact = serializers.CharField()
    lifecycle = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    environments = serializers.DictField(child=ApiAtShape())


class ApiList(serializers.Serializer[Any]):
    results = ApiShape(many=True)
    next = serializers.URLField(allow_null=True)


class OperationShape(serializers.Serializer[Any]):
    operation = serializers.CharField(help_text="Its key: the operationId, safe in an address.")
    method = serializers.CharField()
    path = serializers.CharField()
    summary = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    deprecated = serializers.BooleanField()
    scopes = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Any of these lists, all of its names."
    )


class OperationList(serializers.Serializer[Any]):
    results = OperationShape(many=True)
    next = serializers.URLField(allow_null=True)


class Hit(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["operation", "api", "schema"])
    api = serializers.CharField()
    title = serializers.CharField()
    platform = serializers.CharField()
    environment = serializers.CharField()
    environments = serializers.ListField(child=serializers.CharField())
    operation = serializers.CharField(required=False)
    method = serializers.CharField(required=False)
    path = serializers.CharField(required=False)
    summary = serializers.CharField(required=False)
    deprecated = serializers.BooleanField(required=False)
    pointer = serializers.CharField(required=False)
    url = serializers.CharField(help_text="The page of the result.")


class SearchAnswer(serializers.Serializer[Any]):
    results = Hit(many=True)
    next = serializers.URLField(allow_null=True)
    took_ms = serializers.FloatField()


class TroubleShape(serializers.Serializer[Any]):
    path = serializers.CharField()
    api = serializers.CharField(help_text="Its slug; empty where the path names none.")
    state = serializers.ChoiceField(choices=["refused", "gone", "skipped"])
    reason = serializers.CharField(help_text="File, line and what is wrong there, in a sentence.")


class BranchShape(serializers.Serializer[Any]):
    environment = serializers.CharField()
    branch = serializers.CharField()
    state = serializers.ChoiceField(choices=["never", "fresh", "partial", "gone", "empty"])
    note = serializers.CharField()
    head = serializers.CharField(help_text="The commit it was last read at.")
    last_good = serializers.CharField(help_text="The newest commit that was published whole.")
    release = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    documents = TroubleShape(many=True, help_text="Those that are not published as they are now in Git, at most 100.")


class SourceShape(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=["rules", "documents"])
    git = serializers.CharField()
    state = serializers.ChoiceField(choices=["never", "fresh", "partial", "failed"])
    running = serializers.BooleanField()
    note = serializers.CharField()
    synced_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField()
    branches = BranchShape(many=True)


class SourceList(serializers.Serializer[Any]):
    results = SourceShape(many=True)
    next = serializers.URLField(allow_null=True)


class RunShape(serializers.ModelSerializer[SyncRun]):
    class Meta:
        model = SyncRun
        fields = ("id", "trigger", "requested_by", "started_at", "finished_at", "outcome", "sentence", "step", "done", "total")


class RunList(serializers.Serializer[Any]):
    results = RunShape(many=True)
    next = serializers.URLField(allow_null=True)


def environment_json(environment: Environment, rules: Rules, access: Access) -> dict[str, Any]:
    """An environment as this person may use it."""
    places = [(platform, platform.at[environment.name]) for platform in rules.platforms.values() if environment.name in platform.at]
    return {
        "name": environment.name,
        "title": environment.title,
        "protected": environment.protected,
        "may_call": access.may_read(environment.name),
        "may_write": access.may_write(environment.name),
        "platforms": [
            {"platform": platform.name, "title": platform.title, "base_url": at.base_url, "per_second": at.per_second}
            for platform, at in places
        ],
    }


def api_json(row: ApiRow) -> dict[str, Any]:
    """An API; each environment without its own name, which is the key."""
    document = asdict(row)
    for at in document["environments"].values():
        del at["environment"]
    return document


def operation_json(row: Operation) -> dict[str, Any]:
    return {
        "operation": row.key,
        "method": row.method,
        "path": row.path,
        "summary": row.summary,
        "tags": row.tags,
        "deprecated": row.deprecated,
        "scopes": row.scopes,
    }


def source_json(row: Source, *, running: bool, order: Sequence[str], troubles: Mapping[int, Sequence[BranchFile]]) -> dict[str, Any]:
    """A source with its branches in promotion order; ``troubles``: branch id → documents that are not published."""
    branches = [branch for branch in row.branches.all() if branch.active and branch.environment in order]
    return {
        "source": row.name,
        "kind": row.kind,
        "git": row.git,
        "state": row.state,
        "running": running,
        "note": row.note,
        "synced_at": row.synced_at,
        "due_at": row.due_at,
        "branches": [
            branch_json(branch, troubles.get(branch.pk, ()))
            for branch in sorted(branches, key=lambda branch: order.index(branch.environment))
        ],
    }


def branch_json(row: Branch, troubles: Sequence[BranchFile]) -> dict[str, Any]:
    return {
        "environment": row.environment,
        "branch": row.name,
        "state": row.state,
        "note": row.note,
        "head": row.head,
        "last_good": row.last_good,
        "release": row.release,
        "published_at": row.published_at,
        "documents": [{"path": file.path, "api": file.slug, "state": file.state, "reason": file.reason} for file in troubles[:100]],
    }
