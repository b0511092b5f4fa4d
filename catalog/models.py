"""What was read from Git. Every row carries the commit and blob it came from, is never edited by a person, and can be
dropped and rebuilt by a sync.

Source ─ Branch (one per environment) ─ BranchFile ─ Compilation ─ Document ─ Operation, SchemaText, DocumentPart
                                   Api ─ Publication (api × environment) ─┘
Documents that environments show of one Api, two by two ─ Comparison; what the log was told of them ─ Drift
Texts that documents share (plans, schemas, operations as read) lie once in Content, addressed by their SHA-256.
"""

from __future__ import annotations

import zlib
from typing import Any, ClassVar

import orjson
from django.db import models
from django.utils import timezone


class RulesRevision(models.Model):
    """One commit of the rules repository: in force (``current``), once in force, or refused with its findings."""

    commit = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)  # sha256 of the three files: what caches are keyed by
    files = models.JSONField(default=dict)  # name -> text as Git has it
    sound = models.BooleanField()
    findings = models.JSONField(default=list)  # [{rule, level, text, file, line, column}]
    current = models.BooleanField(default=False)
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["current"], condition=models.Q(current=True), name="rules_one_in_force"),
            models.CheckConstraint(condition=models.Q(current=False) | models.Q(sound=True), name="rules_in_force_are_sound"),
        ]

    def __str__(self) -> str:
        return f"rules at {self.commit[:12]}"


class Source(models.Model):
    """A repository the portal reads: the rules themselves (``kind`` rules) or documents. The row is the sync queue."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, default="documents")  # documents, rules
    git = models.CharField(max_length=1000)
    include = models.JSONField(default=list)  # glob patterns; [] = every file that says openapi: or swagger:
    active = models.BooleanField(default=True)  # False: no longer named by the rules
    due_at = models.DateTimeField(default=timezone.now)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, default="never")  # never, fresh, partial (something was refused), failed
    note = models.CharField(max_length=1000, blank=True)  # one sentence on what is wrong, "" when nothing is
    failures = models.PositiveIntegerField(default=0)  # in a row
    synced_at = models.DateTimeField(null=True, blank=True)  # last time the repository could be read
    requested_by = models.CharField(max_length=255, blank=True)  # who asked for the sync that is due
    requested_trigger = models.CharField(max_length=20, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["due_at"], condition=models.Q(active=True), name="source_due")]

    def __str__(self) -> str:
        return self.name


class Branch(models.Model):
    """What one environment shows of a source."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="branches")
    environment = models.CharField(max_length=100)
    name = models.CharField(max_length=255)
    head = models.CharField(max_length=64, blank=True)  # commit the branch was last seen at
    last_good = models.CharField(max_length=64, blank=True)  # newest commit that was published
    state = models.CharField(max_length=20, default="never")  # never, fresh, partial, gone, empty, failed
    note = models.CharField(max_length=1000, blank=True)
    read_with = models.CharField(max_length=64, blank=True)  # digest of the engine, platforms and patterns it was read with
    release = models.CharField(max_length=255, blank=True)  # newest tag on the branch
    rewritten_from = models.CharField(max_length=64, blank=True)  # set while the last publication followed a rewritten history
    published_at = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "environment"], name="branch_source_environment")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.environment}: {self.name}"


class SyncRun(models.Model):
    """One reading of one source, from claim to sentence."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=20)  # timer, person, push, command
    requested_by = models.CharField(max_length=255, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, default="running")  # running, published, unchanged, refused, failed, abandoned
    sentence = models.CharField(max_length=1000, blank=True)
    step = models.CharField(max_length=200, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["source", "-id"], name="run_newest")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.started_at:%Y-%m-%d %H:%M:%S} {self.outcome}"

    @property
    def percent(self) -> int:
        return 100 if self.finished_at else (self.done * 100 // self.total if self.total else 0)


class Content(models.Model):
    """A text addressed by the SHA-256 of itself before compression. Written once, shared by every document that has it."""

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.BinaryField()  # zlib

    def __str__(self) -> str:
        return self.digest

    @property
    def text(self) -> bytes:
        return zlib.decompress(self.body)

    @property
    def value(self) -> Any:
        return orjson.loads(self.text)


class Document(models.Model):
    """A compiled OpenAPI document, addressed by its content and the engine that compiled it."""

    digest = models.CharField(max_length=64, unique=True)
    engine = models.CharField(max_length=40)
    openapi = models.CharField(max_length=20)  # version as written: 2.0, 3.0.3, 3.1.0
    title = models.CharField(max_length=300, blank=True)
    info = models.JSONField(default=dict)
    servers = models.JSONField(default=list)
    tags = models.JSONField(default=list)
    security_schemes = models.JSONField(default=dict)
    extensions = models.JSONField(default=dict)
    webhooks = models.JSONField(default=list)
    operation_count = models.PositiveIntegerField(default=0)
    byte_count = models.PositiveIntegerField(default=0)  # of the document as JSON
    compiled_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.title} {self.digest[:12]}"


class DocumentPart(models.Model):
    """A large piece of a document: ``source.json``, ``source.yaml`` (made later), ``router``, ``bundle:request``, ``bundle:response``."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=30)
    body = models.BinaryField()  # zlib

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "name"], name="part_document_name")]

    def __str__(self) -> str:
        return f"{self.document_id} {self.name}"

    @property
    def text(self) -> bytes:
        return zlib.decompress(self.body)


class Operation(models.Model):
    """One operation of a document, ready to be read and to be checked against."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="operations")
    position = models.PositiveIntegerField()  # order in the document
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=10)  # upper case
    path = models.CharField(max_length=2000)
    operation_id = models.CharField(max_length=255, blank=True)
    summary = models.CharField(max_length=1000, blank=True)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=list)
    deprecated = models.BooleanField(default=False)
    scopes = models.JSONField(default=list)  # [[scope and scope] or …]; [] = names none
    unchecked = models.JSONField(default=list)
    pointer = models.CharField(max_length=2200, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    haystack = models.TextField(blank=True)  # lower case: method, path, operationId, summary, tags
    detail_content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")
    plan_content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")

    breaking: int = 0  # no column: changes against the neighbouring environment, set for a page by catalog.drift_reading

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "key"], name="operation_document_key")]
        indexes: ClassVar = [models.Index(fields=["document", "position"], name="operation_order")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def detail(self) -> dict[str, Any]:
        """For reading: parameters, requestBody, responses, callbacks… as ``specs.compiler`` says. One query unless selected with it."""
        value: dict[str, Any] = self.detail_content.value
        return value

    @property
    def plan(self) -> dict[str, Any]:
        """For checking: what ``specs.validate.OperationValidator`` takes."""
        value: dict[str, Any] = self.plan_content.value
        return value


class SchemaText(models.Model):
    """The schema at one pointer of a document, references intact."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="schemas")
    pointer = models.CharField(max_length=1000)  # "#/components/schemas/X"
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "pointer"], name="schema_document_pointer")]

    def __str__(self) -> str:
        return self.pointer


class Compilation(models.Model):
    """What the engine said about one file and everything it refers to. The same inputs are never compiled twice."""

    root_path = models.CharField(max_length=1000)
    root_blob = models.CharField(max_length=64)
    engine = models.CharField(max_length=40)
    inputs = models.JSONField(default=dict)  # path -> blob, or None where a file was asked for and not there
    document = models.ForeignKey(Document, on_delete=models.CASCADE, null=True, blank=True, related_name="compilations")  # None: refused
    seconds = models.FloatField(default=0.0)
    error_count = models.PositiveIntegerField(default=0)
    warning_count = models.PositiveIntegerField(default=0)
    compiled_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["root_blob", "engine"], name="compilation_inputs")]

    def __str__(self) -> str:
        return f"{self.root_path} {self.root_blob[:12]}"


class Api(models.Model):
    """One contract of one platform: ``<platform>-<name>-<version>``. Its words come from its newest publication."""

    slug = models.CharField(max_length=200, unique=True)
    platform = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    version = models.CharField(max_length=60)
    title = models.CharField(max_length=300, blank=True)
    summary = models.CharField(max_length=1000, blank=True)
    owner = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=300, blank=True)
    lifecycle = models.CharField(max_length=60, blank=True)
    tags = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.slug


class Publication(models.Model):
    """What an environment shows, or once showed, of an API."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="publications")
    environment = models.CharField(max_length=100)
    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, related_name="publications")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="publications")
    compilation = models.ForeignKey(Compilation, on_delete=models.PROTECT, related_name="publications")
    commit = models.CharField(max_length=64)
    blob = models.CharField(max_length=64)
    path = models.CharField(max_length=1000)
    release = models.CharField(max_length=255, blank=True)
    published_at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True, blank=True)
    current = models.BooleanField(default=True)
    stale = models.BooleanField(default=False)  # Git has something newer that was refused, or has it no longer
    stale_reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["api", "environment"], condition=models.Q(current=True), name="publication_one_current")
        ]
        indexes: ClassVar = [models.Index(fields=["environment", "api"], condition=models.Q(current=True), name="publication_current")]

    def __str__(self) -> str:
        return f"{self.api_id} in {self.environment} at {self.commit[:12]}"


class BranchFile(models.Model):
    """A document on a branch as last seen, whether it could be published or not."""

    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=1000)
    blob = models.CharField(max_length=64, blank=True)
    commit = models.CharField(max_length=64)
    slug = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=20)  # published, refused, skipped, gone
    reason = models.CharField(max_length=1000, blank=True)
    compilation = models.ForeignKey(Compilation, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["branch", "path"], name="file_branch_path")]

    def __str__(self) -> str:
        return self.path


class Finding(models.Model):
    """Something about a file: from the engine (``compilation``) or from reading the tree (``branch``)."""

    compilation = models.ForeignKey(Compilation, on_delete=models.CASCADE, null=True, blank=True, related_name="findings")
    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, null=True, blank=True, related_name="findings")
    rule = models.CharField(max_length=100)
    level = models.CharField(max_length=10)  # error, warning, info
    text = models.TextField()
    pointer = models.TextField(blank=True)
    file = models.CharField(max_length=1000, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    column = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(compilation=None, branch__isnull=False) | models.Q(compilation__isnull=False, branch=None),
                name="finding_has_one_owner",
            )
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.rule} {self.file}:{self.line or ''}"


class Comparison(models.Model):
    """What changed from one document to another, addressed by both and by the rules they are judged with.

    The row is the queue: it is due until it was worked on, and again on the day a sunset in one of the documents may
    change the verdict. Droppable: what is missing is asked for again.
    """

    old_digest = models.CharField(max_length=64)
    new_digest = models.CharField(max_length=64)
    rules = models.CharField(max_length=16)  # catalog.comparing.RULES_VERSION
    state = models.CharField(max_length=20, default="waiting")  # waiting, compared, failed
    reason = models.CharField(max_length=1000, blank=True)  # why it failed
    due_at = models.DateTimeField(null=True, default=timezone.now)  # None: as it is, for as long as the row stands
    lease_until = models.DateTimeField(null=True, blank=True)
    breaking = models.PositiveIntegerField(default=0)
    warning = models.PositiveIntegerField(default=0)
    info = models.PositiveIntegerField(default=0)
    body = models.BinaryField(default=bytes)  # zlib of JSON: {"operations": {…}, "changes": […]} as in catalog.comparing.Compared
    seconds = models.FloatField(default=0.0)
    compared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["old_digest", "new_digest", "rules"], name="comparison_address")]
        indexes: ClassVar = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="comparison_due")]

    def __str__(self) -> str:
        return f"{self.old_digest[:12]} → {self.new_digest[:12]}"

    @property
    def value(self) -> dict[str, Any]:
        """The operations that changed and the changes; nothing while there is no answer."""
        found: dict[str, Any] = orjson.loads(zlib.decompress(self.body)) if self.body else {"operations": {}, "changes": []}
        return found


class Drift(models.Model):
    """How an API last stood between two neighbouring environments: what the log was told, so that only a change is told."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="drifts")
    old_environment = models.CharField(max_length=100)
    new_environment = models.CharField(max_length=100)
    state = models.CharField(max_length=20)  # in_sync, changed, missing, failed
    breaking = models.PositiveIntegerField(default=0)
    warning = models.PositiveIntegerField(default=0)
    info = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "old_environment", "new_environment"], name="drift_place")]

    def __str__(self) -> str:
        return f"{self.api_id} {self.old_environment} → {self.new_environment}: {self.state}"
