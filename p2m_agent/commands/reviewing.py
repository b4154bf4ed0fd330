"""`p2m review`: what waits for a person, and their answers, typed or from a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml
from pydantic import ValidationError

from p2m_agent.agent.policy import Policy
from p2m_agent.agent.session import Session
from p2m_agent.commands.arguments import print_json, settings_from
from p2m_agent.errors import P2MError, UsageError
from p2m_agent.run.checkpoints import read_question
from p2m_agent.run.store import list_runs, open_run
from p2m_agent.terminal.conversation import review as answer_question
from p2m_agent.terminal.screen import open_screen
from p2m_agent.terminal.views import tables
from p2m_agent.types.questions import Answer, Question


def review(args: argparse.Namespace) -> int:
    """Answer the open question of a run; without a run, list what waits."""
    settings = settings_from(args)
    if args.run is None:
        return _list(settings.runs_dir, as_json=args.json)
    if args.json:
        question = read_question(open_run(settings.runs_dir, args.run).root)
        print_json(question.model_dump(mode="json") if question else None)
        return 0
    screen = open_screen(quiet=args.quiet)
    answers = read_answers(args.answers) if args.answers else None
    with Session.open(settings, args.run, Policy(attended=True)) as session:
        if answers is not None:
            return _answer_from(answers, session, stop=args.stop)
        return answer_question(session, screen, go_on=not args.stop)


def waiting(runs_dir: Path) -> list[tuple[str, Question]]:
    """The open questions of a folder's runs, the newest run first."""
    found = []
    for run in list_runs(runs_dir)[::-1]:
        try:
            question = read_question(runs_dir / run)
        except P2MError:
            continue  # it has not begun, so it asks nothing
        if question:
            found.append((run, question))
    return found


def _list(runs_dir: Path, *, as_json: bool) -> int:
    found = waiting(runs_dir)
    if as_json:
        print_json([{"run": run, "question": question.model_dump(mode="json")} for run, question in found])
        return 0
    screen = open_screen()
    screen.data(tables.waiting_table(found))
    if found:
        screen.literal(f"  p2m review {found[0][0]}")
    return 0


def read_answers(path: Path) -> dict[str, Answer]:
    """Answers by the id of a question, or by what it is about: `spec: accept`, or with edits and remarks.

    Raises:
        UsageError: the file cannot be read, or an answer does not fit.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no answers.", "Write lines such as `spec: accept` or `004-ask_person: reject`.")
    return {str(key): _answer(path, str(key), value) for key, value in content.items()}


def _answer(path: Path, key: str, value: object) -> Answer:
    try:
        return Answer.model_validate(value if isinstance(value, dict) else {"verdict": value})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: `{key}`: {first['msg']}.", "A verdict is accept, edit or reject.") from error


def _answer_from(answers: dict[str, Answer], session: Session, *, stop: bool) -> int:
    """Give the answers that fit; the first question without one stays open."""
    status = session.status()
    while (question := status.question) is not None:
        answer = answers.pop(question.id, None) or answers.pop(question.about, None)
        if answer is None:
            raise UsageError(f"Still open: {question.text} ({question.id})", f"Answer it: p2m review {session.run}")
        status = session.step(answer=answer, record_only=stop)
        if stop:
            return 0
    return 0
