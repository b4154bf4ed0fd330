"""One row through a plan: what is of form is rendered, what is of meaning is read from the teacher's reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from p2m_agent.rows.reading import Row
from p2m_agent.transformation.checks import OBEYED, copies, fault_of, obeys
from p2m_agent.transformation.teacher_requests import row_id, row_prompt, row_request, seen_of
from p2m_agent.transformation.template import RowTemplate, TemplateFault
from p2m_agent.types.plan import TransformationPlan
from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import TaskSpec

if TYPE_CHECKING:
    from p2m_agent.types.completion import Reply, Request

UNFIT, OTHER_LABEL = "does not fit the task", "value is no label of the task"


class Refused(Exception):
    """A row that comes to nothing."""

    def __init__(self, reason: str, detail: str = "", *, faulty: bool = True) -> None:
        """Take the reason, in a few words to count by.

        Args:
            reason: without values.
            detail: what it was in this row.
            faulty: whether it speaks against the plan; a row that is of no use to the task does not.
        """
        super().__init__(reason)
        self.reason, self.detail, self.faulty = reason, detail, faulty


@dataclass(frozen=True)
class Begun:
    """A row, with those fields of the task that are rendered."""

    row: Row
    fields: dict[str, str] = field(default_factory=dict)
    reply: Reply | None = None
    """The teacher's, once it is there."""


class RowMaker:
    """Makes examples of rows by a plan. Asks nobody: requests go out and replies come in."""

    def __init__(
        self, plan: TransformationPlan, spec: TaskSpec, source: Source, columns: Sequence[str], *, copying: bool
    ) -> None:
        """Compile the plan's templates.

        Args:
            plan: what to do.
            spec: the task.
            source: of the rows as they were.
            columns: all columns of the source.
            copying: whether outputs that repeat their input are right in this task.

        Raises:
            TemplateFault: a template is not taken.
        """
        self.plan, self.spec, self.source, self._copying = plan, spec, source, copying
        self._prompt = row_prompt(spec, plan)
        self._templates = {name: RowTemplate(text, columns) for name, text in plan.templates.items()}

    @property
    def knows_inputs(self) -> bool:
        """Whether the whole input is rendered, hence known before anybody is asked."""
        return set(self.spec.input_fields) <= set(self._templates)

    def begin(self, row: Row) -> Begun:
        """Render what is of form.

        Raises:
            Refused: a template does not suit the row, or its value stands for no label.
        """
        try:
            fields = {name: template.render(row) for name, template in self._templates.items()}
        except TemplateFault as fault:
            raise Refused("its template does not suit the row", str(fault)) from fault
        output = fields.get(self.spec.output_field)
        if output is not None and self.plan.labels:
            if output not in self.plan.labels:
                raise Refused(OTHER_LABEL, output, faulty=False)
            fields[self.spec.output_field] = self.plan.labels[output]
        empty = next((name for name, text in fields.items() if not text), None)
        if empty:
            raise Refused(f"empty {empty}", faulty=False)
        return Begun(row, fields)

    def request(self, begun: Begun) -> Request:
        """What to ask the teacher about a row."""
        return row_request(self.spec, self.plan, self._prompt, seen_of(self.plan, begun.row, begun.fields))

    def finish(self, begun: Begun) -> Example:
        """The example of a row, with its reply where one was asked for.

        Raises:
            Refused: the reply is of no use, or the example is not valid.
        """
        fields, sha = dict(begun.fields), None
        if begun.reply is not None:
            fields, sha = fields | self._written(begun, begun.reply), begun.reply.request_sha
        example = self.example(begun.row, fields, sha)
        why = fault_of(example.input, example.output, self.spec, self.plan.written)
        if why is None and self.spec.kind == "text_to_text" and not self._copying:
            why = "output repeats the input" if copies(example.input, example.output) else None
        if why:
            raise Refused(why, example.output)
        return example

    def example(self, row: Row, fields: Mapping[str, str], sha: str | None = None) -> Example:
        """Fields as an example that knows where it comes from; without an output where none is made yet."""
        was = self.source
        source = Source(
            origin="transformed",
            ref=was.ref,
            revision=was.revision,
            licence=was.licence,
            parents=(row_id(row),),
            prompt_sha=sha,
        )
        inputs = {name: fields[name] for name in self.spec.input_fields}
        return Example(input=inputs, output=fields.get(self.spec.output_field, ""), source=source)

    def _written(self, begun: Begun, reply: Reply) -> dict[str, str]:
        answer = reply.parsed
        if reply.error is not None or not isinstance(answer, dict):
            raise Refused("no usable answer", reply.error or "")
        if answer.get("fits") is not True:
            raise Refused(UNFIT, "says the teacher", faulty=False)
        written = {name: str(answer.get(name, "")).strip() for name in self.plan.written}
        seen = "\n".join(seen_of(self.plan, begun.row, begun.fields).values())
        for text in written.values():
            if obeys(seen, text):
                raise Refused(OBEYED, text)
        return written
