"""The safetensors format, written out by hand: no package of that name is needed.

Eight bytes of header length, the header as JSON padded with spaces to a multiple of eight, and the
values in order of name.  For tensors of one type these are the reference library's own bytes.
"""

import json
import struct

import numpy as np

DTYPES = {"F32": np.float32, "F64": np.float64, "F16": np.float16, "I64": np.int64}


def save(tensors, path):
    header, values, at = {}, [], 0
    for name in sorted(tensors):
        array = np.asarray(tensors[name], order="C")
        dtype = next(key for key, kind in DTYPES.items() if array.dtype == kind)
        header[name] = {"dtype": dtype, "shape": list(array.shape)}
        header[name]["data_offsets"] = [at, at + array.nbytes]
        values.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(values))


def load(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: fetch(data, entry) for name, entry in header.items()}


def fetch(data, entry):
    begin, end = entry["data_offsets"]
    return np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
