from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import rules_check, rules_places
from catalog.rules import FILES, RuleFinding
from identity.access import Grant
from tests.catalog import repositories
from tests.catalog.world import ACCESS, ENVIRONMENTS, SOURCES

FILES_OF = {"environments.yaml": ENVIRONMENTS, "sources.yaml": SOURCES % "https://git.example/api-specs.git", "access.yaml": ACCESS}


def read(**files: str) -> rules_check.Reading:
    return rules_check.read(FILES_OF | {f"{name}.yaml": text for name, text in files.items()}, commit="c" * 40)


def errors(**files: str) -> list[tuple[str, str, int | None]]:
    return [(one.rule, one.file, one.line) for one in read(**files).findings if one.level == "error"]


def changed(file: str, old: str, new: str) -> dict[str, str]:
    text = FILES_OF[f"{file}.yaml"]
    assert old in text
    return {file: text.replace(old, new)}


def line_of(text: str, wanted: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if wanted in line)


def test_sound_rules_become_values() -> None:
    reading = read()
    assert reading.findings == ()
    rules = reading.rules
    assert rules.environment_names == ("sandbox", "staging", "production")
    assert [one.protected for one in rules.environments] == [False, False, True]
    staging = rules.platform_at("genesys", "staging")
    assert staging is not None
    assert (staging.base_url, staging.per_second, staging.networks) == ("https://api.staging.example/api/v2", 8, ("10.20.0.0/16",))
    (principal,) = staging.principals
    assert (principal.grant, principal.secret, principal.max_ttl) == ("client_credentials", "env:GENESYS_STAGING_SECRET", 7200)
    assert principal.scopes == {"integration:read", "webhook:manage"}
    sandbox = rules.platform_at("genesys", "sandbox")
    assert sandbox is not None
    assert sandbox.mock
    assert rules.platform_at("cxone", "staging") is None
    assert rules.sources["contact-center"].branches == {"sandbox": "develop", "staging": "staging", "production": "main"}


def test_write_left_out_is_every_unprotected_environment_of_the_group_and_empty_is_none() -> None:
    text = """\
groups:
  left-out: {role: developer, environments: [sandbox, production]}
  empty: {role: developer, environments: [sandbox, production], write: []}
  named: {role: platform, environments: [sandbox, production], write: [production]}
"""
    grants = {grant.group: grant for grant in read(access=text).rules.grants}
    assert grants["left-out"] == Grant("left-out", "developer", frozenset({"sandbox", "production"}), frozenset({"sandbox"}), None, {})
    assert grants["empty"].write == frozenset()
    assert grants["named"].write == {"production"}


def test_the_secret_of_push_notifications_is_a_reference_or_nothing() -> None:
    sources = SOURCES % "https://git.example/api-specs.git"

    def with_secret(value: str) -> str:
        return f"{sources}    push_secret: {value}\n"

    assert read().rules.sources["contact-center"].push_secret == ""
    assert read(sources=with_secret("env:SPECS_PUSH_SECRET")).rules.sources["contact-center"].push_secret == "env:SPECS_PUSH_SECRET"
    assert read(sources=with_secret("file:/run/secrets/push")).rules.sources["contact-center"].push_secret == "file:/run/secrets/push"
    line = line_of(with_secret("x"), "push_secret")
    for value in ("hunter2hunter2", "env:lower", "file:relative", "vault:kv/push", '""'):
        assert errors(sources=with_secret(value)) == [("secret", "sources.yaml", line)], value
        assert not any("hunter2" in one.text for one in read(sources=with_secret(value)).findings)
    assert [rule for rule, _, _ in errors(sources=with_secret("[a]"))] != []


def test_the_smallest_principal_that_covers_the_scopes_comes_first() -> None:
    token = """\
        token:
          grant: client_credentials
          url: https://login.staging.example/oauth/token
          scopes_bound_by: portal
          principals:
            all: {client_id: a, secret: env:A, scopes: [integration:read, webhook:manage], client_authentication: post}
            reader: {client_id: r, secret: "file:/run/secrets/r", scopes: [integration:read], max_ttl: 600}
"""
    start = ENVIRONMENTS.index("        token:")
    end = ENVIRONMENTS.index("      production: {base_url")
    reading = read(environments=ENVIRONMENTS[:start] + token + ENVIRONMENTS[end:])
    assert reading.findings == ()
    at = reading.rules.platform_at("genesys", "staging")
    assert at is not None
    assert at.scopes_bound_by == "portal"
    assert [one.name for one in at.principals_covering(["integration:read"])] == ["reader", "all"]
    assert [one.name for one in at.principals_covering(["webhook:manage"])] == ["all"]
    assert at.principals_covering(["other"]) == []
    assert at.ceiling == {"integration:read", "webhook:manage"}
    assert {one.name: (one.url[:13], one.max_ttl, one.client_authentication) for one in at.principals} == {
        "all": ("https://login", 7200, "post"),
        "reader": ("https://login", 600, "basic"),
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        ("environments", "base_url: https://api.staging.example/api/v2", "base_url: https://u:p@api.staging.example/", "place"),
        ("environments", "base_url: https://api.staging.example/api/v2", "base_url: https://api.staging.example/#x", "place"),
        ("environments", "base_url: https://api.staging.example/api/v2", "base_url: ftp://api.staging.example/", "place"),
        ("environments", "base_url: https://api.staging.example/api/v2", "base_url: https://api.staging.example:70000/", "place"),
        ("environments", "networks: [10.20.0.0/16]", "networks: [0.0.0.0/0]", "place"),
        ("environments", "networks: [10.20.0.0/16]", "networks: [169.254.0.0/16]", "place"),
        ("environments", "networks: [10.20.0.0/16]", "networks: [here]", "place"),
        ("environments", "secret: env:GENESYS_STAGING_SECRET", "secret: hunter2-the-value", "secret"),
        ("environments", "secret: env:GENESYS_STAGING_SECRET", "secret: vault:kv/genesys", "secret"),
        ("environments", "secret: env:GENESYS_STAGING_SECRET", "secret: 'aws:genesys#'", "secret"),
        ("environments", "secret: env:GENESYS_STAGING_SECRET", "secret: file:relative", "secret"),
        ("environments", "max_ttl: 7200", "max_ttl: 7201", "range"),
        ("environments", "max_ttl: 7200", "max_ttl: yes", "range"),
        ("environments", "per_second: 8", "per_second: 0", "range"),
        ("environments", "per_second: 8", "per_sekond: 8", "unknown-key"),
        ("environments", "grant: client_credentials", "grant: implicit", "unknown-value"),
        ("environments", "scopes: [integration:read, webhook:manage]", "scopes: ['*']", "scope-pattern"),
        ("environments", "scopes: [integration:read, webhook:manage]", "scopes: [admin:read]", "scope-admin"),
        ("environments", "url: https://login.staging.example", "url: http://login.staging.example", "place"),
        ("environments", "      production: {base_url", "      prodution: {base_url", "unknown-environment"),
        ("environments", "      production: {base_url", "      staging: {base_url", "duplicate-key"),
        ("sources", "git: https://git.example/api-specs.git", "git: 'ext::sh -c x'", "git"),
        ("sources", "git: https://git.example/api-specs.git", "git: https://u:p@git.example/x", "git"),
        ("sources", "staging: staging", "staging: '--upload-pack=x'", "branch"),
        ("sources", "staging: staging", "stagin: staging", "unknown-environment"),
        ("sources", "  contact-center:", "  rules:", "name"),
        ("sources", "  contact-center:", "  Contact Center:", "name"),
        ("access", "role: developer", "role: admin", "unknown-value"),
        ("access", "per_minute: 50", "per_minute: -1", "range"),
        ("access", "environments: [sandbox, staging]\n    per", "environments: [sandbox, stage]\n    per", "unknown-environment"),
        ("access", "scopes: {genesys: [integration:read]}", "scopes: {genesis: [integration:read]}", "unknown-platform"),
        ("access", "scopes: {genesys: [integration:read]}", "scopes: {genesys: ['*read']}", "scope-pattern"),
        ("access", "scopes: {genesys: [integration:read]}", "scopes: {genesys: ['integration:all']}", "scope-admin"),
        ("access", "scopes: {genesys: [integration:read]}", "scopes: {genesys: ['admin:*']}", "scope-pattern"),
        ("access", "write: [sandbox, staging]\n", "write: [sandbox, nowhere]\n", "unknown-environment"),
    ],
)
def test_each_mistake_is_refused_at_its_file_and_line(file: str, old: str, new: str, rule: str) -> None:
    files = changed(file, old, new)
    line = line_of(files[file], next(part for part in new.splitlines() if part not in FILES_OF[f"{file}.yaml"].splitlines()))
    assert (rule, f"{file}.yaml", line) in errors(**files)


def test_writing_where_the_group_may_not_read_is_refused() -> None:
    files = changed("access", "environments: [sandbox, staging]\n    per", "environments: [sandbox]\n    write: [staging]\n    per")
    assert [one[0] for one in errors(**files)] == ["write"]


def test_a_secret_written_down_is_never_repeated() -> None:
    reading = read(**changed("environments", "env:GENESYS_STAGING_SECRET", "hunter2-the-value"))
    assert not reading.sound
    assert "hunter2" not in " ".join(str(one) for one in reading.findings)


def test_unknown_keys_and_names_come_with_a_suggestion() -> None:
    texts = [one.text for one in read(**changed("environments", "per_second: 8", "per_secnd: 8")).findings]
    assert texts == ["genesys in staging has no key 'per_secnd'. Did you mean 'per_second'?"]
    texts = [one.text for one in read(**changed("access", "role: developer", "role: develper")).findings]
    assert texts == ["role must be one of developer, architect, platform, not 'develper'. Did you mean 'developer'?"]


def test_a_scope_no_principal_holds_is_a_warning() -> None:
    files = changed("access", "scopes: {genesys: [integration:read]}", "scopes: {genesys: [integration:raed]}")
    reading = read(**files)
    assert reading.sound
    assert [one.text for one in reading.findings] == ["No principal of genesys holds 'integration:raed'. Did you mean 'integration:read'?"]


@pytest.mark.parametrize(
    "text",
    [
        "groups: &a {x: *a}",
        "a: &a [1]\nb: *a",
        "groups: !!python/object/apply:os.system ['true']",
        "groups: !!set {a}",
        "--- {}\n--- {}",
        "groups: [",
        "groups: " + "[" * 100 + "]" * 100,
        "{" * 30_000,
        "groups:\n\t- x",
        "\x00",
        "groups: {a: {role: developer}, a: {role: platform}}",
        "- list",
        "just text",
        "? [a]\n: b",
        "x" * 300_000,
    ],
)
def test_hostile_yaml_is_a_finding_and_never_an_exception(text: str) -> None:
    assert errors(access=text)


def test_values_are_read_as_yaml_1_2() -> None:
    text = "groups:\n  on: {role: developer, environments: [sandbox]}\n  012: {role: developer}\n"
    assert [grant.group for grant in read(access=text).rules.grants] == ["on", "012"]
    assert errors(environments="environments:\n  sandbox: {protected: yes}\n")[0][0] == "type"


def test_a_file_that_is_not_there_is_a_finding() -> None:
    reading = rules_check.read({name: FILES_OF[name] for name in FILES[:2]})
    assert [(one.rule, one.file, one.line) for one in reading.findings] == [("missing-file", "access.yaml", None)]


PLACES = {
    "https://api.example": "",
    "https://API.example:8443/a/b-c_d": "",
    "http://127.0.0.1:9000": "loopback",
    "http://localhost:9000/x": "loopback",
    "https://[::1]/": "loopback",
    "https://10.0.0.1/": "non-public",
    "mock:": "",
    "https://api.example/?q": "bad",
    "https://api.example\\@evil.example/": "bad",
    "https://api.example%00.evil.example/": "bad",
    "https:///x": "bad",
    "//api.example": "bad",
    "https://api.example/../x": "bad",
    "https://api.example:080/": "bad",
    "https://api.example:0/": "bad",
    "https://api.example:6379/": "bad",
    "https://api.example:5432/": "bad",
    "https://0177.1/": "bad",
    "https://0x7f.1/": "bad",
    "https://2130706433/": "bad",
    "https://127.1/": "bad",
    "https://127.000.000.001/": "bad",
    "https://169.254.169.254/": "bad",
    "https://168.63.129.16/": "bad",
    "https://192.0.0.192/": "bad",
    "https://100.100.100.200/": "bad",
    "https://[fd00:ec2::254]/": "bad",
    "https://[::ffff:169.254.169.254]/": "bad",
    "https://[64:ff9b::a9fe:a9fe]/": "bad",
    "https://0.0.0.0/": "bad",
    "https://224.0.0.1/": "bad",
    "javascript:alert(1)": "bad",
    "file:///etc/passwd": "bad",
    "https://ex ample/": "bad",
    "https://bücher.example/": "bad",
    "https://a..b/": "bad",
    "": "bad",
}


@pytest.mark.parametrize(("address", "verdict"), PLACES.items())
def test_where_a_platform_may_lie(address: str, verdict: str) -> None:
    here = rules_places.base_url_problem(address, (), production=False)
    there = rules_places.base_url_problem(address, (), production=True)
    assert bool(here) == (verdict in {"bad", "non-public"})
    assert bool(there) == (verdict != "")
    if verdict == "non-public":
        assert not rules_places.base_url_problem(address, ("10.0.0.0/8",), production=True)


@settings(deadline=None)  # the law is about exceptions; the machine may be busy
@given(st.text(max_size=60))
def test_an_address_that_passes_names_one_plain_host(value: str) -> None:
    for address in (value, f"https://{value}", f"https://api.example{value}"):
        if not rules_places.base_url_problem(address, (), production=True) and address != "mock:":
            assert address.isascii()
            assert not set(address) & set("@#?\\% \t\r\n")
            assert address.startswith(("https://", "http://"))


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=20,
    )
)
def test_any_yaml_is_judged_without_an_exception(value: object) -> None:
    text = yaml.safe_dump(value)
    for name in ("environments", "sources", "access"):
        for wrapped in (text, yaml.safe_dump({"environments": value, "platforms": value, "sources": value, "groups": value})):
            for one in read(**{name: wrapped}).findings:
                assert isinstance(one, RuleFinding)


def write(path: Path, **files: str) -> Path:
    for name, text in (FILES_OF | {f"{name}.yaml": text for name, text in files.items()}).items():
        (path / name).write_text(text)
    return path


@pytest.mark.parametrize(
    ("include", "sound"),
    [
        ('["**/*.yaml", "genesys/**/openapi.json", "5"]', True),
        ("[5]", False),
        ('[""]', False),
        (f'["{"**/" * 200}"]', False),
        (f'["{"*a" * 7}"]', False),
        (f'["{"a" * 201}"]', False),
        (f"[{', '.join(f'a{number}.yaml' for number in range(51))}]", False),
    ],
)
def test_patterns_are_text_and_bounded(include: str, sound: bool) -> None:
    text = FILES_OF["sources.yaml"] + f"    include: {include}\n"
    assert errors(sources=text) == ([] if sound else [("include", "sources.yaml", line_of(text, "include:"))])


def test_a_local_path_without_a_repository_is_found_where_it_can_be_looked_at(tmp_path: Path) -> None:
    for path, sound in ((repositories.create(tmp_path / "specs.git"), True), (tmp_path, False), (tmp_path / "missing", False)):
        files = FILES_OF | {"sources.yaml": SOURCES % path}
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        found = [(one.rule, one.line) for one in rules_check.read_directory(tmp_path).findings if one.level == "error"]
        assert found == ([] if sound else [("git", 3)])
        assert rules_check.read(files).sound  # rules in force are not judged by what lies on a disk


def test_the_command_says_sound_and_ends_well(tmp_path: Path) -> None:
    out = StringIO()
    call_command("rules", "check", str(write(tmp_path)), stdout=out)
    assert out.getvalue() == "Sound: 0 errors, 0 warnings.\n"


def test_the_command_names_file_line_and_column_and_ends_with_1(tmp_path: Path) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("rules", "check", str(write(tmp_path, **changed("access", "role: developer", "role: boss"))), stdout=out)
    assert ended.value.code == 1
    assert out.getvalue().startswith("access.yaml:3:11: error: role must be one of developer, architect, platform, not 'boss'.")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("rules", "check", str(tmp_path), "--format", "json", stdout=out)
    document = json.loads(out.getvalue())
    assert document["sound"] is False
    assert (document["findings"][0]["file"], document["findings"][0]["line"]) == ("access.yaml", 3)
