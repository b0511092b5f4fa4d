from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from catalog import actions, selectors, tasks
from catalog.actions import sync as sync_actions
from catalog.models import Branch, BranchFile, Compilation, Content, Document, DocumentPart, Finding, Publication, Source, SyncRun
from identity.models import GroupGrant
from tests.catalog import repositories
from tests.catalog.world import SOURCES, World, openapi, shown

QUEUES = "genesys/queues/v2/openapi.json"
SLUG = "genesys-queues-v2"


def entries(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action=action).order_by("pk"))


def test_a_document_in_git_becomes_an_api_in_each_environment(world: World) -> None:
    fields = {"owner": "Voice", "contact": "voice@example.com", "lifecycle": "beta", "tags": ["voice"]}
    commit = world.everywhere({QUEUES: openapi("/queues", "/queues/{id}", portal=fields)})
    repositories.tag(world.specs, "2024.2", commit)
    run = world.sync()
    assert run.outcome == "published"
    assert run.sentence == "sandbox: 1 published. staging: 1 published. production: 1 published."
    for environment in ("sandbox", "staging", "production"):
        row = shown(environment)[SLUG]
        assert (row.commit, row.path, row.release, row.stale) == (commit, QUEUES, "2024.2", False)
        assert row.blob == repositories.run(world.specs, "rev-parse", f"{commit}:{QUEUES}")
    api = shown("staging")[SLUG].api
    assert (api.platform, api.name, api.version, api.title) == ("genesys", "queues", "v2", "Queues")
    assert (api.owner, api.contact, api.lifecycle, api.tags) == ("Voice", "voice@example.com", "beta", ["voice"])
    assert Document.objects.count() == Compilation.objects.count() == 1
    assert [entry.environment for entry in entries("sync:published")] == ["sandbox", "staging", "production"]
    assert entries("sync:published")[0].data["apis"] == [SLUG]
    assert [entry.data["commit"] for entry in entries("rules:published")] == [repositories.head(world.rules, "main")]
    assert set(GroupGrant.objects.values_list("group", flat=True)) == {"sandbox-developers", "integration-architects", "platform-team"}


def test_nothing_is_compiled_or_written_again_when_nothing_changed(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    before = (Publication.objects.count(), Compilation.objects.count(), Entry.objects.count())
    assert world.sync().outcome == "unchanged"
    assert (Publication.objects.count(), Compilation.objects.count(), Entry.objects.count()) == before


def test_a_commit_compiles_only_the_documents_it_changed(world: World) -> None:
    files = {QUEUES: openapi(), "genesys/users/v2/openapi.json": openapi("/users", title="Users")}
    world.everywhere(files)
    world.sync()
    first = shown("production")
    world.write("main", files | {QUEUES: openapi("/queues", "/more")})
    assert world.sync().sentence == "production: 1 published."
    assert Compilation.objects.count() == 3
    users = shown("production")["genesys-users-v2"]
    assert users.pk == first["genesys-users-v2"].pk
    assert users.commit == repositories.head(world.specs, "main")
    assert shown("production")[SLUG].pk != first[SLUG].pk
    assert Publication.objects.get(pk=first[SLUG].pk).superseded_at is not None


def test_a_changed_neighbour_is_a_changed_document(world: World) -> None:
    root = """\
openapi: 3.0.3
info: {title: Split, version: "1"}
paths:
  /a:
    get:
      operationId: a
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "parts/a.yaml"}}}}}
"""
    files = {"genesys/split/v1/openapi.yaml": root, "genesys/split/v1/parts/a.yaml": "{type: string}\n"}
    world.everywhere(files)
    world.sync()
    before = shown("production")["genesys-split-v1"].document_id
    world.write("main", files | {"genesys/split/v1/parts/a.yaml": "{type: integer}\n"})
    world.sync()
    assert shown("production")["genesys-split-v1"].document_id != before
    assert set(Compilation.objects.first().inputs) == set(files)  # type: ignore[union-attr]


def test_a_refused_document_is_listed_with_file_line_and_reason_and_its_last_good_revision_stays(world: World) -> None:
    other = {"genesys/users/v2/openapi.json": openapi("/users", title="Users")}
    world.everywhere({QUEUES: openapi(), **other})
    world.sync()
    good = shown("staging")[SLUG]
    bad = world.write("staging", {QUEUES: '{"openapi": "3.0.3",\n "info": {"title": "x", }}', **other})
    run = world.sync()
    assert run.outcome == "refused"
    assert run.sentence == "staging: 1 refused."
    kept = shown("staging")
    assert kept[SLUG].pk == good.pk
    assert kept[SLUG].document_id == good.document_id
    assert kept[SLUG].stale
    assert f"{QUEUES}:2:" in kept[SLUG].stale_reason
    assert not kept["genesys-users-v2"].stale
    assert kept["genesys-users-v2"].commit == bad
    file = BranchFile.objects.get(branch__environment="staging", path=QUEUES)
    assert file.state == "refused"
    assert f"{QUEUES}:2:" in file.reason
    finding = Finding.objects.get(compilation=file.compilation, level="error")
    assert (finding.file, finding.line) == (QUEUES, 2)
    assert Branch.objects.get(environment="staging").state == "partial"
    assert [entry.data["documents"] for entry in entries("sync:refused")] == [[QUEUES]]
    assert not shown("production")[SLUG].stale
    assert world.sync().outcome == "unchanged"
    row = Source.objects.get(name="contact-center")
    assert (row.state, row.note) == ("partial", "staging: 1 document refused.")
    world.write("staging", {QUEUES: openapi("/mended"), **other})
    assert world.sync().outcome == "published"
    assert not shown("staging")[SLUG].stale
    assert Branch.objects.get(environment="staging").state == "fresh"
    assert Source.objects.get(name="contact-center").state == "fresh"


def test_a_document_with_findings_is_published_with_them(world: World) -> None:
    document = openapi("/queues/{id}").replace('"required": true', '"required": false')
    world.everywhere({QUEUES: document})
    assert world.sync().outcome == "published"
    row = shown("production")[SLUG]
    assert row.compilation.error_count > 0
    found = selectors.findings_of(row)
    assert found[0].level == "error"
    assert (found[0].file, found[0].line is not None) == (QUEUES, True)


YAML = """\
# The queues.
---
openapi: 3.0.3
info: {title: Queues, version: "1"}
paths: {/queues: {get: {responses: {"200": {description: ok}}}}}
"""
USERS = {"genesys/users/v2/openapi.json": openapi("/users", title="Users")}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!doctype html><title>Sign in</title>", ":1: This is an HTML or XML page"),
        (b"", ":1: The file is empty."),
        (YAML.encode("utf-16"), ":1: The file is UTF-16 or UTF-32"),
        (YAML.encode("utf-16-le"), ":1: The file is UTF-16 or UTF-32"),
        (b"greeting: hello\n", ":1: Neither openapi nor swagger says which version"),
        (b"\x00\x01\x02", ":1: The file is UTF-16 or UTF-32"),
    ],
)
def test_a_published_file_that_is_no_document_any_more_is_refused_and_its_api_stays(world: World, content: bytes, reason: str) -> None:
    path = "genesys/queues/v2/openapi.yaml"
    world.everywhere({path: YAML, **USERS})
    world.sync()
    good = shown("staging")[SLUG]
    for text in (content, content + b"\n "):  # the second time the last good revision is two commits old
        world.write("staging", {path: text, **USERS})
        assert world.sync().sentence == "staging: 1 refused."
        kept = shown("staging")[SLUG]
        assert (kept.pk, kept.commit, kept.stale) == (good.pk, good.commit, True)
        file = BranchFile.objects.get(branch__environment="staging", path=path)
        assert (file.state, file.slug) == ("refused", SLUG)
        assert f"{path}{reason}" in file.reason
        assert entries("sync:refused")[-1].data["documents"] == [path]
    assert not any(entry.data["removed"] for entry in entries("sync:published"))
    world.write("staging", USERS)
    assert world.sync().sentence == "staging: 1 removed."
    assert set(shown("staging")) == {"genesys-users-v2"}


def test_a_published_file_that_became_a_part_of_its_apis_new_document_is_no_document(world: World) -> None:
    world.everywhere({"genesys/queues/v2/queues.yaml": YAML})
    world.sync()
    root = YAML.replace("{get:", "{$ref: queues.yaml}, /more: {get:")
    world.write("main", {"genesys/queues/v2/openapi.yaml": root, "genesys/queues/v2/queues.yaml": "get: {responses: {}}\n"})
    assert world.sync().sentence == "production: 1 published."
    assert shown("production")[SLUG].path == "genesys/queues/v2/openapi.yaml"
    assert [file.path for file in BranchFile.objects.filter(branch__environment="production")] == ["genesys/queues/v2/openapi.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + YAML,
        "\ufeffopenapi: 3.0.3" + YAML.partition("openapi: 3.0.3")[2],
        YAML.replace("\n", "\r\n"),
        "%YAML 1.2\n" + YAML.partition("\n")[2],
        '{openapi: 3.0.3, info: {title: Queues, version: "1"}, paths: {}}\n',
        '# one line\n--- {info: {title: Queues, version: "1"}, openapi: 3.0.3, paths: {}}\n',
        '{"openapi": "3.0.3", "info": {"title": "Queues", "version": "1"}, "paths": {}}',
        '\ufeff{"info": {"title": "Queues", "version": "1"}, "paths": {}, "openapi": "3.0.3"}',
        '  "openapi" : 3.0.3\n  info: {title: Queues, version: "1"}\n  paths: {}\n',
    ],
)
def test_a_document_is_recognised_however_its_root_is_written(world: World, text: str) -> None:
    world.everywhere({"genesys/queues/v2/openapi.yaml": text})
    assert world.sync().outcome == "published"
    assert shown("production")[SLUG].api.title == "Queues"


def test_a_new_file_in_utf_16_that_looks_like_a_document_is_listed_as_refused(world: World) -> None:
    new = {f"genesys/new/v{number}/openapi.yaml": YAML.encode(name) for number, name in enumerate(("utf-16", "utf-16-be", "utf-32"))}
    other = {"genesys/new/v1/notes.yaml": "openapi is a word here\n", "genesys/new/v1/settings.json": '{"openapi": {"lint": true}}'}
    world.everywhere({QUEUES: openapi(), **new, **other})
    assert world.sync().outcome == "refused"
    files = BranchFile.objects.filter(branch__environment="production")
    assert {file.path: file.state for file in files} == {QUEUES: "published"} | dict.fromkeys(new, "refused")
    assert all("only UTF-8 is read" in file.reason for file in files if file.state == "refused")


def test_a_branch_that_vanished_keeps_what_it_published_and_says_so_once(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    repositories.delete(world.specs, "staging")
    assert world.sync().sentence == "staging: The branch staging is gone; what it last published stays."
    world.sync()
    branch = Branch.objects.get(environment="staging")
    assert branch.state == "gone"
    assert shown("staging")[SLUG].stale
    assert "gone" in shown("staging")[SLUG].stale_reason
    assert [entry.code for entry in entries("sync:refused")] == ["branch_gone"]
    world.write("staging", {QUEUES: openapi()}, parent=repositories.head(world.specs, "main"))
    assert world.sync().outcome == "published"
    assert not shown("staging")[SLUG].stale


def test_an_empty_tree_keeps_what_was_published(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    world.write("main", {"README.md": "moved"})
    assert "no document any more" in world.sync().sentence
    assert shown("production")[SLUG].stale
    assert Branch.objects.get(environment="production").state == "empty"
    assert world.sync().outcome == "refused"
    assert [entry.code for entry in entries("sync:refused")] == ["branch_empty"]


def test_an_ordinary_commit_removes_an_api_and_a_rewritten_history_does_not(world: World) -> None:
    files = {QUEUES: openapi(), "genesys/users/v2/openapi.json": openapi("/users", title="Users")}
    world.everywhere(files)
    world.sync()
    world.write("main", {QUEUES: files[QUEUES]})
    assert world.sync().sentence == "production: 1 removed."
    assert set(shown("production")) == {SLUG}
    old = repositories.head(world.specs, "staging")
    world.write("staging", {QUEUES: openapi("/other")}, parent=None)
    assert world.sync().sentence == "staging: 1 published, 1 kept though no longer in Git."
    assert set(shown("staging")) == {SLUG, "genesys-users-v2"}
    assert shown("staging")["genesys-users-v2"].stale
    branch = Branch.objects.get(environment="staging")
    assert branch.rewritten_from == old
    assert old[:12] in branch.note
    assert entries("sync:published")[-1].data["rewritten"] is True
    assert entries("sync:published")[-1].data["before"] == old


def test_a_new_tag_renames_the_release_without_a_new_commit(world: World) -> None:
    commit = world.everywhere({QUEUES: openapi()})
    world.sync()
    assert shown("production")[SLUG].release == ""
    repositories.tag(world.specs, "2025.1", commit)
    world.sync()
    assert shown("production")[SLUG].release == "2025.1"


def test_files_that_cannot_be_documents_are_told_with_a_reason(world: World) -> None:
    link = repositories.blob(world.specs, b"/etc/passwd")
    world.everywhere(
        {
            QUEUES: openapi(),
            "genesys/queues/v2/zwilling.json": openapi(),
            "genesys/link/v1/openapi.yaml": ("120000", link),
            "genesys/lfs/v1/openapi.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "unknown/api/v1/openapi.json": openapi(),
            "loose.json": openapi(),
            "genesys/queues/v2/schema.json": '{"type": "object"}',
            "README.md": "openapi: 3.0.3",
        }
    )
    world.sync()
    assert set(shown("production")) == {SLUG}
    reasons = {file.path: file.reason for file in BranchFile.objects.filter(branch__environment="production").exclude(state="published")}
    assert reasons == {
        "genesys/queues/v2/zwilling.json": f"{QUEUES} is already the document of {SLUG}.",
        "genesys/link/v1/openapi.yaml": "It is a symbolic link; only regular files are read.",
        "genesys/lfs/v1/openapi.yaml": "It is a Git LFS pointer; the document itself is not in the repository.",
        "unknown/api/v1/openapi.json": "'unknown' is no platform of environments.yaml.",
        "loose.json": "It must lie at <platform>/<name>/<version>/… to become an API.",
    }


def test_include_patterns_choose_the_files(world: World) -> None:
    world.write_rules(sources=SOURCES % world.specs + '    include: ["**/main.json"]\n')
    world.everywhere({QUEUES: openapi(), "genesys/users/v2/main.json": openapi("/users")})
    world.sync()
    assert set(shown("production")) == {"genesys-users-v2"}


def test_references_never_leave_the_tree(world: World) -> None:
    document = openapi().replace("#/components/schemas/Queue", "../../../../../../etc/passwd", 1)
    world.everywhere({QUEUES: document})
    assert world.sync().outcome in {"refused", "published"}
    for row in DocumentPart.objects.all():
        assert b"root:" not in row.text


def test_unsound_rules_are_refused_whole_and_the_last_sound_ones_stay(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    sound = selectors.current_rules()
    bad = world.write_rules(access="groups:\n  everyone:\n    role: admin\n    scopes: {genesys: ['*']}\n")
    run = world.sync("rules")
    assert run.outcome == "refused"
    assert "access.yaml:3" in run.sentence
    assert selectors.current_rules() == sound
    assert GroupGrant.objects.count() == 3
    row = Source.objects.get(name="rules")
    assert (row.state, row.note) == ("failed", run.sentence)
    revision = selectors.rules_revisions()[0]
    assert (revision.commit, revision.sound, revision.current) == (bad, False, False)
    assert [(one["file"], one["line"]) for one in revision.findings] == [("access.yaml", 3), ("access.yaml", 4)]
    world.sync("rules")
    assert len(entries("rules:refused")) == 1
    mended = world.write_rules()
    assert world.sync("rules").outcome == "published"
    assert selectors.current_rules().commit == mended


def test_the_rules_decide_which_sources_and_environments_are_shown(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    world.write_rules(sources=(SOURCES % world.specs).replace("sandbox: develop, ", ""))
    world.sync()
    assert shown("sandbox") == {}
    assert set(shown("staging")) == {SLUG}
    world.write_rules(sources="sources: {}\n")
    world.sync("rules")
    assert shown("production") == {}
    assert [row.name for row in selectors.sources()] == ["rules"]


def test_two_sources_never_publish_the_same_api_in_one_environment(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    second = (SOURCES % world.specs) + f"  copy:\n    git: {world.specs}\n    branches: {{production: main}}\n"
    world.write_rules(sources=second)
    world.sync("rules")
    run = world.sync("copy")
    assert run.outcome == "refused"
    file = BranchFile.objects.get(branch__source__name="copy")
    assert file.reason == f"The source contact-center already publishes {SLUG} in production."


def test_a_repository_that_cannot_be_read_fails_with_a_sentence_and_is_tried_again_later(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    world.specs.rename(world.specs.with_suffix(".gone"))
    for _ in range(3):
        run = world.sync("contact-center")
        assert (run.outcome, run.sentence) == ("failed", "There is no repository at this address.")
    row = Source.objects.get(name="contact-center")
    assert (row.failures, row.state) == (3, "failed")
    assert row.due_at > timezone.now() + timedelta(minutes=15)
    assert len(entries("sync:failed")) == 1
    assert set(shown("production")) == {SLUG}
    world.specs.with_suffix(".gone").rename(world.specs)
    assert world.sync("contact-center").outcome == "unchanged"
    assert Source.objects.get(name="contact-center").failures == 0


def test_a_bug_leaves_a_sentence_and_no_lease_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync("rules")

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(sync_actions, "read_source", broken)
    with pytest.raises(RuntimeError):
        world.sync("contact-center")
    run = SyncRun.objects.latest("pk")
    assert (run.outcome, run.finished_at is not None) == ("failed", True)
    assert Source.objects.get(name="contact-center").lease_until is None


def test_the_sweep_reads_what_is_due_and_nothing_twice(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    assert tasks.sweep() == 2  # the rules, and the source they name
    assert set(shown("production")) == {SLUG}
    assert tasks.sweep() == 1  # its YAML
    assert DocumentPart.objects.filter(name="source.yaml").count() == 1
    assert tasks.sweep() == 0
    assert SyncRun.objects.filter(trigger="timer").count() == 2


def test_requests_before_and_during_a_sync_are_one_more_sync(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    row = Source.objects.get(name="contact-center")
    for _ in range(100):
        actions.request_sync(row, trigger="push")
    claimed = actions.claim_due()
    assert claimed is not None
    for _ in range(200):
        actions.request_sync(row, trigger="push")
    actions.run_claimed(*claimed)
    assert tasks.sweep() >= 1
    assert tasks.sweep() <= 1
    assert SyncRun.objects.filter(source=row, trigger="push").count() == 2


def test_a_claimed_source_is_nobody_elses_until_its_lease_ends(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    claimed = actions.claim_due(names=["contact-center"], even_if_not_due=True)
    assert claimed is not None
    assert actions.sync_now("contact-center") is None
    SyncRun.objects.create(source=claimed[0], trigger="timer")
    Source.objects.filter(pk=claimed[0].pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    run = actions.sync_now("contact-center")
    assert run is not None
    assert run.outcome == "unchanged"
    assert SyncRun.objects.filter(outcome="abandoned").count() == 1
    late = actions.run_claimed(*claimed)  # the first worker wakes up: it may read, but it holds nothing
    assert late.finished_at is not None
    assert Source.objects.get(name="contact-center").lease_until is None


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_source(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    won: list[object] = []

    def claim() -> None:
        try:
            won.append(actions.claim_due(names=["contact-center"], even_if_not_due=True))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 8
    assert sum(claimed is not None for claimed in won) == 1


def test_texts_that_documents_share_are_kept_once(world: World) -> None:
    world.write("main", {QUEUES: openapi("/queues", "/a", "/b")})
    world.write("staging", {QUEUES: openapi("/queues", "/a", "/b", "/c")}, parent=None)
    world.sync()
    assert Document.objects.count() == 2
    digests = list(Content.objects.values_list("digest", flat=True))
    assert len(digests) == len(set(digests))
    first, second = (
        set(Content.objects.filter(pk__in=document.operations.values("detail_content")).values_list("pk", flat=True))
        for document in Document.objects.order_by("operation_count")
    )
    assert first < second
