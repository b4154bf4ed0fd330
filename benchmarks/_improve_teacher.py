"""Proof 2 of `improve.py`: the student against its teacher, and the linear head beside both."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from functools import partial
from typing import Any

from _improve_runs import Wish, cached, run
from _improve_starts import Split, split_of

from p2m_agent.evaluation import teacher_baseline as exam

SETS = (
    "cogcomp/trec",
    "snips/intents",
    "stanfordnlp/sst2",
    "cardiffnlp/tweet_eval_emotion",
    "cornell/subj",
    "indonlp/indonlu_smsa",
    "amazon/counterfactual_de",
    "megagonlabs/jrte_sentiment",
    "google/disfl_qa",
    "microsoft/number_normalisation_ja",
)
"""Indonesian, German and Japanese among them; the last two are text to text."""
SHORT, SHORT_TRAIN, SHORT_TEST = ("snips/intents",), 400, 300
DEV = 120
TRAIN, TEST = {"classification": 1000, "text_to_text": 400}, {"classification": 500, "text_to_text": 200}
"""Fewer rows of texts, as learning to write them, and writing them, takes minutes on two cores."""


def rows_for(repo: str, *, short: bool = False) -> Split:
    """What the person brings."""
    whole = split_of(repo, TRAIN["classification"], DEV, TEST["classification"])
    kind = whole.spec.kind
    if short:
        return replace(whole, train=whole.train[:SHORT_TRAIN], test=whole.test[:SHORT_TEST])
    return replace(whole, train=whole.train[: TRAIN[kind]], test=whole.test[: TEST[kind]])


def compared(args: argparse.Namespace) -> dict[str, Any]:
    """All sets, with a table."""
    # The product asks the packaged teacher 40 rows, enough for a report; an interval to publish takes more.
    exam.LOCAL_ROWS, exam._LOCAL_LIMIT_S = args.teacher_rows, 10.0 * args.teacher_rows
    found = {}
    print(f"\n{'set':34} {'student':>8} {'head':>6} {'teacher':>8} {'rows':>5}  student minus teacher")
    for repo in args.sets or (SHORT if args.short else SETS):
        name = "-".join(re.sub(r"\W+", "_", part) for part in (repo, args.teacher, str(args.teacher_rows)))
        wish = Wish(rows_for(repo, short=args.short), rounds=2, teacher=args.teacher)
        found[repo] = row_of(wish, cached(args.cache / f"teacher{args.size}" / f"{name}.json", partial(run, wish)))
        show(repo, found[repo])
    decided = [row for row in found.values() if row["ci95"]]
    return {
        "student_vs_teacher": found,
        "student_better": sum(row["verdict"] == "better" for row in decided),
        "classification_better": sum(row["verdict"] == "better" and row["linear_head"] is not None for row in decided),
        "classification_sets": sum(row["linear_head"] is not None for row in found.values()),
    }


def row_of(wish: Wish, made: dict[str, Any]) -> dict[str, Any]:
    """The two values (the teacher's on its sample), the difference on the same rows, and what it says."""
    test, teacher = made["test"] or {}, (made["baselines"] or {}).get("teacher") or {}
    minus = teacher.get("student_minus") or {}
    low, high = minus.get("ci95") or (None, None)
    head = next((one["test"] for one in made["students"] if one["method"] == "linear_head"), None)
    return {
        "language": wish.rows.spec.language,
        "metric": wish.rows.spec.metric,
        "student": test.get("value"),
        "method": (made["model"] or {}).get("method"),
        "test_rows": test.get("rows"),
        "linear_head": head,
        "teacher": teacher.get("value"),
        "rows": teacher.get("rows", 0),
        "difference": minus.get("value"),
        "ci95": [low, high] if low is not None else None,
        "verdict": verdict(low, high),
        "note": teacher.get("note", ""),
        "minutes": made["minutes"],
    }


def verdict(low: float | None, high: float | None) -> str:
    """Only what the interval says."""
    if low is None or high is None:
        return "not compared"
    return "better" if low > 0 else "worse" if high < 0 else "no clear difference"


def show(repo: str, row: dict[str, Any]) -> None:
    value = {name: "–" if row[name] is None else f"{row[name]:.3f}" for name in ("student", "linear_head", "teacher")}
    minus = f"{row['difference']:+.3f} [{row['ci95'][0]:+.3f}, {row['ci95'][1]:+.3f}]" if row["ci95"] else row["note"]
    print(
        f"{repo:34} {value['student']:>8} {value['linear_head']:>6} {value['teacher']:>8} {row['rows']:5}  {minus}  "
        f"{row['verdict']} ({row['metric']}, {row['method']}, {row['language']}, {row['minutes']:.1f} min)",
        flush=True,
    )
