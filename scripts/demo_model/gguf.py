"""Writes and reads the part of GGUF version 3 that the demo model needs: F32 and F16 tensors,
little endian."""

import struct

import numpy as np

ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
SCALARS = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}
DTYPES = {0: np.dtype("<f4"), 1: np.dtype("<f2")}
TYPE_IDS = {dtype: number for number, dtype in DTYPES.items()}


def packed_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def packed(kind, value):
    return packed_string(value) if kind == STRING else struct.pack(SCALARS[kind], value)


def packed_pair(key, kind, value):
    """`kind` is a scalar type, or (ARRAY, element type)."""
    if isinstance(kind, tuple):
        head = struct.pack("<IIQ", ARRAY, kind[1], len(value))
        return packed_string(key) + head + b"".join(packed(kind[1], v) for v in value)
    return packed_string(key) + struct.pack("<I", kind) + packed(kind, value)


def padding(size):
    return b"\0" * (-size % ALIGNMENT)


def write(path, metadata, tensors):
    """metadata: [(key, kind, value)]; tensors: {name: array of float32 or float16}, outermost
    dimension first."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(packed_pair(*pair) for pair in metadata)
    data = b""
    for name, array in tensors.items():
        dims = array.shape[::-1]
        head += packed_string(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
        head += struct.pack("<IQ", TYPE_IDS[array.dtype], len(data))
        data += array.tobytes() + padding(array.nbytes)
    with open(path, "wb") as file:
        file.write(head + padding(len(head)) + data)


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values if len(values) > 1 else values[0]

    def string(self):
        size = self.take("<Q")
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.take("<IQ")
            return [self.value(element) for _ in range(count)]
        return self.take(SCALARS[kind])


def read(path):
    """(metadata {key: value}, tensors {name: array}) of a file that `write` made."""
    with open(path, "rb") as file:
        cursor = Cursor(file.read())
    magic, version, tensor_count, pair_count = cursor.take("<4sIQQ")
    if (magic, version) != (b"GGUF", 3):
        raise ValueError(f"{path}: not a GGUF version 3 file")
    metadata = {}
    for _ in range(pair_count):
        key = cursor.string()
        metadata[key] = cursor.value(cursor.take("<I"))
    found = []
    for _ in range(tensor_count):
        name, count = cursor.string(), cursor.take("<I")
        dims = [cursor.take("<Q") for _ in range(count)]
        found.append((name, dims[::-1], *cursor.take("<IQ")))
    start = cursor.at + len(padding(cursor.at))
    return metadata, {
        name: np.frombuffer(cursor.data, DTYPES[kind], int(np.prod(shape)), start + offset).reshape(
            shape
        )
        for name, shape, kind, offset in found
    }
