"""Checks of the GGUF writer and reader against each other."""

import tempfile
import unittest
from pathlib import Path

import numpy as np

import gguf
from gguf import ARRAY, BOOL, FLOAT32, INT32, STRING, UINT32


class GgufTest(unittest.TestCase):
    def test_what_is_written_is_read(self):
        metadata = [
            ("a.number", UINT32, 7),
            ("a.share", FLOAT32, 0.5),
            ("a.flag", BOOL, True),
            ("a.text", STRING, "été"),
            ("a.numbers", (ARRAY, INT32), [1, -2, 3]),
            ("a.texts", (ARRAY, STRING), ["x", "", "yz"]),
        ]
        tensors = {
            "matrix": np.arange(15, dtype=np.float16).reshape(3, 5),
            "vector": np.array([1.5, -2.5, 3.25], np.float32),
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "test.gguf")
            gguf.write(path, metadata, tensors)
            read_metadata, read_tensors = gguf.read(path)
            self.assertEqual(path.stat().st_size % gguf.ALIGNMENT, 0)
        self.assertEqual(read_metadata, {key: value for key, _, value in metadata})
        for name, array in tensors.items():
            self.assertEqual(read_tensors[name].dtype, array.dtype)
            self.assertTrue((read_tensors[name] == array).all())


if __name__ == "__main__":
    unittest.main()
