"""Columns that say whether a row was finished: rows that were skipped or rejected hold no right answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from p2m_agent.rows.column_profile import columns_of, text_of
from p2m_agent.rows.reading import Row
from p2m_agent.types.doubts import Doubt

_LEFT = {
    "skipped": r"skip(?:ped)?|übersprungen|omitido|saltado|ignoré|passé|ignored?",
    "rejected": r"reject(?:ed)?|refused|declined|abgelehnt|rejeté|refusé|rechazado|rejeitado|rifiutato"
    r"|afgewezen|invalid|bad",
    "discarded": r"discard(?:ed)?|deleted|removed|verworfen|gelöscht|supprimé|descartado|eliminado|excluded?|spam",
    "cancelled": r"cancell?ed|abgebrochen|annulé|cancelado",
    "not finished": r"draft|pending|in[ _-]?progress|open|todo|to[ _-]do|new|unlabell?ed|unsubmitted|incomplete"
    r"|unfinished|flagged"
    r"|offen|entwurf|in arbeit|en cours|brouillon|borrador|pendiente|started|queued|assigned",
}
_RIGHT = re.compile(
    r"accept(?:ed)?|submitted|done|complete[d]?|finished|approved|validated|reviewed|verified|labell?ed|annotated"
    r"|ok|good|valid|gold"
    r"|fertig|erledigt|angenommen|akzeptiert|geprüft|bestätigt|terminé|accepté|validé|approuvé|completado|aceptado|aprobado|revisado"
    r"|concluído|aprovado|fatto|approvato|klaar|goedgekeurd|keep|kept",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"(?:.*[\W_])?(?:status|state|zustand|stand|statut|état|estado|stato|decision|verdict|review|answer|action|annotation_\w+|progress)",
    re.IGNORECASE,
)
_FLAGS = re.compile(
    r"(?:is_|was_|has_)?(?P<why>skip(?:ped)?|reject(?:ed)?|discard(?:ed)?|cancell?ed|deleted|ignored?|invalid|excluded?)",
    re.IGNORECASE,
)
_TRUE = {"true", "1", "yes", "x", "ja", "oui"}


@dataclass(frozen=True)
class Unfinished:
    """A column of states, and those that say that a row has no right answer."""

    column: str
    states: dict[str, str]
    """State to the reason for which its rows are left out."""
    doubt: Doubt


def unfinished(rows: Sequence[Row], asked: str) -> Unfinished | None:
    """Find a column of states of the annotation, in which some rows are finished and others are not.

    Args:
        rows: Of the source.
        asked: The person's words: a column that they name is no such column.
    """
    for name in columns_of(rows):
        if re.search(rf"\b{re.escape(name)}\b", asked, re.IGNORECASE):
            continue
        counts = Counter(text_of(row.get(name)) for row in rows)
        states = _states(name, counts)
        if states and len(states) < len(counts):
            return Unfinished(name, states, _doubt(name, states, counts))
    return None


def _states(name: str, counts: Counter[str]) -> dict[str, str]:
    """The states of a column that leave a row out; none where it is no column of such states."""
    flag = _FLAGS.fullmatch(name.strip())
    if flag and len(counts) == 2:
        return {text: flag["why"].lower() for text in counts if text.lower() in _TRUE}
    if not _NAMES.fullmatch(name.strip()) or len(counts) > 8:
        return {}
    filled = [text for text in counts if text]
    left = {
        text: why for text in filled for why, words in _LEFT.items() if re.fullmatch(words, text.strip(), re.IGNORECASE)
    }
    right = [text for text in filled if _RIGHT.fullmatch(text.strip())]
    return left if right and len(left) + len(right) == len(filled) else {}


def _doubt(name: str, states: dict[str, str], counts: Counter[str]) -> Doubt:
    rows = sum(counts[state] for state in states)
    listed = ", ".join(f"{state} ({counts[state]:,})" for state in states)
    return Doubt(
        kind="not_gold",
        text=f"{name} says of {rows:,} rows that nobody finished or accepted them: {listed}.",
        where=name,
        rows=rows,
        done="They are left out, and the column is no input.",
        settle=f"Remove the column {name} from the file if these rows are right.",
    )
