"""scripts/make_bench_model writes whole files: every tensor inside them, sane weights."""

import importlib.machinery
import importlib.util
import math
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "make_bench_model"


def load(path):
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


sys.dont_write_bytecode = True
maker = load(SCRIPT)
maker.POOL_BYTES = 1 << 18  # what a small file needs


def half(data, at):
    return struct.unpack_from("<e", data, at)[0]


def six_bits(block, i):
    """(scale, minimum) of sub-block i of a k format, as its readers unpack them."""
    b = block[4:16]
    if i < 4:
        return b[i] & 63, b[i + 4] & 63
    return b[i + 4] & 15 | b[i - 4] >> 6 << 4, b[i + 4] >> 4 | b[i] >> 6 << 4


def q4_k(block):
    d, m = half(block, 0), half(block, 2)
    for i in range(8):
        scale, minimum = six_bits(block, i)
        for byte in block[16 + i // 2 * 32 : 48 + i // 2 * 32]:
            yield d * scale * (byte >> 4 if i % 2 else byte & 15) - m * minimum


def q6_k(block):
    d = half(block, 208)
    scales = struct.unpack_from("<16b", block, 192)
    for i in range(256):  # weights 0 ... 63 of each half: low nibbles, then high ones
        part, j = divmod(i, 128)
        low = block[part * 64 + j % 64] >> (j // 64 * 4) & 15
        high = block[128 + part * 32 + j % 32] >> (j // 32 * 2) & 3
        yield d * scales[part * 8 + j // 16] * ((low | high << 4) - 32)


def q4_0(block):
    d = half(block, 0)
    return [d * ((byte >> shift & 15) - 8) for shift in (0, 4) for byte in block[2:]]


def q8_0(block):
    d = half(block, 0)
    return [d * weight for weight in struct.unpack_from("<32b", block, 2)]


class MakeBenchModelTest(unittest.TestCase):
    def weights(self, name, decode):
        size = maker.FORMATS[name][2]
        blocks = maker.pool(name, random.Random(3))
        return [w for i in range(200) for w in decode(bytes(blocks[i * size : (i + 1) * size]))]

    def test_weights_are_finite_and_around_zero(self):
        for name, decode in (("q4_0", q4_0), ("q8_0", q8_0), ("q4_k", q4_k), ("q6_k", q6_k)):
            weights = self.weights(name, decode)
            self.assertTrue(all(math.isfinite(w) for w in weights), name)
            self.assertAlmostEqual(statistics.pstdev(weights), 0.02, delta=0.003, msg=name)
            self.assertAlmostEqual(statistics.fmean(weights), 0, delta=0.002, msg=name)

    def test_every_shape_writes_a_file_of_the_size_that_its_table_says(self):
        for shape in ("llama-tiny", "qwen35-tiny", "qwen35moe-tiny"):
            for kind in maker.TYPES:
                with tempfile.TemporaryDirectory() as folder:
                    path = pathlib.Path(folder, "model.gguf")
                    maker.write(path, shape, kind)
                    written = path.read_bytes()
                c = maker.SHAPES[shape]
                listed = list(maker.with_formats(list(maker.tensors(c)), c, kind))
                head = maker.header(list(maker.metadata(shape, c, kind)), listed)
                sizes = [maker.tensor_bytes(dims, chosen) for _, dims, chosen in listed]
                self.assertTrue(written.startswith(head))
                self.assertEqual(len(written) - len(head), sum(s + -s % 32 for s in sizes))

    def test_vocabulary_is_made_of_its_merges(self):
        texts, merges = maker.vocabulary(70000)
        self.assertEqual(len(texts), 70000)
        self.assertEqual(len(set(texts)), len(texts))
        self.assertEqual([merge.replace(" ", "") for merge in merges], texts[256:])

    def test_output_and_late_down_matrices_keep_more_bits(self):
        c = maker.SHAPES["llama-8b"]
        formats = {n: f for n, _, f in maker.with_formats(list(maker.tensors(c)), c, "q4_k_m")}
        self.assertEqual(formats["output.weight"], "q6_k")
        self.assertEqual(formats["token_embd.weight"], "q4_k")
        self.assertEqual(formats["blk.0.ffn_down.weight"], "q6_k")
        self.assertEqual(formats["blk.4.ffn_down.weight"], "q4_k")
        self.assertEqual(formats["blk.31.attn_v.weight"], "q6_k")
        self.assertEqual(formats["blk.9.attn_norm.weight"], "f32")

    def run_script(self, *arguments):
        command = [sys.executable, str(SCRIPT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_wrong_usage_is_refused(self):
        for arguments in ((), ("llama-9b", "q4_0", "x"), ("llama-1b", "q9", "x")):
            done = self.run_script(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("llama-1b", done.stderr)

    def test_a_file_that_cannot_be_written_is_an_error(self):
        done = self.run_script("llama-tiny", "q4_0", "/no/such/folder/model.gguf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/folder/model.gguf", done.stderr)


if __name__ == "__main__":
    unittest.main()
