"""What our trainers are measured against: `transformers.Trainer` with its default settings on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.types.rows import Example
from p2m_agent.types.task import TaskSpec
from p2m_agent.weights.loading import quiet

Rows = list[Example]


def fit_encoder(base: Path, spec: TaskSpec, rows: Rows, epochs: int, out: Path) -> Any:
    """A sequence classifier, its inputs cut at the length the base was made for; returns what gives labels to texts."""
    import torch

    transformers = quiet()
    labels = list(spec.labels)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(base))
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        str(base), num_labels=len(labels), dtype=torch.float32
    )

    def coded(texts: list[str]) -> list[dict[str, Any]]:
        ids = tokenizer(texts, truncation=True, max_length=256)["input_ids"]
        return [{"input_ids": row, "attention_mask": [1] * len(row)} for row in ids]

    data = coded([row.text for row in rows])
    for item, row in zip(data, rows, strict=True):
        item["labels"] = labels.index(row.output)
    trainer = _trainer(model, tokenizer, data, epochs, out)

    def answer(texts: list[str]) -> list[str]:
        return [labels[i] for i in trainer.predict(coded(texts)).predictions.argmax(-1)]

    return answer


def fit_causal(base: Path, spec: TaskSpec, rows: Rows, epochs: int, out: Path) -> Any:
    """A causal LM on the same prompts, the loss on the answers; returns the model."""
    import torch

    transformers = quiet()
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(base))
    model = transformers.AutoModelForCausalLM.from_pretrained(str(base), dtype=torch.float32)
    chat = ChatFormat(tokenizer, spec.instruction)
    prompts, answers = chat.prompts([row.text for row in rows]), chat.answers([row.output for row in rows])
    data = [
        {"input_ids": [*p, *a], "attention_mask": [1] * (len(p) + len(a)), "labels": [-100] * len(p) + a}
        for p, a in zip(prompts, answers, strict=True)
    ]
    _trainer(model, tokenizer, data, epochs, out, transformers.DataCollatorForSeq2Seq(tokenizer))
    return model.eval()


def _trainer(
    model: Any, tokenizer: Any, data: list[dict[str, Any]], epochs: int, out: Path, collator: Any = None
) -> Any:
    """Defaults but for the epochs, the folder, and what would print or write elsewhere; saves as training ends."""
    transformers = quiet()
    args = transformers.TrainingArguments(
        output_dir=str(out), num_train_epochs=epochs, report_to="none", disable_tqdm=True, seed=0
    )
    trainer = transformers.Trainer(
        model=model, args=args, train_dataset=data, processing_class=tokenizer, data_collator=collator
    )
    trainer.train()
    trainer.save_model(str(out / "model"))
    return trainer
