"""Documents that vendors really publish, put into a repository and synced like any other."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from django.db import connection
from pytest_django import Settings

from catalog import actions, runtime, selectors, tasks
from catalog.models import Compilation, Document, Finding, SyncRun
from identity.access import Access
from tests.catalog import repositories
from tests.catalog.world import shown
from tests.plugin import ROOT, SHARED

DOCUMENTS = SHARED / "documents"
PLATFORMS = ("genesys", "github", "stripe", "amazon", "slack")
NAMES = {
    "genesys-platform-v2": {"main": "genesys-purecloud-platform-v2-2017-09.json", "staging": "genesys-purecloud-platform-v2-older.json"},
    "github-rest-v3": {"main": "github-api-22.0.0.json", "staging": "github-api-23.0.2.json"},
    "stripe-api-v1": {"main": "stripe-2022-04-12.json", "staging": "stripe-2023-09-07.yaml"},
    "amazon-connect-2017-08-08": {"main": "amazon-connect.json", "staging": "amazon-connect.json"},
    "slack-web-v1": {"main": "slack.json", "staging": "slack.json"},
}
OPERATIONS = {
    "genesys-platform-v2": (841, 557),
    "stripe-api-v1": (417, 460),
    "amazon-connect-2017-08-08": (197, 197),
    "slack-web-v1": (174, 174),
}
REACH = Access(
    groups=("all",),
    role="developer",
    environments=frozenset(),
    write=frozenset(),
    per_minute=None,
    quota_group="",
    scopes={},
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DOCUMENTS.is_dir(), reason=f"the vendors' documents are not at {DOCUMENTS}"),
]


def tree(branch: str) -> dict[str, bytes]:
    files = {}
    for slug, names in NAMES.items():
        platform, name, version = slug.split("-", 2)
        suffix = names[branch].rsplit(".", 1)[1]
        files[f"{platform}/{name}/{version}/openapi.{suffix}"] = (DOCUMENTS / names[branch]).read_bytes()
    return files


def rules(specs: Path, source_branches: str) -> dict[str, str]:
    places = "\n".join(f"  {name}: {{at: {{staging: {{base_url: 'https://{name}.example/api'}}}}}}" for name in PLATFORMS)
    return {
        "environments.yaml": f"environments:\n  staging: {{}}\n  production: {{protected: true}}\nplatforms:\n{places}\n",
        "sources.yaml": f"sources:\n  vendors:\n    git: {specs}\n    branches: {{{source_branches}}}\n",
        "access.yaml": "groups:\n  all: {role: developer, environments: [staging]}\n",
    }


def peak_of_children() -> int:
    """Megabytes of the largest child process so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


@pytest.fixture
def specs(tmp_path: Path, settings: Settings, db: None) -> Path:
    made = repositories.create(tmp_path / "specs.git")
    settings.PORTAL_HOME, settings.PORTAL_RULES = tmp_path / "home", str(tmp_path / "rules.git")
    return made


def read(specs: Path, branches: str) -> SyncRun:
    repositories.commit(repositories.create(specs.parent / "rules.git"), rules(specs, branches))
    actions.sync_now("rules")
    run = actions.sync_now("vendors")
    assert run is not None
    return run


def test_real_documents_are_published_with_their_findings(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = repositories.commit(specs, tree("main"))
    repositories.tag(specs, "2024.1", first)
    repositories.commit(specs, tree("staging"), branch="staging", parent=first)
    run = read(specs, "staging: staging, production: main")
    assert (run.outcome, run.sentence) == ("published", "staging: 5 published. production: 5 published.")
    assert run.finished_at is not None
    took = (run.finished_at - run.started_at).total_seconds()
    for environment, column in (("production", 0), ("staging", 1)):
        rows = shown(environment)
        assert set(rows) == set(NAMES)
        for slug, counts in OPERATIONS.items():
            assert rows[slug].document.operation_count == counts[column]
        assert rows["github-rest-v3"].document.operation_count > 1_000
    # Both Genesys documents break the standard they are written in, and are published all the same.
    genesys = [row.compilation for row in (shown("production")["genesys-platform-v2"], shown("staging")["genesys-platform-v2"])]
    assert all(one.error_count > 0 for one in genesys)
    assert all(found.file and found.line for found in Finding.objects.filter(compilation__in=genesys, level="error"))
    with capsys.disabled():
        seconds = {f"{one.root_path} {one.root_blob[:6]}": one.seconds for one in Compilation.objects.all()}
        print(f"\nall ten: {took:.1f} s, peak of a child {peak_of_children()} MB, {connection.vendor}\n{seconds}")


def test_github_is_synced_in_ten_seconds_and_600_megabytes(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: content for name, content in tree("staging").items() if name.startswith("github")}
    repositories.commit(specs, files)
    repositories.commit(repositories.create(specs.parent / "rules.git"), rules(specs, "production: main"))
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    variables = kept | {"PORTAL_HOME": str(specs.parent / "own"), "PORTAL_RULES": str(specs.parent / "rules.git")}
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=variables, check=True)
    before, started = os.times(), time.monotonic()
    # A process of its own: what other tests left in this one's memory is not the sync's.
    sync = subprocess.Popen([*manage, "sync", "--wait"], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while sync.poll() is None:
        peak = max(peak, memory_of_family(sync.pid))
        time.sleep(0.05)
    took = time.monotonic() - started
    after = os.times()
    # Processor time of it and all it started: what the clock says depends on what else the machine does.
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    assert sync.returncode == 0
    with capsys.disabled():
        print(f"\nGitHub 23.0.2 by manage.py sync: {took:.1f} s ({busy:.1f} s of processor time), {peak} MB with its children")
    assert busy <= 10
    assert 50 < peak <= 600


def memory_of_family(parent: int) -> int:
    """Resident megabytes of a process and everything it started, right now."""
    total, waiting = 0, [parent]
    while waiting:
        number = waiting.pop()
        with contextlib.suppress(OSError, StopIteration, ValueError):
            status = Path(f"/proc/{number}/status").read_text().splitlines()
            total += int(next(line for line in status if line.startswith("VmRSS")).split()[1])
            for task in Path(f"/proc/{number}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
    return total // 1024


def test_an_operation_of_a_large_document_is_read_routed_and_sliced(specs: Path) -> None:
    files = {name: content for name, content in tree("staging").items() if name.startswith(("github", "stripe"))}
    repositories.commit(specs, files)
    read(specs, "staging: main")
    publication, operation = selectors.operation_in("staging", "github-rest-v3", "repos-get")
    assert (operation.method, operation.path) == ("GET", "/repos/{owner}/{repo}")
    assert operation.line
    small = json.dumps(selectors.operation_slice(publication, operation))
    assert len(small) < 200_000
    found = runtime.published("staging", "github-rest-v3")
    assert found is not None
    match = runtime.router(found.document_id).match("GET", "/repos/a/b")
    assert (match.operation, match.path_parameters) == ("repos-get", {"owner": "a", "repo": "b"})
    checked = runtime.operation(found.document_id, "repos-get").validator
    assert checked.request(path_parameters=match.path_parameters, query="", headers=[], body=b"").state == "valid"
    verdict = checked.response(status=200, headers=[("content-type", "application/json")], body=b'{"id": "seven"}')
    assert verdict.state == "invalid"
    hits = selectors.search_operations(REACH, "/repos/{owner}/{repo}")
    assert {hit.path for hit in hits[:3]} == {"/repos/{owner}/{repo}"}
    assert selectors.search_operations(REACH, "PostCharges")[0].path == "/v1/charges"
    assert selectors.search_schemas(REACH, "full-repository")[0].api == "github-rest-v3"


def test_a_document_is_given_back_as_git_has_it(specs: Path) -> None:
    files = {name: content for name, content in tree("staging").items() if name.startswith(("stripe", "slack", "genesys"))}
    repositories.commit(specs, files)
    read(specs, "staging: main")
    while tasks.sweep():
        pass
    for slug, original in (
        ("stripe-api-v1", yaml.load(files["stripe/api/v1/openapi.yaml"], Loader=yaml.CSafeLoader)),
        ("slack-web-v1", json.loads(files["slack/web/v1/openapi.json"])),
        ("genesys-platform-v2", json.loads(files["genesys/platform/v2/openapi.json"])),
    ):
        publication = selectors.api_in("staging", slug)
        base_url = selectors.base_url_of(publication)
        served = json.loads(selectors.with_servers(publication.document, selectors.source_text(publication.document), base_url))
        own = {"host", "basePath", "schemes"} if "swagger" in original else {"servers"}
        assert {name: value for name, value in served.items() if name not in own} == {
            name: value for name, value in original.items() if name not in own
        }
        assert {name: served[name] for name in own} == selectors.server_members(publication.document, base_url)
    assert Document.objects.count() == 3
