"""A page in the browser to try a student on, on this machine only."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from p2m_agent.delivery.dropin.input_fields import UnreadableInput, read_fields
from p2m_agent.delivery.model_card import BASELINE_NAMES
from p2m_agent.errors import UsageError
from p2m_agent.types.scores import EvalReport
from p2m_agent.types.task import Demonstration

if TYPE_CHECKING:
    import gradio

    from p2m_agent.delivery.predictor import Predictor

_EXAMPLES = 6
_LABELS_SHOWN = 5
_CSS = "footer {display: none !important} .p2m-score {opacity: 0.8}"


def build_demo(
    predictor: Predictor,
    report: EvalReport | None = None,
    *,
    name: str = "p2m",
    dev: EvalReport | None = None,
    demonstrations: Sequence[Demonstration] = (),
) -> gradio.Blocks:
    """The page: inputs, the output with its probabilities, the score, and examples to click on.

    Args:
        predictor: the student.
        report: on the locked test, for the score line.
        name: what the page is called.
        dev: on dev; its mistakes are the hard examples to try.
        demonstrations: shown where there are no mistakes.
    """
    _quiet()
    import gradio as gr

    card = predictor.card
    lock = threading.Lock()
    sorting = card.kind != "text_to_text"

    def answer(*values: str) -> Any:
        if not any(value.strip() for value in values):
            return {} if sorting else ""
        with lock:  # one model, one computation at a time
            predicted = predictor.predict([dict(zip(card.input_fields, values, strict=True))])[0]
        return (predicted.scores or {predicted.output: 1.0}) if sorting else predicted.output

    with gr.Blocks(title=name, analytics_enabled=False) as page:
        gr.Markdown(f"# {name}\n\n{_plain(card.instruction)}")
        gr.Markdown(score_line(report), elem_classes="p2m-score")
        with gr.Row():
            with gr.Column():
                boxes = [_box(gr, field, alone=len(card.input_fields) == 1) for field in card.input_fields]
                button = gr.Button("Try it", variant="primary")
            with gr.Column():
                label = card.output_field.replace("_", " ")
                output: Any = (
                    gr.Label(label=label, num_top_classes=_LABELS_SHOWN)
                    if sorting
                    else gr.Textbox(label=label, lines=4, buttons=["copy"], interactive=False)
                )
        gr.on([button.click, *(box.submit for box in boxes)], answer, boxes, output, api_name="predict")
        title, shown = examples(predictor, dev, demonstrations)
        if shown:
            gr.Examples(shown, boxes, output, answer, cache_examples=False, run_on_click=True, label=title)
    return page


def launch(page: gradio.Blocks, *, host: str = "127.0.0.1", port: int | None = None, block: bool = True) -> str:
    """Serve the page without sharing and without requests to anywhere outside; its address.

    Args:
        page: from `build_demo`.
        host: loopback unless somebody says otherwise.
        port: None takes a free one from 7860 on.
        block: stay until interrupted.

    Raises:
        UsageError: the port is taken.
    """
    _quiet()
    import gradio as gr

    fonts = ["system-ui", "sans-serif"]  # the default theme's fonts are fetched from outside
    theme = gr.themes.Soft(font=fonts, font_mono=["ui-monospace", "monospace"], primary_hue="teal")
    try:
        _, address, _ = page.launch(
            share=False,
            server_name=host,
            server_port=port,
            prevent_thread_lock=not block,
            quiet=True,
            theme=theme,
            css=_CSS,
            footer_links=[],
            enable_monitoring=False,
            ssr_mode=False,
        )
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on.", "Choose another --port.") from error
    return str(address)


def score_line(report: EvalReport | None) -> str:
    """The locked-test score with its interval, beside the baselines."""
    if report is None:
        return "Not scored on a locked test yet."
    score = report.score
    parts = [
        f"**{score.metric.replace('_', ' ')} {score.value:.3f}** (95 % interval {score.ci95[0]:.3f} to "
        f"{score.ci95[1]:.3f}, {score.scored} locked test rows)"
    ]
    beside = [f"{BASELINE_NAMES.get(n, n)} {b.score.value:.3f}" for n, b in report.baselines.items() if b.score]
    if beside:
        parts.append("beside " + ", ".join(beside))
    line = " ".join(parts) + "."
    return f"{line} The test rows are a **synthetic proxy**, made by a language model." if report.proxy else line


def examples(
    predictor: Predictor, dev: EvalReport | None, demonstrations: Sequence[Demonstration]
) -> tuple[str, list[list[str]]]:
    """A title and rows to click on: dev mistakes, else demonstrations; values in the order of the fields."""
    fields = predictor.card.input_fields
    found = [d.input for d in demonstrations if set(d.input) == set(fields)]
    hard: list[dict[str, str]] = []
    for mistake in dev.mistakes if dev else ():
        try:
            hard.append(read_fields(mistake.text, fields))
        except UnreadableInput:
            continue  # a value with the name of another field in it does not come apart again
    title = "Hard ones: it got these wrong on dev" if hard else "Examples"
    return title, [[one[field] for field in fields] for one in (hard or found)[:_EXAMPLES]]


def _box(gr: Any, field: str, *, alone: bool) -> Any:
    lines = 4 if alone else 2
    return gr.Textbox(label=field.replace("_", " "), lines=lines, max_lines=12, autofocus=alone)


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join("\\" + mark if mark in "\\`*_[]<>#|" else mark for mark in text)


def _quiet() -> None:
    """Gradio reads these when it is imported: no analytics, no check for newer versions."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
