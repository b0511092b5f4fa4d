"""``specs check``: what it prints, in five formats, and how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from specs.__main__ import main
from specs.progress import tracked
from tests.specs.documents import openapi

SOUND = json.dumps(openapi())
UNSOUND = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a/{id}:\n    get: {responses: {200: {description: d}}}\n"
REFUSED = "openapi: 3.0.3\nopenapi: 3.0.3\n"

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run in a folder with three documents, without lint unless it is asked for; status and output."""
    (tmp_path / "sound.json").write_text(SOUND)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "unsound.yaml").write_text(UNSOUND)
    (tmp_path / "refused.yml").write_text(REFUSED)
    (tmp_path / "readme.yaml").write_text("hello: there\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").write_text(REFUSED)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, lint: bool = False) -> tuple[int, str]:
        status = main(["check", *arguments, *(() if lint else ("--no-lint",))])
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


def test_markdown_shows_documents_and_findings_as_text(check: Check, tmp_path: Path) -> None:
    status, text = check(".", "--format", "markdown")
    assert status == 1
    assert "| deep/unsound.yaml | findings | 1 | 0 | 0 |\n" in text
    assert (
        "| error | deep/unsound.yaml:5:5 | GET /a/\\{id\\} does not describe its path parameter 'id'. | `path-parameter-missing` |\n"
        in text
    )
    (tmp_path / "odd.yaml").write_text("openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {'/a|<b>[x](http://y)?q': {}}\n")
    text = check("odd.yaml", "--format", "markdown")[1]
    assert "/a\\|&lt;b>\\[x\\](http://y)?q" in text


def test_lint_is_told_with_its_rule_and_never_fails(check: Check) -> None:
    status, text = check("sound.json", lint=True)
    assert status == 0
    assert "sound.json:1:22: warning: Nobody is named to ask: info.contact has neither name, email nor url. [info-contact]\n" in text
    (run,) = json.loads(check("sound.json", "--format", "sarif", lint=True)[1])["runs"]
    shown = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert shown["info-contact"] == "The document names somebody to ask"


def test_levels_of_lint_come_from_the_top_of_the_tree_or_from_a_file(check: Check, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".portal-lint.yaml").write_text("rules:\n  info-contact: off\n  info-license: error\n")
    (tmp_path / "deep" / "sound.json").write_text(SOUND)
    status, text = check("deep/sound.json", lint=True)
    assert status == 1
    assert "info-contact" not in text
    assert "error: The terms of use are not named" in text
    (tmp_path / "mild.yaml").write_text("rules: {info-contact: info}\n")
    status, text = check("deep/sound.json", "--config", "mild.yaml", lint=True)
    assert status == 0
    assert "info: Nobody is named to ask" in text


def test_a_wrong_configuration_is_wrong_use(check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.yaml").write_text("rules:\n  info-contcat: off\n")
    for file, told in (
        ("wrong.yaml", "wrong.yaml:2:3: There is no lint rule 'info-contcat'. Did you mean 'info-contact'?"),
        ("gone", "cannot be read"),
    ):
        assert main(["check", "sound.json", "--config", file]) == 2
        assert told in capsys.readouterr().err


def test_every_rule_is_listed(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    assert "warning   info-contact: The document names somebody to ask\n" in capsys.readouterr().out
    assert main(["rules", "--format", "json"]) == 0
    listed = {one["id"]: one["kind"] for one in json.loads(capsys.readouterr().out)}
    assert (listed["info-contact"], listed["duplicate-key"]) == ("lint", "check")


def test_a_bar_is_drawn_for_a_person_only(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", terminal)
    assert list(tracked([1, 2, 3], "Checking")) == [1, 2, 3]
    assert "Checking" in terminal.getvalue()
    quiet = io.StringIO()
    monkeypatch.setattr("sys.stderr", quiet)
    assert list(tracked([1, 2, 3], "Checking")) == [1, 2, 3]
    assert quiet.getvalue() == ""


def test_wrong_use_ends_with_2(check: Check) -> None:
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
    call_command("specs", "check", "sound.json", "--no-lint")
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
