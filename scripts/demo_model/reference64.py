"""A qwen35 file in float64 numpy, as the format's facts say it and nothing else: shares no code
with the PyTorch model.

`run(path, ids)` returns the trunk's logits and the draft head's logits, each [tokens, vocab].
Row p of the head reads token p and the trunk's hidden state p - 1 (zero for p = 0). The whole
sequence at once, no cache, no speed.
"""

import numpy as np

import gguf


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


class Reference:
    def __init__(self, path):
        self.metadata, tensors = gguf.read(path)
        self.weights = {name: array.astype(np.float64) for name, array in tensors.items()}
        self.epsilon = self.key("attention.layer_norm_rms_epsilon")
        self.layers = self.key("block_count") - self.key("nextn_predict_layers")

    def key(self, name):
        return self.metadata["qwen35." + name]

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T

    def rms(self, x, name):
        return (
            x
            / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon)
            * self.weights[name + ".weight"]
        )

    def rope(self, x):
        """x [tokens, heads, dim]: text positions make the sections equal, so this is the plain
        rotation of pairs (i, i + R/2)."""
        rotary = self.key("rope.dimension_count")
        half = rotary // 2
        angle = np.arange(len(x))[:, None] * self.key("rope.freq_base") ** (
            -np.arange(0, rotary, 2) / rotary
        )
        cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b, rest = x[..., :half], x[..., half:rotary], x[..., rotary:]
        return np.concatenate([a * cosine - b * sine, a * sine + b * cosine, rest], -1)

    def attention(self, x, block):
        tokens, size, heads, kv_heads = len(x), *(
            self.key("attention." + n) for n in ("key_length", "head_count", "head_count_kv")
        )
        query = self.linear(x, block + "attn_q").reshape(tokens, heads, 2 * size)
        q, gate = query[..., :size], query[..., size:]
        k, v = (
            self.linear(x, block + n).reshape(tokens, kv_heads, size) for n in ("attn_k", "attn_v")
        )
        q, k = self.rope(self.rms(q, block + "attn_q_norm")), self.rope(
            self.rms(k, block + "attn_k_norm")
        )
        k, v = (np.repeat(t, heads // kv_heads, 1) for t in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(size)
        scores = np.where(np.tril(np.ones((tokens, tokens), bool)), scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        o = np.einsum("hij,jhd->ihd", weights / weights.sum(-1, keepdims=True), v) * sigmoid(gate)
        return self.linear(o.reshape(tokens, -1), block + "attn_output")

    def delta_net(self, x, block):
        tokens, taps = len(x), self.key("ssm.conv_kernel")
        size, key_heads, value_heads = (
            self.key("ssm." + n) for n in ("state_size", "group_count", "time_step_rank")
        )
        mixed = self.linear(x, block + "attn_qkv")
        padded = np.concatenate([np.zeros((taps - 1, mixed.shape[1])), mixed])
        kernel = self.weights[block + "ssm_conv1d.weight"]
        mixed = silu(sum(padded[j : j + tokens] * kernel[:, j] for j in range(taps)))
        q, k, v = np.split(mixed, [size * key_heads, 2 * size * key_heads], -1)
        q, k, v = (t.reshape(tokens, -1, size) for t in (q, k, v))
        q, k = (
            t / np.maximum(np.sqrt((t * t).sum(-1, keepdims=True)), self.epsilon) for t in (q, k)
        )
        key_head = np.arange(value_heads) % key_heads
        q, k = q[:, key_head] / np.sqrt(size), k[:, key_head]
        beta = sigmoid(self.linear(x, block + "ssm_beta"))
        step = np.log1p(
            np.exp(self.linear(x, block + "ssm_alpha") + self.weights[block + "ssm_dt.bias"])
        )
        decay = np.exp(step * self.weights[block + "ssm_a"])
        state, o = np.zeros((value_heads, size, size)), np.zeros((tokens, value_heads, size))
        for t in range(tokens):
            state *= decay[t][:, None, None]
            d = beta[t][:, None] * (v[t] - np.einsum("hkv,hk->hv", state, k[t]))
            state += k[t][:, :, None] * d[:, None, :]
            o[t] = np.einsum("hkv,hk->hv", state, q[t])
        z = self.linear(x, block + "attn_gate").reshape(o.shape)
        return self.linear(
            (self.rms(o, block + "ssm_norm") * silu(z)).reshape(tokens, -1), block + "ssm_out"
        )

    def block(self, x, index):
        name = f"blk.{index}."
        mixer = self.delta_net if name + "ssm_a" in self.weights else self.attention
        x = x + mixer(self.rms(x, name + "attn_norm"), name)
        a = self.rms(x, name + "post_attention_norm")
        return x + self.linear(
            silu(self.linear(a, name + "ffn_gate")) * self.linear(a, name + "ffn_up"),
            name + "ffn_down",
        )

    def logits(self, hidden):
        return hidden @ self.weights.get("output.weight", self.weights["token_embd.weight"]).T

    def run(self, ids):
        embedded = x = self.weights["token_embd.weight"][ids]
        for i in range(self.layers):
            x = self.block(x, i)
        hidden = self.rms(x, "output_norm")
        head = f"blk.{self.layers}.nextn."
        before = np.concatenate([np.zeros((1, hidden.shape[1])), hidden[:-1]])
        joined = np.concatenate(
            [self.rms(embedded, head + "enorm"), self.rms(before, head + "hnorm")], -1
        )
        drafted = self.rms(
            self.block(self.linear(joined, head + "eh_proj"), self.layers),
            head + "shared_head_norm",
        )
        return self.logits(hidden), self.logits(drafted)


def run(path, ids):
    return Reference(path).run(ids)
