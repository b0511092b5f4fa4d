"""Every entry any room writes is declared: looked at in the source, so that a rare path cannot be the first to find out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from audit.vocabulary import ACTIONS, OUTCOMES

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("portal", "identity", "audit", "quotas", "upstream", "catalog", "tokens", "gateway", "harness")
OWN = {"by", "exchange", "outcome", "subject", "api", "environment", "code", "request_id"}


def records() -> Iterator[tuple[str, ast.Call]]:
    for path in (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in {"record", "_record"} and node.args and path.parent.name != "harness":
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def constants(node: ast.AST) -> set[str]:
    """The texts an expression can come to, as far as they are written out."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_action_outcome_and_data_key_in_the_source_is_declared() -> None:
    undeclared: list[str] = []
    seen: set[str] = set()
    for place, call in records():
        given = {word.arg: word.value for word in call.keywords if word.arg}
        for action in constants(call.args[0]):
            seen.add(action)
            known = ACTIONS.get(action)
            if known is None:
                undeclared.append(f"{place}: {action}")
                continue
            undeclared += [f"{place}: {action} {key}" for key in sorted(set(given) - OWN - known.data)]
        if "outcome" in given:
            undeclared += [f"{place}: outcome {outcome}" for outcome in sorted(constants(given["outcome"]) - set(OUTCOMES))]
    assert undeclared == []
    assert len(seen) >= 15, "the search finds the calls"
