from __future__ import annotations

from pathlib import Path

import pytest

from portal import env
from portal.bootstrap import read_or_create_secret, read_version


def test_a_value_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TRIAL", "seen")
    assert env.env_str("PORTAL_TRIAL") == "seen"


def test_a_secret_may_be_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("PORTAL_TRIAL_FILE", str(tmp_path / "secret"))
    assert env.env_str("PORTAL_TRIAL") == "from a file"


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PORTAL_TRIAL_FILE", str(tmp_path / "gone"))
    with pytest.raises(env.EnvironmentInvalid, match="PORTAL_TRIAL_FILE"):
        env.env_str("PORTAL_TRIAL")


def test_portal_env_gives_defaults_that_the_environment_overrides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "portal.env").write_text("# a comment\nPORTAL_TRIAL=from the file\nPORTAL_OTHER = spaced \n")
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    env._file_values.cache_clear()
    try:
        assert env.env_str("PORTAL_TRIAL") == "from the file"
        assert env.env_str("PORTAL_OTHER") == "spaced"
        monkeypatch.setenv("PORTAL_TRIAL", "from outside")
        assert env.env_str("PORTAL_TRIAL") == "from outside"
    finally:
        env._file_values.cache_clear()


@pytest.mark.parametrize("value", ["yes", "1", "on", "TRUE "])
def test_a_boolean_is_true_or_false_and_nothing_like_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORTAL_TRIAL", value)
    with pytest.raises(env.EnvironmentInvalid, match="true or false"):
        env.env_bool("PORTAL_TRIAL")


@pytest.mark.parametrize("value", ["0", "65536", "8e3", "١٢", "-1", "80_00"])
def test_a_number_out_of_bounds_is_refused_with_the_bounds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORTAL_TRIAL", value)
    with pytest.raises(env.EnvironmentInvalid, match="1 to 65535"):
        env.env_int("PORTAL_TRIAL", 8000, minimum=1, maximum=65535)


def test_a_choice_outside_the_list_names_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TRIAL", "prod")
    with pytest.raises(env.EnvironmentInvalid, match="development, production"):
        env.env_choice("PORTAL_TRIAL", ("development", "production"))


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    first = read_or_create_secret(path)
    assert read_or_create_secret(path) == first
    assert path.stat().st_mode & 0o077 == 0
    assert len(first) >= 50


def test_the_version_is_the_newest_heading_of_the_change_log(tmp_path: Path) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_text("# Changes\n\n## Unreleased\n\n## 2.3.4 — today\n\n## 2.3.3 — before\n")
    assert read_version(path) == "2.3.4"
