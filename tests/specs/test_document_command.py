"""``specs bundle``, ``upgrade``, ``slice``, ``sample``, and documents of a commit: ``GITREF:path``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specs.__main__ import main
from specs.errors import UsageWrong
from specs.load import load
from specs.sources import tree_at
from tests.specs.documents import compiled, openapi, operation, rules

Run = Callable[..., tuple[int, str, str]]

THING = "Thing: {type: object, required: [n], properties: {n: {type: integer}, kind: {type: string, enum: [a, 'on', '1e3']}}}\n"
API: dict[str, Any] = openapi(
    servers=[{"url": "https://things.example"}],
    paths={
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 5}}],
            "get": operation(
                operationId="getThing",
                responses={
                    "200": {"description": "d", "content": {"application/json": {"schema": {"$ref": "parts.yaml#/Thing"}}}},
                    "404": {"description": "d", "content": {"text/plain": {"examples": {"a": {"value": "gone"}, "b": {"value": "away"}}}}},
                },
            ),
            "put": operation(requestBody={"content": {"application/json": {"schema": {"$ref": "parts.yaml#/Thing"}}}}),
        },
    },
)
OLD = {
    "swagger": "2.0", "info": {"title": "t", "version": "1"}, "host": "old.example", "paths": {
        "/a": {"get": {"parameters": [{"name": "q", "in": "query", "type": "array", "collectionFormat": "tsv", "items": {"type": "string"}}],
                       "responses": {"200": {"description": "d"}}}}},
}  # fmt: skip


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run in a repository whose first commit ``one`` says ``n`` is a number, whose work tree says it is text."""
    folder = tmp_path / "repository"
    (folder / "apis").mkdir(parents=True)
    (folder / "apis" / "api.json").write_text(json.dumps(API))
    (folder / "apis" / "parts.yaml").write_text(THING)
    (folder / "apis" / "old.json").write_text(json.dumps(OLD))
    (folder / "apis" / "link.yaml").symlink_to("parts.yaml")
    _git(folder, "init", "-q")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "one")
    _git(folder, "tag", "one")
    (folder / "apis" / "parts.yaml").write_text(THING.replace("integer", "string"))
    monkeypatch.chdir(folder)

    def command(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return command


def test_a_bundle_is_one_document_with_its_servers(run: Run) -> None:
    status, text, _told = run("bundle", "apis/api.json")
    document = json.loads(text)
    assert status == 0
    assert document["servers"] == API["servers"]
    assert document["components"]["schemas"]["Thing"]["properties"]["n"] == {"type": "string"}
    assert rules(compiled(document).findings, "error") == []


def test_a_document_of_a_commit_takes_its_references_from_that_commit(run: Run) -> None:
    document = json.loads(run("bundle", "one:apis/api.json")[1])
    assert document["components"]["schemas"]["Thing"]["properties"]["n"] == {"type": "integer"}
    assert run("bundle", "one:./apis/api.json")[0] == 0


def test_yaml_is_read_back_as_it_was_written(run: Run) -> None:
    _status, text, _told = run("bundle", "apis/api.json", "--format", "yaml")
    assert load(text.encode(), "a.yaml").value == json.loads(run("bundle", "apis/api.json")[1])


def test_a_result_is_written_to_a_file(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    assert run("bundle", "apis/api.json", "--output", str(target))[:2] == (0, "")
    assert json.loads(target.read_text())["openapi"] == "3.0.3"
    status, _text, told = run("bundle", "apis/api.json", "--output", str(tmp_path / "none" / "out.json"))
    assert (status, "cannot be written" in told) == (2, True)


def test_an_upgrade_tells_what_it_could_not_carry_over(run: Run) -> None:
    status, text, told = run("upgrade", "apis/old.json")
    document = json.loads(text)
    assert (status, document["openapi"], document["servers"]) == (0, "3.0.3", [{"url": "https://old.example"}])
    assert "apis/old.json:1:" in told
    assert "[collection-format]" in told


def test_a_slice_is_sound_and_holds_one_operation(run: Run) -> None:
    for wanted in ("getThing", "GET /things/{id}", "get /things/{id}"):
        status, text, _told = run("slice", "apis/api.json", wanted)
        document = json.loads(text)
        assert (status, list(document["paths"]["/things/{id}"])) == (0, ["get"])
        assert document["servers"] == API["servers"]
        assert rules(compiled(document).findings, "error") == []
    assert "x-cut" in run("slice", "apis/api.json", "getThing", "--bytes", "10")[1]


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another(run: Run) -> None:
    first, again, other = (
        json.loads(run("sample", "apis/api.json", "getThing", "--part", "response", "--seed", seed)[1]) for seed in ("0", "0", "1")
    )
    assert first == again != other
    assert first["status"] == 200
    request = json.loads(run("sample", "apis/api.json", "PUT /things/{id}", "--seed", "2")[1])
    assert request["parameters"]["path"]["id"] >= 5
    answers = [
        json.loads(run("sample", "apis/api.json", "getThing", "--part", "response", "--status", "404", "--seed", seed)[1])["body"]
        for seed in ("0", "1", "2")
    ]
    assert answers == ["gone", "away", "gone"]


def test_wrong_use_is_told_and_ends_with_2(run: Run) -> None:
    for arguments, wanted in (
        (("slice", "apis/api.json", "getThin"), "Did you mean 'getThing'?"),
        (("sample", "apis/api.json", "getThing", "--part", "response", "--status", "500"), "has no answer 500; it has 200, 404"),
        (("bundle", "apis/gone.json"), "There is no file apis/gone.json."),
        (("bundle", "apis"), "There is no file apis."),
        (("bundle", "one:apis/gone.json"), "There is no file apis/gone.json in one."),
        (("bundle", "gone:apis/api.json"), "'gone' is not a commit"),
        (("check", "one:none"), "There is no file or folder none in one."),
    ):
        status, text, told = run(*arguments)
        assert (status, text) == (2, ""), arguments
        assert wanted in told


def test_a_refused_document_is_told_and_ends_with_1(run: Run) -> None:
    Path("bad.json").write_text(json.dumps(openapi(components={"schemas": {"A": {"$ref": "../out.yaml"}}})))
    for verb in ("bundle", "upgrade"):
        status, text, told = run(verb, "bad.json")
        assert (status, text) == (1, "")
        assert "bad.json:1:" in told
        assert "[reference-outside]" in told


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "-h", "--all", "one --exec", "", "one^{tree}", "one\x00"])
def test_the_name_of_a_commit_is_never_an_option(run: Run, name: str) -> None:
    with pytest.raises(UsageWrong):
        tree_at(f"{name}:apis/api.json")
    assert not Path("x").exists()


def test_links_and_what_is_outside_are_not_in_a_commit(run: Run) -> None:
    read, path = tree_at("one:apis/api.json")
    assert path == "apis/api.json"
    assert read(path) == json.dumps(API).encode()
    for gone in ("apis/link.yaml", "../apis/api.json", "/etc/passwd", ".git/config", ":(top)apis/api.json", "apis"):
        assert read(gone) is None
    with pytest.raises(UsageWrong, match="not GITREF:path"):
        tree_at("one")


def test_a_folder_of_a_commit_is_searched(run: Run) -> None:
    status, text, _told = run("check", "one:apis", "--no-lint", "--format", "json")
    assert (status, [one["path"] for one in json.loads(text)["documents"]]) == (0, ["one:apis/api.json", "one:apis/old.json"])
    assert run("check", "one:.", "--no-lint")[0] == 0


def test_the_configuration_of_a_commit_is_that_of_the_commit(run: Run) -> None:
    Path(".portal-lint.yaml").write_text("rules: {info-contact: error}\n")
    assert run("check", "apis/api.json")[0] == 1
    assert run("check", "one:apis/api.json")[0] == 0


@pytest.mark.parametrize("verb", ["check", "bundle", "upgrade", "slice", "sample"])
def test_help_has_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"examples:\n  specs {verb} " in text
    assert "exit status: 0" in text
