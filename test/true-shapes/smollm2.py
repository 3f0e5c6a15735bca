"""Logits of SmolLM2-135M's shape with weights of a hash, by transformers: smollm2-135m.json.

python test/true-shapes/smollm2.py    # torch 2.13.0+cpu, transformers 5.18.0

test/e2e-node/true-shapes.test.ts draws the same weights.
"""

import json
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 49152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "head_dim": 64,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "rope_theta": 100000.0,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "hidden_act": "silu",
    "bos_token_id": 0,
    "eos_token_id": 0,
}
EVERY = 384
IDS = [[1, 504, 3575, 282, 49151, 25, 7], [42, 42, 9, 30000]]


def drawn(place: int, count: int) -> np.ndarray:
    """Numbers below 0.035, as bf16 cuts them."""
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(
        (place * 0x9E3779B9) & 0xFFFFFFFF
    )
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h.astype(np.float64) / 2**32 - 0.5) * 0.07


def cut(values: np.ndarray) -> np.ndarray:
    bits = values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def main() -> None:
    model = LlamaForCausalLM(LlamaConfig(**CONFIG)).float().eval()
    names = sorted(name for name, _ in model.named_parameters())
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for place, name in enumerate(names):
            parameter = parameters[name]
            values = drawn(place, parameter.numel())
            if parameter.dim() == 1:
                values = 1 + values
            parameter.copy_(torch.from_numpy(cut(values)).reshape(parameter.shape))
        rows = []
        for ids in IDS:
            logits = model(torch.tensor([ids])).logits[0].double()
            for position in logits:
                rows.append(
                    {
                        "argmax": int(position.argmax()),
                        "sum": float(position.sum()),
                        "logsumexp": float(position.logsumexp(0)),
                        "some": [round(float(x), 7) for x in position[::EVERY]],
                    }
                )
    found = {"config": CONFIG, "names": len(names), "ids": IDS, "every": EVERY, "rows": rows}
    path = Path(__file__).with_name("smollm2-135m.json")
    path.write_text(json.dumps(found, indent=1) + "\n")


main()
