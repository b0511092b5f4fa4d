"""``specs check``: what it prints, in four formats, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from specs.__main__ import main
from tests.specs.documents import openapi

SOUND = json.dumps(openapi())
UNSOUND = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a/{id}:\n    get: {responses: {200: {description: d}}}\n"
REFUSED = "openapi: 3.0.3\nopenapi: 3.0.3\n"

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run in a folder with three documents; status and output."""
    (tmp_path / "sound.json").write_text(SOUND)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "unsound.yaml").write_text(UNSOUND)
    (tmp_path / "refused.yml").write_text(REFUSED)
    (tmp_path / "readme.yaml").write_text("hello: there\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").write_text(REFUSED)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["check", *arguments])
        return status, capsys.readouterr().out

    return run


def test_a_sound_document_ends_with_0(check: Check) -> None:
    assert check("sound.json") == (0, "sound.json: sound, 0 operations\n1 document: 0 errors, 0 warnings, 0 info\n")


def test_errors_end_with_1_and_say_where(check: Check) -> None:
    status, text = check("deep/unsound.yaml", "refused.yml")
    assert status == 1
    assert "deep/unsound.yaml:5:5: error: GET /a/{id} does not describe its path parameter 'id'. [path-parameter-missing]\n" in text
    assert "refused.yml:2:1: error: The key 'openapi' stands here a second time; the first is on line 1. [duplicate-key]\n" in text
    assert text.endswith("2 documents: 2 errors, 0 warnings, 0 info\n")


def test_a_folder_is_searched_for_documents(check: Check) -> None:
    _status, text = check(".", "--format", "json")
    report = json.loads(text)
    assert [(one["path"], one["verdict"]) for one in report["documents"]] == [
        ("deep/unsound.yaml", "findings"),
        ("refused.yml", "refused"),
        ("sound.json", "sound"),
    ]
    assert report["error"] == 2
    assert report["documents"][0]["findings"][0]["line"] == 5


def test_junit_has_a_case_for_every_error(check: Check) -> None:
    _status, text = check(".", "--format", "junit")
    suites = ElementTree.fromstring(text).findall("testsuite")
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("deep/unsound.yaml", "1", "1"),
        ("refused.yml", "1", "1"),
        ("sound.json", "1", "0"),
    ]
    assert suites[0].find("testcase/failure[@type='path-parameter-missing']") is not None
    assert suites[2].find("testcase/failure") is None


def test_sarif_names_rules_and_regions(check: Check) -> None:
    _status, text = check(".", "--format", "sarif")
    (run,) = json.loads(text)["runs"]
    names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    first = run["results"][0]
    assert names[first["ruleIndex"]] == first["ruleId"] == "path-parameter-missing"
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "deep/unsound.yaml"}, "region": {"startLine": 5, "startColumn": 5}}


def test_wrong_use_ends_with_2(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check("gone.yaml")[0] == 2
    assert check(".hidden/..", "--root", "deep")[0] == 2
    assert check("readme.yaml")[0] == 1
    with pytest.raises(SystemExit) as ended:
        main(["check"])
    assert ended.value.code == 2


def test_references_stay_in_the_tree_and_links_are_not_followed(check: Check, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("type: string\n")
    inside = tmp_path / "deep"
    (inside / "link.yaml").symlink_to(secret)
    (inside / "own.yaml").write_text("type: string\n")
    for reference, rule in (("link.yaml", "reference-file-missing"), ("../secret.yaml", "reference-outside"), ("own.yaml", None)):
        (inside / "d.json").write_text(json.dumps(openapi(components={"schemas": {"A": {"$ref": reference}}})))
        status, text = check("deep/d.json", "--format", "json")
        found = [one["rule"] for one in json.loads(text)["documents"][0]["findings"]]
        assert (status, found) == ((1, [rule]) if rule else (0, []))
    assert check("deep/d.json", "--root", ".")[0] == 0


def test_the_git_work_tree_is_the_tree_of_references(check: Check, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "shared.yaml").write_text("type: string\n")
    (tmp_path / "deep" / "d.json").write_text(json.dumps(openapi(components={"schemas": {"A": {"$ref": "../shared.yaml"}}})))
    assert check("deep/d.json")[0] == 0


def test_a_second_opinion_is_asked_on_request(check: Check, tmp_path: Path) -> None:
    assert "second-opinion" not in check("sound.json", "--cross-check")[1]
    wrong = openapi(components={"schemas": {"A": {"type": "string", "enum": ["a"], "default": "b"}}})
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    assert "[second-opinion]" in check("wrong.json", "--cross-check")[1]


@pytest.mark.usefixtures("check")
def test_manage_py_runs_the_same_without_a_database(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("specs", "check", "sound.json")
    assert "1 document: 0 errors" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        call_command("specs", "check", "refused.yml")
    assert ended.value.code == 1
    with pytest.raises(CommandError, match=r"no file or folder gone\.yaml"):
        call_command("specs", "check", "gone.yaml")


def test_it_runs_as_a_module(check: Check, tmp_path: Path) -> None:
    project = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "specs", "check", str(tmp_path / "refused.yml")], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "[duplicate-key]" in done.stdout
