"""Writes the trained model as GGUF: export.py [--folder build/demo_model] [--out
models/troika-demo.gguf].

Matrices become F16, everything else stays F32. The PyTorch model already keeps the file's
conventions (model.py), so tensors are only renamed, and ssm_a = -exp(a_log) is the one computed
value.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import gguf
from gguf import ARRAY, BOOL, FLOAT32, INT32, STRING, UINT32
from model import Config, Trunk
from mtp import Head
from tokenizer import CONTROL, SPECIALS, Tokenizer

NORMAL_TOKEN, CONTROL_TOKEN, USER_DEFINED_TOKEN = 1, 3, 4
MOSTLY_F16 = 1
ATTENTION_NAMES = {
    "q": "attn_q.weight",
    "k": "attn_k.weight",
    "v": "attn_v.weight",
    "output": "attn_output.weight",
    "q_norm": "attn_q_norm.weight",
    "k_norm": "attn_k_norm.weight",
}
DELTA_NAMES = {
    "qkv": "attn_qkv.weight",
    "gate": "attn_gate.weight",
    "beta": "ssm_beta.weight",
    "alpha": "ssm_alpha.weight",
    "conv": "ssm_conv1d.weight",
    "dt": "ssm_dt.bias",
    "a_log": "ssm_a",
    "norm": "ssm_norm.weight",
    "output": "ssm_out.weight",
}
FFN_NAMES = {"gate": "ffn_gate.weight", "up": "ffn_up.weight", "down": "ffn_down.weight"}
HEAD_NAMES = {
    "join": "eh_proj.weight",
    "token_norm": "enorm.weight",
    "hidden_norm": "hnorm.weight",
    "norm": "shared_head_norm.weight",
}


def is_half(name, parameter):
    """Whether the file holds this parameter as F16: matrices, but not the convolution."""
    return parameter.ndim == 2 and not name.endswith("ssm_conv1d.weight")


def block_parameters(block, index):
    prefix = f"blk.{index}."
    yield prefix + "attn_norm.weight", block.mixer_norm
    yield prefix + "post_attention_norm.weight", block.ffn_norm
    names = ATTENTION_NAMES if block.full else DELTA_NAMES
    for names, module in ((names, block.mixer), (FFN_NAMES, block.ffn)):
        for own, name in names.items():
            yield prefix + name, getattr(module, own)


def trunk_parameters(trunk):
    """(name in the file, parameter) of the trunk."""
    yield "token_embd.weight", trunk.embedding
    yield "output_norm.weight", trunk.norm
    for i, block in enumerate(trunk.blocks):
        yield from block_parameters(block, i)


def head_parameters(head):
    """(name in the file, parameter) of the draft head, the block after the trunk's."""
    layer = head.c.layers
    yield from block_parameters(head.block, layer)
    for own, name in HEAD_NAMES.items():
        yield f"blk.{layer}.nextn.{name}", getattr(head, own)


@torch.no_grad()
def round_to_file(named):
    """Gives PyTorch parameters exactly the weights that the file holds."""
    for name, parameter in named:
        if is_half(name, parameter):
            parameter.copy_(parameter.half().to(parameter.dtype))


def metadata(c, tokenizer):
    a = "qwen35."
    types = [
        CONTROL_TOKEN if t in CONTROL else USER_DEFINED_TOKEN if t in SPECIALS else NORMAL_TOKEN
        for t in tokenizer.tokens
    ]
    template = Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8")
    return [
        ("general.architecture", STRING, "qwen35"),
        ("general.type", STRING, "model"),
        ("general.name", STRING, "Troika demo"),
        ("general.license", STRING, "mit"),
        ("general.file_type", UINT32, MOSTLY_F16),
        (a + "block_count", UINT32, c.layers + 1),
        (a + "nextn_predict_layers", UINT32, 1),
        (a + "context_length", UINT32, c.context),
        (a + "embedding_length", UINT32, c.hidden),
        (a + "feed_forward_length", UINT32, c.ffn),
        (a + "attention.head_count", UINT32, c.heads),
        (a + "attention.head_count_kv", UINT32, c.kv_heads),
        (a + "attention.key_length", UINT32, c.head_dim),
        (a + "attention.value_length", UINT32, c.head_dim),
        (a + "attention.layer_norm_rms_epsilon", FLOAT32, c.epsilon),
        (a + "full_attention_interval", UINT32, c.attention_interval),
        (a + "rope.dimension_count", UINT32, c.rotary),
        (a + "rope.dimension_sections", (ARRAY, INT32), c.rope_sections),
        (a + "rope.freq_base", FLOAT32, c.rope_base),
        (a + "ssm.conv_kernel", UINT32, c.conv),
        (a + "ssm.state_size", UINT32, c.state),
        (a + "ssm.group_count", UINT32, c.key_heads),
        (a + "ssm.time_step_rank", UINT32, c.value_heads),
        (a + "ssm.inner_size", UINT32, c.value_dim),
        ("tokenizer.ggml.model", STRING, "gpt2"),
        ("tokenizer.ggml.pre", STRING, "qwen35"),
        ("tokenizer.ggml.tokens", (ARRAY, STRING), tokenizer.tokens),
        ("tokenizer.ggml.token_type", (ARRAY, INT32), types),
        (
            "tokenizer.ggml.merges",
            (ARRAY, STRING),
            [f"{left} {right}" for left, right in tokenizer.merges],
        ),
        ("tokenizer.ggml.eos_token_id", UINT32, tokenizer.turn_end),
        ("tokenizer.ggml.padding_token_id", UINT32, tokenizer.end_of_text),
        ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, template),
    ]


def tensors(trunk, head):
    result = {}
    for name, parameter in [*trunk_parameters(trunk), *head_parameters(head)]:
        value = parameter.detach().float()
        value = -torch.exp(value) if name.endswith("ssm_a") else value
        result[name] = value.numpy().astype(np.float16 if is_half(name, parameter) else np.float32)
    return result


def load_trunk(folder):
    """(trunk, tokenizer) from the training folder, with the weights the file holds."""
    trunk = Trunk(Config())
    trunk.load_state_dict(torch.load(folder / "trunk.pt")["trunk"])
    round_to_file(trunk_parameters(trunk))
    return trunk, Tokenizer.load(folder / "tokenizer.json")


def load(folder):
    """(trunk, head, tokenizer) from the training folder, with the weights the file holds."""
    trunk, tokenizer = load_trunk(folder)
    head = Head(trunk.c)
    head.load_state_dict(torch.load(folder / "head.pt")["head"])
    round_to_file(head_parameters(head))
    return trunk, head, tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo_model"))
    parser.add_argument("--out", type=Path, default=Path("models/troika-demo.gguf"))
    options = parser.parse_args()
    trunk, head, tokenizer = load(options.folder)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    made = tensors(trunk, head)
    gguf.write(options.out, metadata(trunk.c, tokenizer), made)
    count = sum(array.size for array in made.values())
    print(
        f"{options.out}: {count} weights in {len(made)} tensors, {options.out.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
