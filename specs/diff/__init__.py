"""Semantic differences of two OpenAPI documents: typed differences, judged by a public table of rules."""

from __future__ import annotations

from specs.diff.changes import Change, count_levels, sort_changes
from specs.diff.comparison import compare
from specs.diff.lifecycle import Deadlines
from specs.diff.registry import LEVELS, Level, Rule
from specs.diff.rules import REGISTRY

__all__ = ["LEVELS", "REGISTRY", "Change", "Deadlines", "Level", "Rule", "compare", "count_levels", "sort_changes"]
