"""Our reading of Swagger 2.0 beside swagger2openapi's: the same plan for every operation of real documents."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from specs.operations import operations_below
from specs.plan import PlanBuilder
from specs.upgrade import upgrade
from tests.specs.real import DOCUMENTS, needs_documents

PEERS = Path(__file__).resolve().parents[1] / "peers"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.node,
    pytest.mark.slow,
    needs_documents,
    pytest.mark.skipif(
        NODE is None or not (PEERS / "node_modules" / "swagger2openapi").is_dir(),
        reason="needs Node and the packages of tests/peers (npm ci there)",
    ),
]


def _theirs(data: bytes) -> dict[str, Any]:
    done = subprocess.run([str(NODE), "upgrade.cjs"], cwd=PEERS, input=data, capture_output=True, check=True, timeout=120)
    upgraded: dict[str, Any] = orjson.loads(done.stdout)
    return upgraded


def _without_places(value: Any) -> Any:
    """A plan without the pointers into its document: the two name their components differently."""
    if isinstance(value, dict):
        return {name: _without_places(member) for name, member in value.items() if name not in ("at", "pointer")}
    if isinstance(value, list):
        return [_without_places(member) for member in value]
    return value


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("genesys-purecloud-platform-v2-2017-09.json", 841),
        ("genesys-purecloud-platform-v2-older.json", 557),
        ("kubernetes-1.13.json", 1014),
    ],
)
def test_every_operation_has_the_same_plan(name: str, operations: int) -> None:
    data = (DOCUMENTS / name).read_bytes()
    ours, _findings = upgrade(orjson.loads(data))
    our_plans, their_plans = PlanBuilder(ours), PlanBuilder(_theirs(data))
    found = list(operations_below(ours, "paths"))
    assert len(found) == operations
    for one in found:
        mine, _unchecked = our_plans.operation(one.path, one.method)
        theirs, _unchecked = their_plans.operation(one.path, one.method)
        assert _without_places(mine) == _without_places(theirs), f"{one.method} {one.path}"
