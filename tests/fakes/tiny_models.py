"""Real checkpoints, small enough to train in a test: a BERT and a Llama with tokenizers of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from p2m_agent.types.rows import Example, Source
from p2m_agent.types.task import Kind, TaskSpec

_SENTENCE = (
    "where is my parcel invoice refund please the a charged twice late again not here what who when card "
    "find pay wait now say it clean uh no i mean one two three four"
)
WORDS = _SENTENCE.split()
CHAT = (
    "{% for m in messages %}<s>{{ m['role'] }} {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant {% endif %}"
)


def _tokenizer(folder: Path, special: dict[str, str], chat_template: str | None = None) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = list(dict.fromkeys([*special.values(), "system", "user", "assistant", *WORDS]))
    raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=special["unk_token"]))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit() if chat_template is None else pre_tokenizers.Whitespace()
    if chat_template is None:
        first, last = special["cls_token"], special["sep_token"]
        ends = [(word, raw.token_to_id(word)) for word in (first, last)]
        raw.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ends)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, chat_template=chat_template, **special)
    tokenizer.save_pretrained(str(folder))
    return tokenizer


def tiny_bert(folder: Path) -> Path:
    """An encoder of some thousand parameters."""
    import torch
    from transformers import BertConfig, BertModel

    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    size = len(_tokenizer(folder, special))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(str(folder))
    return folder


def tiny_llama(folder: Path) -> Path:
    """A causal LM of some thousand parameters with a chat template."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    special = {"pad_token": "<p>", "unk_token": "<u>", "bos_token": "<s>", "eos_token": "</s>"}
    size = len(_tokenizer(folder, special, CHAT))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(str(folder))
    return folder


def byte_level_llama(folder: Path) -> Path:
    """A causal LM whose tokenizer is a byte-level BPE, as nearly all of them are, and that llama.cpp can read."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<p>", "<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        [_SENTENCE] * 3, trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet)
    )
    names = {"pad_token": "<p>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=raw, chat_template=CHAT, **names).save_pretrained(str(folder))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=raw.get_vocab_size(),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": 50_000.0},
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(str(folder))
    return folder


def tiny_t5(folder: Path) -> Path:
    """An encoder-decoder of some thousand parameters."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    size = len(_tokenizer(folder, special, CHAT))
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=size,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )
    T5ForConditionalGeneration(config).save_pretrained(str(folder))
    return folder


def task(kind: Kind = "classification", **other: Any) -> TaskSpec:
    """A small task."""
    about = {"classification": "accuracy", "multi_label": "micro_f1", "text_to_text": "exact_match"}
    fields: dict[str, Any] = {"id": "spec", "request": "r", "instruction": "say it clean", "metric": about[kind]}
    return TaskSpec(kind=kind, **{**fields, **other})


def row(text: str, output: str) -> Example:
    """An example with one field."""
    return Example(input={"text": text}, output=output, source=Source(origin="user", ref="rows.jsonl"))


def sorted_mail(count: int) -> list[Example]:
    """Messages about parcels and invoices, which one word tells apart."""
    fillers = ["please", "late", "again", "not here", "what now", "twice", "who"]
    about = [("parcel", "delivery"), ("invoice", "billing")]
    return [
        row(f"{fillers[i % 7]} {about[i % 2][0]} {fillers[(i // 7) % 7]} {fillers[(i // 49) % 7]}", about[i % 2][1])
        for i in range(count)
    ]


def repeated_words(count: int) -> list[Example]:
    """Say the last word: texts that a tiny causal LM can learn."""
    words = ["one", "two", "three", "four", "parcel", "card"]
    return [row(f"uh {words[i % 6]} no {words[(i * 5 + i // 6) % 6]}", words[i % 6]) for i in range(count)]


def write_rows(path: Path, rows: Sequence[Example]) -> None:
    """As a file of examples."""
    path.write_text("".join(json.dumps(r.model_dump(exclude={"id"})) + "\n" for r in rows))
