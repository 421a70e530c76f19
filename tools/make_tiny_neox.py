"""A tiny random GPT-NeoX checkpoint and its logits by transformers, for tests/data/tiny_neox.

Run by hand in an environment of its own with torch, transformers and safetensors:  python tools/make_tiny_neox.py
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "tiny_neox"
SIZES = {"vocab_size": 48, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}

tokens, logits, model = torch.arange(16) * 7 % 48, {}, None
for parallel in (True, False):
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        **SIZES, max_position_embeddings=32, rotary_pct=0.25, use_parallel_residual=parallel, initializer_range=0.2
    )
    model = GPTNeoXForCausalLM(config).eval()
    with torch.no_grad():
        for name, values in model.named_parameters():  # biases and norms start at 0 and 1, which hides mistakes
            if values.ndim == 1:
                values.add_(0.3 * torch.randn(values.shape, generator=torch.Generator().manual_seed(len(name))))
        logits["parallel" if parallel else "sequential"] = model(tokens[None]).logits[0].contiguous()
    shutil.rmtree(FOLDER / "config", ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if parallel:
        model.save_pretrained(FOLDER, safe_serialization=True)
        (FOLDER / "generation_config.json").unlink(missing_ok=True)
save_file(logits | {"tokens": tokens}, FOLDER / "reference.st")
print(json.dumps({path.name: path.stat().st_size for path in FOLDER.iterdir()}))
