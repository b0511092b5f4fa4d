"""Pairs of schemas: each is compared once, whatever refers to it; circles are edges of a graph and end there.

A pair holds the differences of its own keywords and leads to the pairs below it. Walking from a message part visits every
pair once, so the work is bounded by the number of pairs, not by the number of ways to them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from specs.diff.differences import Difference, Lifecycle, Member, Steps
from specs.diff.keywords import canonical, own_differences
from specs.diff.unchanged import Unchanged
from specs.diff.views import REMARKS, View, Views, put_together
from specs.operations import as_dict, as_list, as_text
from specs.shape import reference_of

MAX_VISITS = 5_000_000
"""Pairs met on all walks of one comparison."""
MAX_STEPS = 200
"""How deep a value may lie in a message to be named."""
MAX_TRIALS = 64
"""Alternatives without a name that are compared with one another to find which go together."""
MAX_TRIAL_STEPS = 2_000_000
"""Pairs met in all such comparisons; after that, alternatives go together by name only."""
MAX_NESTED = 12
"""Such comparisons inside one another."""

ITEMS, OTHERS = "[]", "{}"
_ONE = {
    "items": (ITEMS,),
    "additionalProperties": (OTHERS,),
    "not": ("not",),
    "if": (),
    "then": (),
    "else": (),
    "contains": (ITEMS,),
    "propertyNames": ("property names",),
    "unevaluatedItems": (ITEMS,),
    "unevaluatedProperties": (OTHERS,),
    "contentSchema": ("content",),
}
_NAMED: dict[str, Steps] = {"patternProperties": (), "dependentSchemas": ("when",)}
_COMPOSED = {"allOf": "all-of", "anyOf": "any-of", "oneOf": "one-of"}


@dataclass(slots=True)
class Edge:
    """The way to a pair below: the steps, and whether the value there is hidden from requests or responses."""

    steps: Steps
    pair: Pair
    read_only: bool = False
    write_only: bool = False


@dataclass(slots=True, eq=False)
class Pair:
    """Two schemas: what differs in themselves, and the pairs below."""

    old: View
    new: View
    own: list[Difference] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    compared: bool = False
    differs: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One of several schemas in ``allOf``, ``anyOf`` or ``oneOf``, and the component it is, if it is one."""

    view: View
    component: str

    def title(self) -> str:
        """Its title, else the empty string."""
        return as_text(self.view.get("title"))

    def words(self) -> str:
        """What to call it: its component, its title, its types."""
        named = self.component or self.title() or " or ".join(sorted(self.view.types or ()))
        return named or ("values" if as_list(self.view.get("enum")) else "schema")


@dataclass(frozen=True, slots=True)
class Visit:
    """A pair reached from a message part, by the shortest way."""

    pair: Pair
    steps: Steps
    read_only: bool
    write_only: bool


class Pairs:
    """All pairs of two documents. Ask for every root first, then ``settle``, then ``walk``."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old, self.new = Views(old), Views(new)
        self._pairs: dict[tuple[int, int], Pair] = {}
        self._waiting: deque[Pair] = deque()
        self._unchanged = Unchanged(old, new)
        self._components = tuple(as_dict(as_dict(document.get("components")).get("schemas")).keys() for document in (old, new))
        self._flat: dict[int, View] = {}
        self._nested = self._trial_steps = 0
        self._walks: dict[int, list[Visit]] = {}
        self.visits = 0
        self.cut = False
        """Whether a walk ended before it had met every pair."""

    def pair(self, old: Any, new: Any) -> Pair | None:
        """The pair of two schemas as they stand in the documents; ``None`` when they are the same, references included."""
        return None if self._unchanged.same(old, new) else self._of(self.old.view(old), self.new.view(new))

    def _of(self, old: View, new: View) -> Pair:
        key = (id(old), id(new))
        found = self._pairs.get(key)
        if found is None:
            found = self._pairs[key] = Pair(old, new)
            self._waiting.append(found)
        return found

    def settle(self) -> None:
        """Compare every pair reached from the roots, and note from which of them a difference is reached."""
        while self._waiting:
            self._compare(self._waiting.popleft())
        above: dict[int, list[Pair]] = {}
        for pair in self._pairs.values():
            for edge in pair.edges:
                above.setdefault(id(edge.pair), []).append(pair)
        pending = [pair for pair in self._pairs.values() if pair.own]
        while pending:
            pair = pending.pop()
            if not pair.differs:
                pair.differs = True
                pending.extend(above.get(id(pair), ()))

    def walk(self, root: Pair) -> list[Visit]:
        """Every pair below ``root`` that has differences of its own, each once, nearest first."""
        found = self._walks.get(id(root))
        if found is None:
            found = self._walks[id(root)] = list(self._walk(root)) if root.differs else []
        return found

    def _walk(self, root: Pair) -> Iterator[Visit]:
        waiting = deque([Visit(root, (), False, False)])
        seen = {(id(root), False, False)}
        while waiting:
            visit = waiting.popleft()
            self.visits += 1
            if self.visits > MAX_VISITS:
                self.cut = True
                return
            if visit.pair.own:
                yield visit
            for edge in visit.pair.edges:
                if not edge.pair.differs:
                    continue
                read_only, write_only = visit.read_only or edge.read_only, visit.write_only or edge.write_only
                key = (id(edge.pair), read_only, write_only)
                if len(visit.steps) > MAX_STEPS:
                    self.cut = True
                elif key not in seen:
                    seen.add(key)
                    waiting.append(Visit(edge.pair, (*visit.steps, *edge.steps), read_only, write_only))

    # One pair

    def _compare(self, pair: Pair) -> None:
        if pair.compared:
            return
        pair.compared = True
        old, new = pair.old, pair.new
        if any(self._extended(pair, keyword) for keyword in _COMPOSED):
            return
        if wrapped(old, new):
            pair.own.append(Difference("wrapped-in-one-of", None, len(new.branches("oneOf"))))
            return
        everything = self._branches(pair, "allOf")
        if any(everything):
            self._put_together(pair, everything)
            return
        pair.own.extend(own_differences(old, new))
        self._properties(pair)
        for keyword, steps in _ONE.items():
            before, after = old.get(keyword), new.get(keyword)
            if _is_schema(before) and _is_schema(after):
                self._edge(pair, steps, before, after)
        for keyword, steps in _NAMED.items():
            before, after = old.members(keyword), new.members(keyword)
            for name in [name for name in before if name in after]:
                self._edge(pair, (*steps, name), before[name], after[name])
        for index, (before, after) in enumerate(zip(old.branches("prefixItems"), new.branches("prefixItems"), strict=False)):
            self._edge(pair, (f"[{index}]",), before, after)
        for keyword in ("anyOf", "oneOf"):
            self._report(pair, keyword, self._branches(pair, keyword))

    def _edge(self, pair: Pair, steps: Steps, old: Any, new: Any) -> None:
        below = self.pair(old, new)
        if below is not None:
            pair.edges.append(Edge(steps, below))

    def _properties(self, pair: Pair) -> None:
        before, after = pair.old.members("properties"), pair.new.members("properties")
        must, now = pair.old.required(), pair.new.required()
        for name in before:
            old = self.old.view(before[name])
            if name not in after:
                pair.own.append(Difference("property-removed", member(old, name in must), name=name, below=(name,)))
                continue
            below = self.pair(before[name], after[name])
            if below is not None:
                new = below.new
                self._mutability(pair, old, new, name, name in now)
                pair.edges.append(Edge((name,), below, new.flag("readOnly"), new.flag("writeOnly")))
        for name in after:
            if name not in before:
                new = self.new.view(after[name])
                pair.own.append(Difference("property-added", None, member(new, name in now), name=name, below=(name,)))
        for name in sorted(must ^ now):
            if (name in before) == (name in after):
                described = member(self.new.view(after.get(name, True)), name in now)
                kind = "property-became-required" if name in now else "property-became-optional"
                pair.own.append(Difference(kind, None, described, name=name, below=(name,)))

    def _mutability(self, pair: Pair, old: View, new: View, name: str, required: bool) -> None:
        for keyword, word in (("readOnly", "read-only"), ("writeOnly", "write-only")):
            if old.flag(keyword) != new.flag(keyword):
                kind = f"property-became-{word}" if new.flag(keyword) else f"property-became-not-{word}"
                pair.own.append(Difference(kind, None, member(new, required), name=name, below=(name,)))

    # Compositions

    def _branches(self, pair: Pair, keyword: str) -> tuple[list[Branch], list[Branch]]:
        """Leads to the branches that go together; answers those of the old and of the new schema that are left over."""
        old = [Branch(self.old.view(branch), component_of(branch)) for branch in pair.old.branches(keyword)]
        new = [Branch(self.new.view(branch), component_of(branch)) for branch in pair.new.branches(keyword)]

        def take(name: Callable[[Branch], str]) -> None:
            known = {name(branch): branch for branch in reversed(new) if name(branch)}
            for before in list(old):
                after = known.pop(name(before), None)
                if after is not None:
                    self._go_together(pair, before, after, old, new)

        take(lambda branch: branch.component)
        take(lambda branch: "" if branch.component else canonical(branch.view.keywords))
        take(Branch.title)
        if len(old) * len(new) <= MAX_TRIALS:
            for before in list(old):
                after = next((branch for branch in new if self._one_and_the_same(before, branch)), None)
                if after is not None:
                    self._go_together(pair, before, after, old, new)
        if len(old) == len(new) == 1 and not old[0].component and not new[0].component:
            self._go_together(pair, old[0], new[0], old, new)
        return old, new

    def _go_together(self, pair: Pair, before: Branch, after: Branch, old: list[Branch], new: list[Branch]) -> None:
        old.remove(before)
        new.remove(after)
        pair.edges.append(Edge((), self._of(before.view, after.view)))

    def _one_and_the_same(self, old: Branch, new: Branch) -> bool:
        """Equal all the way down, and not two components that both documents tell apart by name."""
        if old.component and new.component and (old.component in self._components[1] or new.component in self._components[0]):
            return False
        return self._alike(old.view, new.view)

    def _extended(self, pair: Pair, keyword: str) -> bool:
        """Where a schema became one of several branches, or is the one that is left of them, only the others came or went."""
        old, new = pair.old.branches(keyword), pair.new.branches(keyword)
        if bool(old) == bool(new) or len(old) + len(new) > MAX_TRIALS:
            return False
        views, whole = (self.new, pair.old) if new else (self.old, pair.new)
        branches = [Branch(views.view(branch), component_of(branch)) for branch in new or old]
        beside = _beside(pair.new if new else pair.old, keyword)
        if beside.keys() - {"type"} or wrapped(pair.old, pair.new):
            return False
        for branch in branches:
            if self._alike(whole, branch.view) if new else self._alike(branch.view, whole):
                others = [other for other in branches if other is not branch]
                self._report(pair, keyword, ([], others) if new else (others, []))
                if keyword == "allOf" and others:
                    pair.edges.append(Edge((), self._of(self._flattened(pair.old, self.old), self._flattened(pair.new, self.new))))
                return True
        return False

    def _report(self, pair: Pair, keyword: str, left: tuple[list[Branch], list[Branch]]) -> None:
        for branches, verb in zip(left, ("removed", "added"), strict=True):
            for branch in branches:
                remark = "-annotation-only" if keyword == "allOf" and branch.view.says_nothing() else ""
                pair.own.append(Difference(f"{_COMPOSED[keyword]}-{verb}{remark}", name=branch.words()))

    def _put_together(self, pair: Pair, left: tuple[list[Branch], list[Branch]]) -> None:
        """Where branches of ``allOf`` came or went the schemas are compared with all branches put together.

        Moving properties into a branch, out of one or between two changes nothing then, and is not reported.
        """
        old, new = self._flattened(pair.old, self.old), self._flattened(pair.new, self.new)
        pair.edges = []
        moved = all(left) or _beside(pair.old, "allOf") != _beside(pair.new, "allOf")
        if not (moved and self._alike(old, new)):
            self._report(pair, "allOf", left)
            pair.edges.append(Edge((), self._of(old, new)))

    def _flattened(self, view: View, views: Views) -> View:
        flat = self._flat.get(id(view))
        if flat is None:
            flat = self._flat[id(view)] = put_together(view, views)
        return flat

    def _alike(self, old: View, new: View) -> bool:
        """Whether nothing differs between two schemas, all the way down."""
        if self._nested >= MAX_NESTED or self._trial_steps > MAX_TRIAL_STEPS:
            return False
        self._nested += 1
        pending, seen = [self._of(old, new)], set()
        alike = True
        while pending and alike:
            pair = pending.pop()
            if id(pair) not in seen:
                seen.add(id(pair))
                self._trial_steps += 1
                self._compare(pair)
                alike = not pair.own
                pending.extend(edge.pair for edge in pair.edges)
        self._nested -= 1
        return alike


def wrapped(old: View, new: View) -> bool:
    """Whether a plain object became a choice of alternatives."""
    return (
        len(new.branches("oneOf")) > 1
        and not old.branches("oneOf")
        and old.within != "oneOf"
        and bool(old.members("properties"))
        and not new.members("properties")
        and "type" not in new.keywords
    )


def member(view: View, required: bool) -> Member:
    """What of a property decides how bad its coming or going is."""
    return Member(required, "default" in view.keywords, view.flag("readOnly"), view.flag("writeOnly"), Lifecycle.of(view.keywords))


def component_of(schema: Any) -> str:
    """The name of the component that a schema is nothing but a reference to, else the empty string."""
    return (reference_of(schema) or "").rpartition("/")[2]


def _beside(view: View, composition: str) -> dict[str, Any]:
    return {keyword: value for keyword, value in view.keywords.items() if keyword != composition and keyword not in REMARKS}


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)
