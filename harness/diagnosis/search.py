"""Trying mistakes, one at a time, then two, then three together, until the value that arrived comes out."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

from harness.diagnosis import bodies, keys, texts
from harness.diagnosis.keys import Candidate
from harness.diagnosis.received import Received
from harness.diagnosis.texts import Builder
from harness.diagnosis.values import Change
from harness.signatures.keys import fits
from harness.signatures.profile import Profile
from harness.signatures.reading import form_texts, read
from harness.signatures.values import Refused, Request, Secret

TRY_COST = 192  # bytes a try counts beyond its text: two blocks of padding and the work around them
REPORT_EVERY = 2_000  # tries
ENOUGH = 3  # findings

Maker = Callable[[bytes, bytes], bytes]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Hit:
    """A value that came out: what was signed, with which secret, and every change it took."""

    changes: tuple[Change, ...]
    text: bytes
    secret: str


@dataclass(frozen=True, slots=True)
class Ways:
    """What may have been taken as body, text, key and algorithm: each with its change, None where it is as it should be."""

    bodies: list[tuple[Change | None, bytes]]
    texts: list[tuple[Change | None, Builder]]
    keys: list[Candidate]
    makers: list[tuple[Change | None, Maker | None]]

    def with_wrong(self, wrong: Ways, chosen: tuple[int, ...]) -> Ways:
        """These ways, with the chosen dimensions going wrong."""
        return Ways(
            wrong.bodies if 0 in chosen else self.bodies,
            wrong.texts if 1 in chosen else self.texts,
            wrong.keys if 2 in chosen else self.keys,
            wrong.makers if 3 in chosen else self.makers,
        )

    def __len__(self) -> int:
        return len(self.bodies) * len(self.texts) * len(self.keys) * len(self.makers)


@dataclass(slots=True)
class Search:
    """One search through the mistakes. ``budget`` is in bytes hashed; ``body_limit`` is the largest body that is rewritten."""

    profile: Profile
    request: Request
    secrets: Sequence[Secret]
    others: Sequence[tuple[str, Secret]]
    values: dict[bytes, Received]
    budget: int
    body_limit: int
    progress: Progress | None = None
    tried: int = 0
    hashed: int = 0
    whole: bool = True
    hits: list[Hit] = field(default_factory=list)
    _expected: int = 1

    def run(self, levels: Sequence[int]) -> int:
        """Search these levels until one has a hit or the budget ends; the last level that was looked at."""
        if not self.values:
            return levels[-1]
        usual, wrong = self._usual(), self._wrong()
        for level in levels:
            rounds = [usual.with_wrong(wrong, chosen) for chosen in combinations(range(4), level)]
            self._expected = self.tried + sum(len(ways) for ways in rounds)
            for ways in rounds:
                self._try(ways)
                if self.hashed > self.budget or len(self.hits) >= ENOUGH:
                    return level
            if self.hits:
                return level
        return levels[-1]

    def _usual(self) -> Ways:
        text = texts.right(self.profile, self.request)
        builders: list[tuple[Change | None, Builder]] = [(None, text)] if text is not None else []
        if self.profile.construction != "template":
            builders = [(None, build) for build in _whole_texts(self.profile, self.request)]
        return Ways([(None, self.request.body)], builders, keys.right(self.profile, self.secrets), [(None, _usual_maker(self.profile))])

    def _wrong(self) -> Ways:
        template, symmetric = self.profile.construction == "template", self.profile.symmetric
        rewritable = len(self.request.body) <= self.body_limit or not template
        self.whole = self.whole and rewritable and len(self.request.body) <= bodies.MOST_JSON
        return Ways(
            list(bodies.variants(self.request)) if rewritable and template else [],
            list(texts.variants(self.profile, self.request)) if template else [],
            list(keys.variants(self.profile, self.secrets, self.others)) if symmetric else [],
            list(algorithms(self.profile, {len(value) for value in self.values})) if symmetric else [],
        )

    def _try(self, ways: Ways) -> None:
        for (body_change, body), (text_change, build) in product(ways.bodies, ways.texts):
            text = build(body)
            for candidate, (algorithm_change, make) in product(ways.keys, ways.makers):
                self.tried += 1
                self.hashed += len(text) + TRY_COST
                if self.hashed > self.budget:
                    self.whole = False
                    return
                if self.progress is not None and self.tried % REPORT_EVERY == 0:
                    self.progress(min(self.tried / self._expected, 1.0))
                found = self._value(candidate, text, make)
                if found is not None:
                    changes = (body_change, text_change, candidate.change, algorithm_change, found.change)
                    self._hit(tuple(change for change in changes if change is not None), text, candidate)
                    if len(self.hits) >= ENOUGH:
                        return

    def _value(self, candidate: Candidate, text: bytes, make: Maker | None) -> Received | None:
        if make is None:
            fixed = self.profile.construction == "message-signature"
            matching = (
                one for one in self.values.values() if fits(self.profile.algorithm, candidate.value, text, one.value, fixed_width=fixed)
            )
            return next(matching, None)
        return self.values.get(make(candidate.value, text))

    def _hit(self, changes: tuple[Change, ...], text: bytes, candidate: Candidate) -> None:
        known = {tuple(change.id for change in hit.changes) for hit in self.hits}
        if changes and tuple(change.id for change in changes) not in known and not any(hit.text == text for hit in self.hits):
            self.hits.append(Hit(changes, text, candidate.secret))


def _whole_texts(profile: Profile, request: Request) -> Iterator[Callable[[bytes], bytes]]:
    """Texts that are not made from a template: of forms with other addresses, of messages and tokens as they say."""
    if profile.construction == "form":
        for text in form_texts(request):
            yield _constant(text)
        return
    try:
        pairs = read(profile, request).pairs
    except Refused:
        return
    for _signature, text in pairs:
        yield _constant(text)


def _constant(text: bytes) -> Callable[[bytes], bytes]:
    return lambda _body: text


def _usual_maker(profile: Profile) -> Maker | None:
    if not profile.symmetric:
        return None
    return lambda key, text: hmac.digest(key, text, profile.algorithm)


def algorithms(profile: Profile, sizes: set[int]) -> Iterator[tuple[Change, Maker]]:
    """Other algorithms whose values have one of these sizes."""
    for name, size in (("md5", 16), ("sha1", 20), ("sha256", 32), ("sha384", 48), ("sha512", 64)):
        if size not in sizes:
            continue
        label = {"md5": "MD5"}.get(name, name.upper().replace("SHA", "SHA-"))
        if name != profile.algorithm:
            yield Change(f"algorithm.{name}", "algorithm", "Another algorithm", f"used HMAC-{label}."), _hmac(name)
        plain = "A plain hash in place of an HMAC"
        yield Change(f"algorithm.plain-{name}", "algorithm", plain, f"hashed the text with {label}, without any secret."), _plain(name)
        before = f"hashed secret and text with {label}; that is no HMAC."
        yield Change(f"algorithm.secret-first-{name}", "algorithm", plain, before), _secret_first(name)
        behind = f"hashed text and secret with {label}; that is no HMAC."
        yield Change(f"algorithm.secret-last-{name}", "algorithm", plain, behind), _secret_last(name)
        swapped = "used the text as the key and the secret as the text."
        yield Change(f"algorithm.swapped-{name}", "algorithm", "Key and text are swapped", swapped), _swapped(name)


def _hmac(name: str) -> Maker:
    return lambda key, text: hmac.digest(key, text, name)


def _plain(name: str) -> Maker:
    return lambda _key, text: hashlib.new(name, text).digest()


def _secret_first(name: str) -> Maker:
    return lambda key, text: hashlib.new(name, key + text).digest()


def _secret_last(name: str) -> Maker:
    return lambda key, text: hashlib.new(name, text + key).digest()


def _swapped(name: str) -> Maker:
    return lambda key, text: hmac.digest(text, key, name)
