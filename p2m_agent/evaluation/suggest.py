"""What to do next, each with what it should bring and take: facts from dev and probes become ranked suggestions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import median

from p2m_agent.evaluation.findings import ROW_S, START_S, Findings
from p2m_agent.evaluation.suggest_recipes import RULES
from p2m_agent.scoring.text_forms import squad_normalised
from p2m_agent.types.analysis import Basis, Suggestion

MOST_ROWS = 2_000
"""Rows asked for at a time."""
AIMED = 3
"""Clusters that new rows are aimed at together."""
WORTH = 0.002
"""A smaller gain is no reason for anything."""
BELIEVED: dict[Basis, float] = {"measured": 1.0, "extrapolated": 0.7, "bound": 0.7, "guess": 0.5}
"""Part of an expected gain that counts in the order: our own judgement, not fitted."""
SHARE_OF_ERRORS = 0.25
"""Of two labels taken for each other, from which on a person is asked what sets them apart."""


def suggestions(found: Findings) -> tuple[Suggestion, ...]:
    """All that is worth trying, what should bring most first (the cheaper first on a tie); the last is to stop.

    A gain that was measured goes before one of the same size that is extrapolated, and that before a guess.
    """
    made = [each for rule in _RULES for each in rule(found) if each.gain >= WORTH]
    made.sort(key=lambda each: (-each.gain * BELIEVED[each.basis], each.cost_s))
    return (*made, _stop(found, made))


def _missing_labels(found: Findings) -> list[Suggestion]:
    """Labels that dev has and training hardly: the student can never give the right answer."""
    study = found.study
    if not study.sorting:
        return []
    have, asked = Counter(row.output for row in study.train), Counter(study.expected)
    few = max(2.0, 0.1 * median(have.values())) if have else 2.0
    rare = tuple(sorted(label for label in asked if have[label] < few))
    if not rare:
        return []
    lost = sum(1 for i in study.wrong if study.dev[i].output in rare) / len(study.dev)
    rows = min(MOST_ROWS, round(max(8.0, median(have.values())) * len(rare)) if have else 8 * len(rare))
    why = f"{len(rare)} labels of dev have hardly a training row: {', '.join(rare[:5])}"
    return [_more(found, rows, gain=lost / 2, basis="bound", why=why, labels=rare)]


def _aimed_data(found: Findings) -> list[Suggestion]:
    """Rows like those of the largest clusters: as much of their error goes as doubling their part would remove."""
    top = found.clusters[:AIMED]
    if not top:
        return []
    rows_there = sum(cluster.rows for cluster in top)
    rows = min(MOST_ROWS, max(20, round(found.study.run.train_rows * rows_there / len(found.study.dev))))
    errors = sum(cluster.errors for cluster in top)
    gain = found.curable * found.error * errors / max(1, len(found.study.wrong))
    named = "; ".join(cluster.name for cluster in top)
    why = f"{errors} of {len(found.study.wrong)} dev errors are about: {named}"
    pairs = [cluster.confusion for cluster in top if cluster.confusion]
    labels = tuple(dict.fromkeys(label for pair in pairs for label in pair if label in set(found.study.labels)))
    names = tuple(cluster.name for cluster in top)
    basis = "extrapolated" if found.curve else "guess"
    return [_more(found, rows, gain=gain, basis=basis, why=why, labels=labels, clusters=names)]


def _more_data(found: Findings) -> list[Suggestion]:
    """Twice the rows, as many as one goes at a time."""
    have = found.study.run.train_rows
    rows = min(MOST_ROWS, have)
    share = rows / have if have else 1.0  # a part of a doubling brings about that part of its gain
    gain = share * found.curable * found.error
    if found.curve is None:
        return [_more(found, rows, gain=gain, basis="guess", why="more rows usually help; no curve says how much")]
    low, high = found.curve.doubled_ci95
    shown = f"{found.curve.parts[-1].value:.3f} to {found.curve.doubled:.3f} ({low:.3f} to {high:.3f})"
    why = f"twice the rows would take {found.curve.measured_on} from {shown}"
    return [_more(found, rows, gain=gain, basis="extrapolated", why=why)]


def _more(found: Findings, rows: int, **facts: object) -> Suggestion:
    cost_s = ROW_S * rows + found.train_s(rows=rows)
    given = {"kind": "more_data", "rows": rows, "cost_s": cost_s, "usd": found.usd(rows), **facts}
    return Suggestion.model_validate(given)


def _clean_labels(found: Findings) -> list[Suggestion]:
    noise = found.noise
    if noise is None or noise.score_with is None or noise.score_without is None:
        return []
    gain = noise.score_without - noise.score_with
    why = (
        f"{noise.suspected} of {noise.rows} training labels look wrong; without them a linear head goes from"
        f" {noise.score_with:.3f} to {noise.score_without:.3f} on dev"
    )
    cost_s = found.train_s()
    return [Suggestion(kind="clean_labels", why=why, gain=gain, basis="measured", cost_s=cost_s, rows=noise.suspected)]


def _drop_source(found: Findings) -> list[Suggestion]:
    """Only where the interval says that the probe is better without it."""
    made = []
    for each in found.sources:
        low, high = each.gain.ci95
        if each.gain.verdict == "better":
            why = (
                f"without {each.dataset} a linear head gains {each.gain.value:+.3f} ({low:+.3f} to {high:+.3f}) on dev"
            )
            made.append(
                Suggestion(
                    kind="drop_source",
                    why=why,
                    gain=each.gain.value,
                    basis="measured",
                    cost_s=found.train_s(),
                    source=each.dataset,
                )
            )
    return made


def _refine_instruction(found: Findings) -> list[Suggestion]:
    """Texts that are right but for case, punctuation or articles: a matter of form."""
    study = found.study
    if study.spec.sorts:
        return []
    form = [i for i in study.wrong if _same_content(study.dev[i].output, study.answers[i])]
    why = f"{len(form)} of {len(study.wrong)} wrong outputs differ in case, punctuation or articles alone"
    gain = len(form) / len(study.dev) / 2
    cost_s = START_S + found.train_s()
    return [Suggestion(kind="refine_instruction", why=why, gain=gain, basis="bound", cost_s=cost_s)]


def _same_content(expected: str, said: str) -> bool:
    return squad_normalised(expected) == squad_normalised(said)


def _ask_person(found: Findings) -> list[Suggestion]:
    """Labels that are taken for each other both ways, and dev rows whose own label looks wrong."""
    study = found.study
    pairs = Counter(
        frozenset((study.dev[i].output, study.answers[i])) for i in study.wrong if study.sorting and study.answers[i]
    )
    both = {(study.dev[i].output, study.answers[i]) for i in study.wrong}
    made = []
    for pair, errors in pairs.most_common(1):
        first, second = sorted(pair)
        mutual = {(first, second), (second, first)} <= both
        if mutual and errors >= 4 and errors >= SHARE_OF_ERRORS * len(study.wrong):
            why = (
                f"{first} and {second} are taken for each other ({errors} of {len(study.wrong)} errors): which is when?"
            )
            gain = errors / len(study.dev) / 2
            made.append(Suggestion(kind="ask_person", why=why, gain=gain, basis="bound", labels=(first, second)))
    if found.doubtful_dev:
        why = f"{found.doubtful_dev} dev rows look mislabelled themselves; they make the score lower than it is"
        gain = found.doubtful_dev / len(study.dev) / 2
        made.append(Suggestion(kind="ask_person", why=why, gain=gain, basis="bound", rows=found.doubtful_dev))
    return made


def _stop(found: Findings, made: Sequence[Suggestion]) -> Suggestion:
    dev = found.study.run.dev
    noise = sqrt(max(dev * (1 - dev), 0.0) / max(1, len(found.study.dev)))
    best = made[0].gain if made else 0.0
    if best <= noise:
        why = f"the most that is expected, {best:+.3f}, is within the noise of dev (standard error {noise:.3f})"
    else:
        why = f"deliver what there is: dev {dev:.3f}"
    return Suggestion(kind="stop", why=why, basis="extrapolated")


_RULES: tuple[Callable[[Findings], list[Suggestion]], ...] = (
    _missing_labels,
    _aimed_data,
    _more_data,
    _clean_labels,
    _drop_source,
    *RULES,
    _refine_instruction,
    _ask_person,
)
