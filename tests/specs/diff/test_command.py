"""``specs diff`` and ``specs rules``: files and commits, four formats, exit codes, and what cannot be read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from specs.__main__ import main
from specs.diff import REGISTRY
from specs.diff.policy import FILE_NAME
from tests.specs.diff.situations import ANSWERS, one, path_gone
from tests.specs.documents import openapi

PROJECT = Path(__file__).resolve().parents[3]
NAME = {"type": "object", "properties": {"queueId": {"type": "string"}}}
OLD = one(requestBody={"content": {"application/json": {"schema": NAME}}})
NEW = one(requestBody={"content": {"application/json": {"schema": {**NAME, "required": ["queueId"]}}}}, tags=["queues"])
LINE = "breaking: POST /things: Body property `queueId` became required. [request-property-became-required]\n"

Run = Callable[..., tuple[int, str, str]]


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run in a folder with two documents; status, output, errors."""
    (tmp_path / "old.json").write_text(json.dumps(OLD))
    (tmp_path / "new.json").write_text(json.dumps(NEW))
    monkeypatch.chdir(tmp_path)

    def start(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return start


@pytest.fixture
def repository(run: Run, tmp_path: Path) -> Path:
    """The folder as a repository: ``main`` has the old document as ``api/openapi.json``, the work tree the new one."""
    folder = tmp_path / "api"
    folder.mkdir()
    document = {**OLD, "components": {"schemas": {"Shared": {"$ref": "../shared.yaml"}}}}
    (folder / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "shared.yaml").write_text("type: string\n")
    (folder / "link.json").symlink_to(folder / "openapi.json")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    (folder / "openapi.json").write_text(json.dumps({**document, "paths": NEW["paths"]}))
    return tmp_path


def test_text_has_a_line_for_each_change_and_a_summary(run: Run) -> None:
    status, text, _errors = run("diff", "old.json", "new.json")
    assert status == 0
    assert text == (
        LINE + "info: POST /things: The operation has a new tag: `queues`. [api-tag-added]\n"
        "old.json → new.json: 1 breaking, 0 warnings, 1 info\n"
    )


def test_json_has_the_shape_of_the_contract(run: Run) -> None:
    status, text, _errors = run("diff", "old.json", "new.json", "--format", "json")
    report = json.loads(text)
    assert status == 0
    assert {name: report[name] for name in ("breaking", "warning", "info")} == {"breaking": 1, "warning": 0, "info": 1}
    assert report["changes"][0] == {
        "rule": "request-property-became-required",
        "level": "breaking",
        "operation": "POST /things",
        "location": "request.body.queueId",
        "text": "Body property `queueId` became required.",
    }


def test_markdown_is_fit_for_a_pull_request(run: Run) -> None:
    _status, text, _errors = run("diff", "old.json", "new.json", "--format", "markdown")
    assert "### API changes: 1 breaking, 0 warnings, 1 info" in text
    assert "| `POST /things` | Body property `queueId` became required. | `request-property-became-required` |" in text
    assert "<details><summary>Other changes (1)</summary>" in text


def test_markdown_lets_no_document_write_markup(run: Run, tmp_path: Path) -> None:
    name = "a`|<img src=x>\n@everyone"
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {name: {"type": "string"}}}}}}
    (tmp_path / "new.json").write_text(json.dumps(one(requestBody=body)))
    _status, text, _errors = run("diff", "old.json", "new.json", "--format", "markdown")
    assert "`a'\\|<img src=x> @everyone`" in text


def test_sarif_names_rules_places_and_fingerprints(run: Run) -> None:
    _status, text, _errors = run("diff", "old.json", "new.json", "--format", "sarif")
    log = json.loads(text)
    (found,) = log["runs"]
    names = [rule["id"] for rule in found["tool"]["driver"]["rules"]]
    assert log["version"] == "2.1.0"
    assert [names[result["ruleIndex"]] for result in found["results"]] == [result["ruleId"] for result in found["results"]]
    assert [result["level"] for result in found["results"]] == ["error", "note"]
    first = found["results"][0]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "new.json"
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "POST /things request.body.queueId"
    assert len({result["partialFingerprints"]["change/v1"] for result in found["results"]}) == 2


@pytest.mark.parametrize(("level", "status"), [("breaking", 1), ("warning", 1), ("info", 1), ("none", 0)])
def test_the_exit_status_follows_the_level_asked_for(run: Run, level: str, status: int) -> None:
    assert run("diff", "old.json", "new.json", "--fail-on", level)[0] == status
    assert run("diff", "old.json", "old.json", "--fail-on", level)[0] == 0


def test_a_level_fails_on_what_is_worse_and_not_on_what_is_better(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tagged.json").write_text(json.dumps(one(tags=["a"])))
    (tmp_path / "bare.json").write_text(json.dumps(one()))
    assert run("diff", "bare.json", "tagged.json", "--fail-on", "warning")[0] == 0
    assert run("diff", "bare.json", "tagged.json", "--fail-on", "info")[0] == 1


def test_swagger_and_its_upgrade_are_compared_as_one_language(run: Run, tmp_path: Path) -> None:
    parameters = [{"name": "b", "in": "body", "schema": NAME}]
    swagger: dict[str, Any] = {"swagger": "2.0", "info": {"title": "T", "version": "1"}, "consumes": ["application/json"],
                               "paths": {"/things": {"post": {"parameters": parameters, "responses": ANSWERS}}}}  # fmt: skip
    (tmp_path / "swagger.json").write_text(json.dumps(swagger))
    _status, text, _errors = run("diff", "swagger.json", "new.json", "--format", "json")
    assert [change["rule"] for change in json.loads(text)["changes"] if change["level"] == "breaking"] == [
        "request-property-became-required"
    ]


# Commits


def test_a_commit_is_compared_with_the_work_tree(run: Run, repository: Path) -> None:
    status, text, _errors = run("diff", "main:api/openapi.json", "api/openapi.json", "--fail-on", "breaking")
    assert (status, text.startswith(LINE)) == (1, True)


def test_two_commits_are_compared(run: Run, repository: Path) -> None:
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    first = git(repository, "rev-parse", "HEAD~1")
    for old, new in (("HEAD~1", "HEAD"), (first, "main"), (first[:10], "HEAD^{commit}")):
        assert run("diff", f"{old}:api/openapi.json", f"{new}:api/openapi.json")[1].startswith(LINE)


def test_a_path_with_a_dot_is_read_from_here(run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "api")
    assert run("diff", "HEAD:./openapi.json", "openapi.json")[1].startswith(LINE)
    assert run("diff", "HEAD:api/openapi.json", "openapi.json")[1].startswith(LINE)


def test_references_are_read_from_the_same_commit(run: Run, repository: Path) -> None:
    (repository / "shared.yaml").unlink()
    status, _text, errors = run("diff", "HEAD:api/openapi.json", "HEAD:api/openapi.json")
    assert (status, errors) == (0, "")
    assert run("diff", "HEAD:api/openapi.json", "api/openapi.json")[0] == 2


@pytest.mark.parametrize(
    "name",
    [
        *("nowhere:api/openapi.json", "HEAD:api/gone.json", "HEAD:api", "HEAD:../outside.json", "HEAD:/etc/passwd", ":api/openapi.json"),
        *("--output=x:api/openapi.json", "-h:api/openapi.json", "--upload-pack=touch x:api/openapi.json", "HEAD:api/link.json"),
        *("HEAD:", ":", "HEAD\n:api/openapi.json", "HEAD --all:api/openapi.json", "gone.json"),
    ],
)
def test_names_that_mean_nothing_end_with_2_and_one_sentence(run: Run, repository: Path, name: str) -> None:
    before = sorted(path.name for path in repository.iterdir())
    status, text, errors = run("diff", "--", name, "new.json")
    assert (status, text) == (2, "")
    assert errors.startswith("specs: ")
    assert errors.count("\n") == 1
    assert sorted(path.name for path in repository.iterdir()) == before


def test_hooks_filters_and_pagers_of_a_repository_do_not_run(run: Run, repository: Path) -> None:
    proof = repository / "proof"
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.smudge", "filter.x.clean", "diff.external", "alias.cat-file"):
        git(repository, "config", name, f"touch {proof}")
    (repository / ".gitattributes").write_text("*.json filter=x\n")
    assert run("diff", "HEAD:api/openapi.json", "new.json")[0] == 0
    assert not proof.exists()


def test_outside_a_repository_a_commit_cannot_be_read(run: Run, tmp_path: Path) -> None:
    status, _text, errors = run("diff", "HEAD:openapi.json", "new.json")
    assert status == 2
    assert "'HEAD' is not a commit of the repository around" in errors


def test_without_git_files_are_still_compared(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert run("diff", "old.json", "new.json")[0] == 0
    assert run("diff", "HEAD:old.json", "new.json")[0] == 2


# What cannot be read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hello: there\n", "version-missing"),
        ("openapi: 3.0.3\nopenapi: 3.0.3\n", "duplicate-key"),
        ("openapi: 3.1.0\npaths: {/a: {get: {responses: {200: {$ref: '#/gone'}}}}}\n", "reference-dangling"),
        ("openapi: 3.1.0\ncomponents: {schemas: {A: {$ref: 'https://a.example/x.json'}}}\n", "reference-outside"),
        ("openapi: 3.1.0\ncomponents: {schemas: {A: {$ref: ../secret.json}}}\n", "reference-outside"),
        ("openapi: 3.1.0\ncomponents: {schemas: {A: {$ref: '#/components/schemas/A'}}}\n", "reference-circle"),
        ("a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b]\n" + "x: [" * 2000, "refused"),
        ("<!doctype html>", "not-a-document"),
    ],
)
def test_a_refused_document_ends_with_2_and_its_findings(run: Run, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "refused.yaml").write_text(text)
    for arguments in (("refused.yaml", "new.json"), ("new.json", "refused.yaml")):
        status, out, errors = run("diff", *arguments)
        assert (status, out) == (2, "")
        assert errors.startswith("specs: refused.yaml cannot be compared:\n  error: refused.yaml")
        assert told in errors


def test_wrong_use_ends_with_2(run: Run) -> None:
    for arguments in (
        ["diff"],
        ["diff", "old.json"],
        ["diff", "old.json", "new.json", "--fail-on", "fatal"],
        ["diff", "a", "b", "--format", "x"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2


def test_help_has_examples(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["diff", "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "specs diff main:crm/users/v1/openapi.yaml crm/users/v1/openapi.yaml --fail-on breaking" in text


# Levels and acceptance


ACCEPT = "accept: [{rule: request-property-became-required, reason: All clients send it., until: 2999-01-01}]\n"


def test_the_file_at_the_top_of_the_tree_is_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(ACCEPT)
    status, text, _errors = run("diff", "old.json", "new.json", "--fail-on", "breaking")
    assert status == 0
    assert "accepted until 2999-01-01: POST /things: Body property `queueId` became required." in text
    assert text.endswith("0 breaking, 0 warnings, 1 info, 1 accepted\n")
    report = json.loads(run("diff", "old.json", "new.json", "--format", "json")[1])
    assert (report["breaking"], report["accepted"][0]["reason"]) == (0, "All clients send it.")
    assert "#### Accepted (1)" in run("diff", "old.json", "new.json", "--format", "markdown")[1]
    sarif = json.loads(run("diff", "old.json", "new.json", "--format", "sarif")[1])
    assert [result.get("suppressions") for result in sarif["runs"][0]["results"]] == [
        None,
        [{"kind": "external", "justification": "All clients send it."}],
    ]


def test_the_file_of_the_commit_is_read(run: Run, repository: Path) -> None:
    (repository / FILE_NAME).write_text(ACCEPT)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "second")
    (repository / FILE_NAME).unlink()
    arguments = ("diff", "HEAD~1:api/openapi.json")
    assert run(*arguments, "HEAD:api/openapi.json", "--fail-on", "breaking")[0] == 0
    assert run(*arguments, "api/openapi.json", "--fail-on", "breaking")[0] == 1


def test_another_file_can_be_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "levels.yaml").write_text("levels: {request-property-became-required: info, api-tag-added: off}\n")
    status, text, _errors = run("diff", "old.json", "new.json", "--config", "levels.yaml", "--fail-on", "warning")
    assert (status, text.splitlines()[-1]) == (0, "old.json → new.json: 0 breaking, 0 warnings, 1 info")


def test_a_file_that_cannot_be_used_ends_with_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "levels.yaml").write_text("levels: {no-such-rule: info}\n")
    status, text, errors = run("diff", "old.json", "new.json", "--config", "levels.yaml")
    assert (status, text) == (2, "")
    assert "there is no rule 'no-such-rule'; specs rules diff lists them." in errors
    assert run("diff", "old.json", "new.json", "--config", "gone.yaml")[0] == 2


def test_notes_are_shown_in_every_format_for_people(run: Run, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("accept: [{rule: api-tag-removed, reason: x, until: 2020-01-01}]\n")
    note = "The acceptance of api-tag-removed ended on 2020-01-01 and no longer holds."
    for name in ("text", "json", "markdown"):
        assert note in run("diff", "old.json", "new.json", "--format", name)[1]


def test_nothing_to_say_is_said(run: Run) -> None:
    assert "Nothing that a client or server would notice." in run("diff", "old.json", "old.json", "--format", "markdown")[1]


# Rules, and the other ways in


def test_rules_are_listed(run: Run) -> None:
    listed = json.loads(run("rules", "diff", "--format", "json")[1])
    assert [rule["id"] for rule in listed] == list(REGISTRY.rules)
    assert {"kind", "id", "level", "direction", "area", "summary"} == set(listed[0])
    assert len(run("rules", "diff")[1].splitlines()) == len(REGISTRY.rules)


def test_the_page_about_differences_has_every_rule(run: Run) -> None:
    page = (PROJECT / "docs" / "diff.md").read_text()
    assert run("rules", "diff", "--format", "markdown")[1] in page


@pytest.mark.usefixtures("run")
def test_manage_py_runs_the_same_without_a_database(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("specs", "diff", "old.json", "new.json")
    assert capsys.readouterr().out.startswith(LINE)
    with pytest.raises(SystemExit) as ended:
        call_command("specs", "diff", "old.json", "new.json", "--fail-on", "breaking")
    assert ended.value.code == 1
    with pytest.raises(CommandError, match=r"There is no file gone\.json") as wrong:
        call_command("specs", "diff", "gone.json", "new.json")
    assert wrong.value.returncode == 2


def test_it_runs_as_a_module(run: Run, tmp_path: Path) -> None:
    old, new = path_gone()[:2]
    (tmp_path / "a.json").write_text(json.dumps(old))
    (tmp_path / "b.json").write_text(json.dumps(new))
    arguments = ("diff", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--fail-on", "breaking")
    done = subprocess.run([sys.executable, "-m", "specs", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "[api-path-removed-without-deprecation]" in done.stdout


def test_documents_in_two_files_are_compared_through_their_references(run: Run, tmp_path: Path) -> None:
    for name, schema in (("a", {"type": "string"}), ("b", {"type": "string", "maxLength": 3})):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "part.json").write_text(json.dumps(schema))
        (folder / "openapi.json").write_text(
            json.dumps(
                openapi("3.1.0", paths=one(requestBody={"content": {"application/json": {"schema": {"$ref": "part.json"}}}})["paths"])
            )
        )
    assert "[request-body-max-length-set]" in run("diff", "a/openapi.json", "b/openapi.json")[1]
