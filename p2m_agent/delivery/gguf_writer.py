"""A causal student as one GGUF file for llama.cpp, with its own tokeniser, chat template and end tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.training.texts.chat_format import ChatFormat
from p2m_agent.weights.loading import load_tokenizer
from p2m_agent.weights.locate import read_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARCHITECTURES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
}
"""What llama.cpp calls the architectures that students have."""
PRE_TOKENIZERS = ("smollm", "gpt-2", "qwen2", "llama-bpe", "starcoder", "falcon", "deepseek-llm", "gpt-4o", "tekken")
"""Its ways of cutting a text before merges, of which the one is taken that gives the student's tokens."""
_LARGEST_F16 = 65_504.0


def write_gguf(folder: Path, instruction: str, target: Path, *, pre: str, weights: bool = True) -> None:
    """Write the checkpoint in `folder` as a GGUF file.

    Args:
        folder: a checkpoint of transformers.
        instruction: what stands before each input where the tokenizer has no chat template.
        target: the file.
        pre: one of `PRE_TOKENIZERS`.
        weights: otherwise the vocabulary alone, with a model of random weights around it that is quick to load.

    Raises:
        ToolError: llama.cpp has no such architecture, or the tokenizer is no byte-level BPE.
    """
    import gguf

    config, tokenizer = read_json(folder / "config.json"), load_tokenizer(folder)
    architecture = ARCHITECTURES.get((config.get("architectures") or [""])[0])
    if architecture is None:
        raise ToolError(f"{config.get('architectures')} cannot be written as GGUF.", "Export it as safetensors.")
    if not weights:
        architecture, config = "llama", {**config, **_TINY}
    writer = gguf.GGUFWriter(str(target), architecture)
    _write_shape(writer, config)
    _write_vocabulary(writer, tokenizer, config, pre)
    _write_chat(writer, tokenizer, folder, instruction)
    for name, values in _tensors(folder, architecture, config) if weights else _random(config):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


_TINY = {
    "num_hidden_layers": 1,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
}


def _write_shape(writer: Any, config: dict[str, Any]) -> None:
    heads = config["num_attention_heads"]
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    width = config.get("head_dim") or config["hidden_size"] // heads
    for say in (writer.add_key_length, writer.add_value_length, writer.add_rope_dimension_count):
        say(width)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(float(rope.get("rope_theta") or config.get("rope_theta") or 10_000.0))
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind != "default":
        raise ToolError(f"Rotary embeddings of the kind {kind} cannot be written as GGUF.", "Export it as safetensors.")
    writer.add_vocab_size(config["vocab_size"])


def _write_vocabulary(writer: Any, tokenizer: Any, config: dict[str, Any], pre: str) -> None:
    told = json.loads(tokenizer.backend_tokenizer.to_str())
    model = told["model"]
    if model["type"] != "BPE" or model.get("byte_fallback"):
        raise ToolError("Only tokenizers of byte-level BPE can be written as GGUF.", "Export it as safetensors.")
    names = {place: token for token, place in tokenizer.get_vocab().items()}
    added: dict[int, bool] = {each["id"]: each["special"] for each in told["added_tokens"]}
    tokens, types = [], []
    for place in range(config["vocab_size"]):
        tokens.append(names.get(place, f"[PAD{place}]"))
        types.append(_type(place, names, added))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([each if isinstance(each, str) else " ".join(each) for each in model["merges"]])


def _type(place: int, names: dict[int, str], added: dict[int, bool]) -> Any:
    from gguf import TokenType

    if place in added:
        return TokenType.CONTROL if added[place] else TokenType.USER_DEFINED
    return TokenType.NORMAL if place in names else TokenType.UNUSED


def _write_chat(writer: Any, tokenizer: Any, folder: Path, instruction: str) -> None:
    """Template and end tokens: llama.cpp would take ChatML and one end token where none are said."""
    chat = ChatFormat(tokenizer, instruction)
    said = read_json(folder / "generation_config.json").get("eos_token_id")
    others = [end for end in (said if isinstance(said, list) else [said]) if end not in (None, chat.end)]
    writer.add_eos_token_id(chat.end)
    if others:
        writer.add_eot_token_id(others[0])
    if tokenizer.bos_token_id is not None:
        writer.add_bos_token_id(tokenizer.bos_token_id)
    if tokenizer.pad_token_id is not None:
        writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(value=False)  # the template says what stands first
    writer.add_add_space_prefix(value=False)
    writer.add_chat_template(chat.template)


def _tensors(folder: Path, architecture: str, config: dict[str, Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every tensor under llama.cpp's name; matrices in 16 bits, vectors in 32."""
    import numpy as np
    from gguf import MODEL_ARCH, get_tensor_name_map
    from safetensors import safe_open

    names = get_tensor_name_map(MODEL_ARCH[architecture.upper()], config["num_hidden_layers"])
    heads = config["num_attention_heads"]
    turned = {"q_proj": heads, "k_proj": config.get("num_key_value_heads") or heads}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), "pt") as file:
            for name in file.keys():  # noqa: SIM118 (no mapping)
                if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                    continue
                values = file.get_tensor(name).float().numpy()
                place = name.split(".")[-2]
                if architecture == "llama" and place in turned:
                    values = _interleaved(values, turned[place])
                wide = values.ndim > 1 and np.abs(values).max() <= _LARGEST_F16  # beyond it would be infinite
                target = names.get_name(name, try_suffixes=(".weight", ".bias"))
                if target is None:
                    raise ToolError(f"The tensor {name} has no place in GGUF.", "Export it as safetensors.")
                yield target, values.astype(np.float16) if wide else values


def _interleaved(values: NDArray[Any], heads: int) -> NDArray[Any]:
    """Rows in the order of llama.cpp's rotary embedding: the halves of each head alternate."""
    rows = values.shape[0] // heads
    return values.reshape(heads, 2, rows // 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def _random(config: dict[str, Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    import numpy as np

    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "token_embd": (config["vocab_size"], width),
        "output_norm": (width,),
        **{f"blk.0.{name}": (width,) for name in ("attn_norm", "ffn_norm")},
        **{f"blk.0.attn_{name}": (width, width) for name in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (inner, width),
        "blk.0.ffn_up": (inner, width),
        "blk.0.ffn_down": (width, inner),
    }
    for name, shape in shapes.items():
        yield f"{name}.weight", np.ones(shape, np.float32)


def matching_pre(folder: Path, instruction: str, texts: Sequence[str], scratch: Path) -> tuple[str, float]:
    """The pre-tokeniser of llama.cpp that cuts prompts as the student's tokenizer does, and the share it cuts alike.

    Prompts with blanks, line breaks and digits beside each other are tried too, where the ways differ.
    """
    from p2m_agent.delivery.llama_cpp import tokens_of

    chat = ChatFormat(load_tokenizer(folder), instruction)
    tried = [*texts[:50], "a  12\n\n3 4.56", "x\t\t7  89%\n 1", "it's 2026-11-28,  10:30", "ÄÖ  ÿ 日本語 12"]
    prompts = [chat.prompt(text) for text in tried]
    ours = chat.prompts(tried)
    best, share = PRE_TOKENIZERS[0], -1.0
    for pre in PRE_TOKENIZERS:
        path = scratch / f"{pre}.gguf"
        write_gguf(folder, instruction, path, pre=pre, weights=False)
        theirs = tokens_of(path, prompts)
        path.unlink()
        alike = sum(one == other for one, other in zip(ours, theirs, strict=True)) / len(ours)
        if alike > share:
            best, share = pre, alike
        if share == 1:
            break
    return best, share
