"""How many rows of which label are still to be asked for, and which existing ones are shown with the request."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping

from p2m_agent.types.rows import Example

MOST_TRIES = 3
"""Rows asked for, at most, for each row wanted."""
BARREN_REQUESTS, BARREN_SHARE = 32, 0.05
"""Requests in a row with a smaller share of accepted rows after which asking on is pointless."""
_PRIOR = (4, 5)
"""Accepted of judged rows that are taken to have been seen before the first."""
_SHOWABLE = 600
"""Characters of a text that is short enough to be shown."""
_REMEMBERED = 200
"""Accepted rows of a label that take turns in being shown."""


class Quota:
    """Keeps the labels in the wanted proportion, and knows when enough is on order or asking on is pointless."""

    def __init__(self, rows: int, shares: Mapping[str, float], batch: int) -> None:
        """Take the rows wanted, the share of each label (one label, the empty one, where there are none)."""
        total = sum(shares.values())
        self.rows, self.batch = rows, batch
        self.shares = {label: share / total for label, share in shares.items() if share > 0}
        self.have: Counter[str] = Counter()
        self.asked = 0
        self._asked_of: Counter[str] = Counter()
        self._on_order: Counter[str] = Counter()
        self._judged = 0
        self._recent: deque[float] = deque(maxlen=BARREN_REQUESTS)

    @property
    def accepted(self) -> int:
        """Rows that were accepted."""
        return self.have.total()

    def order(self, label: str, rows: int) -> None:
        """Note rows that are being asked for."""
        self.asked += rows
        self._asked_of[label] += rows
        self._on_order[label] += rows

    def settle(self, label: str, ordered: int, accepted: Iterable[str]) -> None:
        """Note what came of an order: the labels of the accepted rows."""
        labels = list(accepted)
        self.have.update(labels)
        self._on_order[label] -= ordered
        self._judged += ordered
        self._recent.append(len(labels) / ordered)

    def enough(self) -> bool:
        """Whether what is on order will do, going by the yield so far."""
        return self.accepted + self._yield() * self._on_order.total() >= self.rows

    def next_label(self) -> str | None:
        """The label that lacks most; None where every label was asked for often enough."""
        expected = self._yield()
        open_labels = [label for label in self.shares if not self._exhausted(label)]
        lacking = {
            label: (self.have[label] + expected * self._on_order[label]) / self.shares[label] for label in open_labels
        }
        return min(lacking, key=lacking.__getitem__, default=None)

    def pointless(self) -> str:
        """Why asking on makes no sense; empty while it does."""
        if self.asked >= MOST_TRIES * self.rows + self.batch:
            return f"{self.asked} rows had been asked for"
        if len(self._recent) == BARREN_REQUESTS and sum(self._recent) < BARREN_SHARE * BARREN_REQUESTS:
            return f"the teacher made hardly any usable rows in the last {BARREN_REQUESTS} requests"
        return ""

    def _yield(self) -> float:
        return (self.accepted + _PRIOR[0]) / (self._judged + _PRIOR[1])

    def _exhausted(self, label: str) -> bool:
        # one barren label must not take all requests
        return self._asked_of[label] >= MOST_TRIES * (self.rows * self.shares[label] + self.batch)


class Rotation:
    """Existing inputs take turns in being shown: known rows and accepted ones by halves."""

    def __init__(self, known: Iterable[Example], *, by_label: bool) -> None:
        """Begin with the known rows, in an order of their own."""
        self._by_label = by_label
        self._known: dict[str, deque[str]] = defaultdict(deque)
        self._made: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        for example in sorted(known, key=lambda row: hashlib.sha256(row.id.encode()).digest()):
            self._put(self._known, example)

    def add(self, example: Example) -> None:
        """Let an accepted row take part."""
        self._put(self._made, example)

    def deal(self, label: str, count: int) -> tuple[str, ...]:
        """The next inputs (of the label) to show."""
        known, made = self._known[label], self._made[label]
        from_made = min(len(made), count - min(len(known), -(-count // 2)))
        from_known = min(len(known), count - from_made)
        return (*_turn(known, from_known), *_turn(made, from_made))

    def _put(self, where: dict[str, deque[str]], example: Example) -> None:
        if len(example.text) < _SHOWABLE:
            where[example.output if self._by_label else ""].append(example.text)


def _turn(texts: deque[str], count: int) -> list[str]:
    dealt = [texts[at] for at in range(count)]
    texts.rotate(-count)
    return dealt
