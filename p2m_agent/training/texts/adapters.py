"""Low-rank adapters on a causal LM, and folding them into its weights again."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2m_agent.errors import ToolError
from p2m_agent.weights.device import device
from p2m_agent.weights.loading import load_causal, quiet

if TYPE_CHECKING:
    from p2m_agent.training.recipes.causal import Causal

_DROPOUT = 0.0


def load_for_tuning(recipe: Causal, folder: Path) -> Any:
    """The base model as the recipe tunes it: whole in float32, or frozen with adapters that begin as nothing.

    Raises:
        ToolError: a library or the GPU that the recipe takes is missing.
    """
    import torch

    if recipe.tuning == "full":
        return load_causal(folder, torch.float32).to(device())
    peft = _peft()
    config = peft.LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        lora_dropout=_DROPOUT,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    if recipe.tuning == "lora":
        return _with_adapters(load_causal(folder, torch.float32).to(device()), config)
    return _with_adapters(peft.prepare_model_for_kbit_training(_in_4_bits(folder)), config)


def merged(recipe: Causal, model: Any, folder: Path, *, keep: bool = False) -> Any:
    """A plain causal LM with the adapters folded in, so that whatever loads the base's family loads the student.

    4-bit weights are not what the adapters are folded into: the base is loaded anew in 16 bits.

    Args:
        recipe: how it was tuned.
        model: the model in training.
        folder: its base.
        keep: whether `model` is still needed as it is.
    """
    import torch

    if recipe.tuning != "qlora":
        model = copy.deepcopy(model) if keep else model
        return model if recipe.tuning == "full" else model.merge_and_unload()
    peft = _peft()
    plain = _with_adapters(load_causal(folder, torch.bfloat16).to(device()), model.peft_config["default"])
    peft.set_peft_model_state_dict(plain, peft.get_peft_model_state_dict(model))
    return plain.merge_and_unload()


def _with_adapters(model: Any, config: Any) -> Any:
    with warnings.catch_warnings():  # peft asks transformers by a name that is on its way out
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return _peft().get_peft_model(model, config)


def _in_4_bits(folder: Path) -> Any:
    import torch

    if device().type != "cuda":
        raise ToolError("QLoRA holds the base in 4 bits, which takes a GPU", "Use tuning lora, or full.")
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise ToolError("QLoRA needs bitsandbytes", "pip install 'p2m_agent[gpu]', or use tuning lora.") from error
    transformers = quiet()
    bits = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return transformers.AutoModelForCausalLM.from_pretrained(
        str(folder), quantization_config=bits, device_map={"": torch.cuda.current_device()}, dtype=torch.bfloat16
    )


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise ToolError("adapters need peft", "pip install 'p2m_agent[adapters]', or use tuning full.") from error
    return peft
