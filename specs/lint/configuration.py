"""``.portal-lint.yaml``: which rules a repository wants, and how loud. ``rules: {id: off|info|warning|error}``."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from specs.check.rules import RULES
from specs.errors import SpecsError
from specs.findings import Finding
from specs.lint.registry import LINT_SUMMARIES
from specs.lint.view import Setting
from specs.load import Loaded, load
from specs.shape import Tokens, pointer_of

CONFIGURATION = ".portal-lint.yaml"
MAX_BYTES = 65_536
_SETTINGS: tuple[Setting, ...] = get_args(Setting)


class ConfigurationWrong(SpecsError):
    """The file cannot be used; ``findings`` say why, with line and column."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("\n".join(finding.sentence() for finding in findings))


def read_configuration(data: bytes, file: str) -> dict[str, Setting]:
    """The levels a configuration file sets. Raises ConfigurationWrong naming all that is wrong, or DocumentRefused."""
    if len(data) > MAX_BYTES:
        raise ConfigurationWrong([Finding("lint-configuration", "error", f"The file has more than {MAX_BYTES:,} bytes.", "", file)])
    loaded = load(data, file)
    reading = _Reading(loaded)
    levels = reading.levels()
    if reading.wrong:
        raise ConfigurationWrong(reading.placed())
    return levels


class _Reading:
    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.wrong: list[tuple[Tokens, str]] = []

    def levels(self) -> dict[str, Setting]:
        value = self.loaded.value
        if not isinstance(value, dict):
            self.wrong.append(((), "The file is an object with one member, rules."))
            return {}
        self.wrong.extend(((name,), f"There is no setting {name[:80]!r}; rules is the only one.") for name in value if name != "rules")
        rules = value.get("rules", {})
        if not isinstance(rules, dict):
            self.wrong.append((("rules",), "rules is an object: rule id → off, info, warning or error."))
            return {}
        levels: dict[str, Setting] = {}
        for name, setting in rules.items():
            if name not in LINT_SUMMARIES:
                self.wrong.append((("rules", name), _unknown(name)))
            elif (known := _setting(setting)) is None:
                self.wrong.append((("rules", name), f"{str(setting)[:40]!r} is no level: {', '.join(_SETTINGS)}."))
            else:
                levels[name] = known
        return levels

    def placed(self) -> list[Finding]:
        places = self.loaded.places([tokens for tokens, _text in self.wrong])
        return [
            Finding("lint-configuration", "error", text, pointer_of(tokens), self.loaded.file, places[tokens].line, places[tokens].column)
            for tokens, text in self.wrong
        ]


def _setting(value: Any) -> Setting | None:
    if value is False:  # how JSON, and YAML 1.1 written by other tools, say off
        return "off"
    return next((one for one in _SETTINGS if one == value), None)


def _unknown(name: str) -> str:
    if name in RULES:
        return f"{name[:80]!r} is not lint: what the check finds cannot be re-levelled."
    near = get_close_matches(name, LINT_SUMMARIES, 1, 0.5)
    return f"There is no lint rule {name[:80]!r}.{f' Did you mean {near[0]!r}?' if near else ' specs rules lint lists them.'}"
