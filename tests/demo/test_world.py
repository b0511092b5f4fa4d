"""Ports, repositories and portal.env of the demo world."""

from __future__ import annotations

import socket
import stat
import subprocess
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from demo import repositories, world
from specs.errors import DocumentRefused
from specs.load import load
from specs.sandbox import compile_in_child


@pytest.fixture
def here(tmp_path: Path) -> world.World:
    return world.open_world(tmp_path)


def show(repository: Path, place: str) -> str:
    return subprocess.run(["git", "-C", str(repository), "show", place], capture_output=True, text=True, check=True).stdout


def test_ports_and_secrets_stay_the_same(tmp_path: Path) -> None:
    first = world.open_world(tmp_path)
    second = world.open_world(tmp_path)
    assert (first.identity_port, first.platform_port, first.secrets) == (second.identity_port, second.platform_port, second.secrets)
    assert stat.S_IMODE((tmp_path / "demo" / "world.json").stat().st_mode) == 0o600


def test_secrets_are_not_printed(here: world.World) -> None:
    assert not any(secret in repr(here) for secret in here.secrets.values())


def test_a_port_somebody_took_is_replaced_and_the_rules_follow(tmp_path: Path) -> None:
    first = world.open_world(tmp_path)
    assert repositories.make_rules_repository(first)
    old = first.platform_port
    with socket.create_server(("127.0.0.1", old)):
        second = world.open_world(tmp_path)
    assert second.platform_port != old
    assert not repositories.make_rules_repository(second)
    rules = show(second.rules_repository, "main:environments.yaml")
    assert f":{second.platform_port}/genesys/staging/api/v2" in rules
    assert f":{old}/" not in rules


def test_portal_env_keeps_lines_somebody_added(here: world.World) -> None:
    path = here.home / "portal.env"
    path.write_text("# mine\nPORTAL_LOG_LEVEL=DEBUG\nPORT=1\n")
    world.write_portal_environment(here, port=8123)
    world.write_portal_environment(here, port=8124)
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# mine", "PORTAL_LOG_LEVEL=DEBUG"]
    assert [line for line in lines if line.startswith("PORT=")] == ["PORT=8124"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_home_has_one_supervisor(tmp_path: Path) -> None:
    with world.lock_home(tmp_path), pytest.raises(world.DemoRefused, match="already running"):
        world.lock_home(tmp_path)
    world.lock_home(tmp_path).close()


def test_repositories_have_their_branches_and_tags(here: world.World) -> None:
    assert repositories.make_documents_repository(here)
    assert not repositories.make_documents_repository(here)
    refs = subprocess.run(
        ["git", "-C", str(here.documents_repository), "for-each-ref", "--format=%(refname)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"refs/heads/main", "refs/heads/staging", "refs/heads/develop"} <= set(refs)
    assert sum(ref.startswith("refs/tags/2026.") for ref in refs) == 3


@pytest.mark.parametrize("branch", repositories.BRANCH_ORDER)
def test_documents_are_valid_except_those_that_are_not_meant_to_be(branch: str) -> None:
    broken = {"genesys/webhook-sample/v2/openapi.yaml", "cxone/recording/v1/openapi.yaml"}
    files = repositories.document_files(branch)
    assert set(files) >= {"genesys/integration/v2/openapi.yaml", "cxone/contact/v33/openapi.yaml"}
    assert bool(set(files) & broken) == (branch == "develop")
    for path in set(files) - broken:
        document = load(files[path].encode(), file=path).value
        validator = OpenAPIV31SpecValidator if str(document["openapi"]).startswith("3.1") else OpenAPIV30SpecValidator
        assert [error.message for error in validator(document).iter_errors()] == []


def test_the_sample_of_the_handbook_is_refused_with_everything_that_is_wrong_with_it() -> None:
    path = "genesys/webhook-sample/v2/openapi.yaml"
    text = repositories.document_files("develop")[path]
    with pytest.raises(DocumentRefused) as caught:
        compile_in_child(lambda name: text.encode() if name == path else None, path)
    findings = caught.value.findings
    lines = text.splitlines()
    assert (findings[0].rule, findings[0].file) == ("reference-dangling", path)
    assert "WebhookDefinition" in lines[(findings[0].line or 0) - 1]
    assert {"server-variable-undefined", "security-undefined", "standard"} <= {finding.rule for finding in findings[1:]}


def test_staging_is_ahead_of_production_by_four_changes() -> None:
    path = "genesys/integration/v2/openapi.yaml"
    before, after = (load(repositories.document_files(branch)[path].encode(), file=path).value for branch in ("main", "staging"))
    assert set(before["paths"]) - set(after["paths"]) == {"/users/search"}
    assert set(after["paths"]) - set(before["paths"]) == {"/webhook-event-types"}
    assert after["paths"]["/routing/skills"]["get"]["deprecated"] is True
    required = [document["components"]["schemas"]["QueueDefinition"]["required"] for document in (before, after)]
    assert required == [["name"], ["name", "divisionId"]]


def test_marks_choose_lines_by_branch() -> None:
    text = "a\n#: main\nb\n  #: staging, develop\nc\n#: all\nd\n"
    assert repositories.for_branch(text, "main") == "a\nb\nd\n"
    assert repositories.for_branch(text, "develop") == "a\nc\nd\n"
